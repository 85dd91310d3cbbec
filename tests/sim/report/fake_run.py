"""A made-up run with two faults: a small model of queues that tells what a real run would tell.

It stands in for the simulator, so that reports can be tested without one: five servers of three
places, one balancer that tries twice, a slow server (10 s to 20 s) and a crash (30 s to 42 s).
"""

import heapq
import random
from collections.abc import Callable
from typing import Final

from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.happening import Happening, Value, What
from trio_lb.sim.report.data import CoveragePoint, RunFacts, Verdict
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.tally import Tally

UNTIL: Final = 60.0
PLACES: Final = 3
QUEUE: Final = 100
TIMEOUT: Final = 1.0


class Server:
    """A queue with places; ``slow`` multiplies its service, ``up`` says whether it answers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.slow, self.up, self.open_until = 1.0, True, 0.0
        self.busy = 0
        self.queue: list[tuple[float, Callable[[], None]]] = []
        self.failures = 0


class FakeRun:
    """Tells its happenings to ``hear`` in the order of time; the same for the same seed."""

    def __init__(
        self,
        hear: Callable[[Happening], object],
        *,
        seed: int = 7,
        rate: float = 320,
        breaker: bool = True,
    ) -> None:
        self.hear, self.rate, self.breaker = hear, rate, breaker
        self.arrivals, self.chance = random.Random(seed), random.Random(seed + 1)
        self.servers = [Server(f"s{number}") for number in range(1, 6)]
        self.heap: list[tuple[float, int, Callable[[], None]]] = []
        self.now, self.count, self.req = 0.0, 0, 0

    def run(self, until: float = UNTIL) -> None:
        """Play it to the end."""
        self.tell(What.PHASE, "sim", 0, "safety")
        for server in self.servers:
            self.tell(What.ADD, "lb", 0, server.name, "default")
            self.tell(What.ACCEPT, server.name, 0)
        self.at(0.001, self.arrive)
        self.at(10, lambda: self.slow_down("s2"))
        self.at(30, lambda: self.crash("s4"))
        self.at(until - 10, lambda: self.tell(What.PHASE, "sim", 0, "liveness"))
        self.until = until
        while self.heap:
            self.now, _, happen = heapq.heappop(self.heap)
            happen()

    def at(self, instant: float, happen: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.heap, (instant, self.count, happen))

    def tell(self, what: What, entity: str, req: int, *values: Value) -> None:
        self.hear(Happening(self.now, what, entity, 1, req, values))

    # ------------------------------------------------------------------ faults

    def slow_down(self, name: str) -> None:
        server = self.named(name)
        server.slow = 20.0
        self.tell(What.INJECT, f"server:{name}", 0, "slow", 0, '{"x": 20}')
        self.at(self.now + 10, lambda: self.speed_up(server))
        if self.breaker:
            self.at(self.now + 2.5, lambda: self.eject(server))

    def eject(self, server: Server) -> None:
        server.open_until = self.now + 9
        self.tell(What.EJECT, "lb", 0, server.name, "default", "latency", 9_000_000_000)
        self.at(self.now + 9, lambda: self.tell(What.READMIT, "lb", 0, server.name, "default"))

    def speed_up(self, server: Server) -> None:
        server.slow = 1.0
        self.tell(What.HEALED, f"server:{server.name}", 0, "slow", 0)

    def crash(self, name: str) -> None:
        server = self.named(name)
        server.up = False
        self.tell(What.INJECT, f"host:{name}", 0, "crash", 1, "{}")
        self.at(
            self.now + 3, lambda: self.tell(What.HEALTH, "lb", 0, name, "default", 0, "refused")
        )
        self.at(self.now + 12, lambda: self.restart(server))

    def restart(self, server: Server) -> None:
        server.up, server.busy, server.queue = True, 0, []
        self.tell(What.HEALED, f"host:{server.name}", 0, "crash", 1)
        verdict = (server.name, "default", 1, "answered")
        self.at(self.now + 2, lambda: self.tell(What.HEALTH, "lb", 0, *verdict))

    def named(self, name: str) -> Server:
        return next(server for server in self.servers if server.name == name)

    # ------------------------------------------------------------------ requests

    def arrive(self) -> None:
        self.req += 1
        self.tell(What.ARRIVE, "web", self.req, "GET")
        self.tell(What.TRY, "web", self.req, 1, "GET")
        self.tell(What.START, "lb", self.req, f"r{self.req}")
        Request(self, self.req).attempt()
        after = self.now + self.arrivals.expovariate(self.rate)
        if after < self.until:
            self.at(after, self.arrive)


class Request:
    """One request's way through the balancer: two attempts at most."""

    def __init__(self, run: FakeRun, req: int) -> None:
        self.run, self.req, self.begin = run, req, run.now
        self.attempts, self.over = 0, False
        run.at(run.now + TIMEOUT, self.time_out)

    @property
    def ns(self) -> int:
        return round((self.run.now - self.begin) * 1e9)

    def attempt(self) -> None:
        run = self.run
        self.attempts += 1
        able = [s for s in run.servers if s.open_until <= run.now]
        server = run.chance.choice(able)
        run.tell(What.SELECT, "lb", self.req, server.name, "default", server.busy)
        if server.up:
            self.take(server)
        else:
            run.at(run.now + 0.002, lambda: self.fail(server, "refused"))

    def take(self, server: Server) -> None:
        run = self.run
        run.tell(What.TAKE, server.name, self.req, "GET", server.busy, len(server.queue))
        if server.busy < PLACES:
            self.serve(server, run.now)
        elif len(server.queue) < QUEUE:
            since = run.now
            server.queue.append((since, lambda: self.serve(server, since)))
        else:
            run.tell(What.REPLY, server.name, self.req, 503, 0, 0)
            self.fail(server, "503")

    def serve(self, server: Server, since: float) -> None:
        run = self.run
        server.busy += 1
        run.tell(What.BEGIN, server.name, self.req, round((run.now - since) * 1e9))
        lasts = run.chance.lognormvariate(-4.2, 0.7) * server.slow
        run.at(run.now + lasts, lambda: self.served(server, since))

    def served(self, server: Server, since: float) -> None:
        run = self.run
        server.busy = max(0, server.busy - 1)
        taken = round((run.now - since) * 1e9)
        if server.up:
            run.tell(What.REPLY, server.name, self.req, 200, 512, taken)
            self.finish(server)
        else:
            run.tell(What.DROP, server.name, self.req, "crash")
            self.fail(server, "reset")
        if server.queue and server.up:
            server.queue.pop(0)[1]()

    def finish(self, server: Server) -> None:
        if not self.over:
            self.over = True
            server.failures = 0
            run = self.run
            run.tell(
                What.COMPLETE, "lb", self.req, server.name, "default", 200, self.attempts, self.ns
            )
            run.tell(What.ANSWER, "web", self.req, 200, 512, self.ns, server.name)
            run.tell(What.DONE, "web", self.req, 1, 1, self.ns, "")

    def fail(self, server: Server, reason: str) -> None:
        if self.over:
            return
        run = self.run
        server.failures += 1
        if run.breaker and server.failures == 5:
            self.trip(server)
        if self.attempts < 2:
            run.tell(
                What.RETRY,
                "lb",
                self.req,
                server.name,
                "default",
                self.attempts,
                reason,
                25_000_000,
            )
            run.at(run.now + 0.025, lambda: None if self.over else self.attempt())
        else:
            self.over = True
            run.tell(
                What.ERROR,
                "lb",
                self.req,
                server.name,
                "default",
                502,
                self.attempts,
                self.ns,
                reason,
            )
            run.tell(What.ANSWER, "web", self.req, 502, 20, self.ns, "")
            run.tell(What.DONE, "web", self.req, 0, 1, self.ns, "502")

    def trip(self, server: Server) -> None:
        run = self.run
        server.open_until = run.now + 5
        values = (server.name, "default")
        run.tell(What.OPEN, "lb", 0, *values, "five failures", 5_000_000_000)
        run.at(run.now + 5, lambda: self.half_open(server))

    def half_open(self, server: Server) -> None:
        self.run.tell(What.HALF_OPEN, "lb", 0, server.name, "default")
        if server.up:
            close = (server.name, "default", "trials succeeded")
            self.run.at(self.run.now + 0.5, lambda: self.run.tell(What.CLOSE, "lb", 0, *close))
            server.failures = 0
        else:
            self.run.at(self.run.now + 0.2, lambda: self.trip(server))

    def time_out(self) -> None:
        if not self.over:
            self.over = True
            self.run.tell(What.FAIL, "web", self.req, "timeout", self.ns, 0)
            self.run.tell(What.DONE, "web", self.req, 0, 1, self.ns, "timeout")


def facts(**changes: object) -> RunFacts:
    """What would be known of such a run."""
    planned = (
        Fault(10.0, "slow", Target(Sort.SERVER, ("s2",)), 20.0, {"x": 20}),
        Fault(30.0, "crash", Target(Sort.HOST, ("s4",)), 42.0),
    )
    verdicts = (
        Verdict("conservation", True),
        Verdict("no leaks", True),
        Verdict("deadline", False, 3, "request 2301 took 1.2 s of 1 s", 11.5, 2301),
    )
    coverage = (CoveragePoint("a breaker opened", 30.4), CoveragePoint("retry budget exhausted"))
    values: dict[str, object] = {
        "name": "slow then dead",
        "seed": 7,
        "until": 50.0,
        "settle": 10.0,
        "faults": planned,
        "verdicts": verdicts,
        "coverage": coverage,
        "versions": {"python": "3.11.7", "trio": "0.35.0", "h11": "0.16.0"},
        "trace_hash": "6a09e667f3bcc908bb67ae8584caa73b",
        "command": "trio-lb replay run.jsonl",
    } | changes
    return RunFacts(**values)  # type: ignore[arg-type]  # The changes are the caller's to get right.


def figures(**changes: object) -> Figures:
    """A made-up run, told and reckoned."""
    tally = Tally(UNTIL)
    FakeRun(tally.hear).run()
    return Figures.of(facts(**changes), tally)


def made_up(name: str, *, breaker: bool, seed: int = 7) -> Figures:
    """Return the figures of a run of that name."""
    tally = Tally(UNTIL)
    FakeRun(tally.hear, breaker=breaker, seed=seed).run()
    return Figures.of(facts(name=name, seed=seed), tally)
