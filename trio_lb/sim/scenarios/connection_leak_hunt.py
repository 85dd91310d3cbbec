"""Clients leave at every byte, of what they ask and of what they are answered, whatever servers do.

    P O S T ... \\r \\n b o d y | H T T P / 1 . 1 ... b o d y
    ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^  ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^ ^   x   plain, slow, refused, paused, ...
    leave here: by RST, by FIN, or without a word

What must hold: when all have gone, each balancer has just what it had before the first one came:
connections, streams, descriptors, requests in flight, tasks, and breakers that are closed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import trio

from trio_lb.net.env import ConnectError
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.http1 import body_of, request_head
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import Check, ComesBack, Sometimes
from trio_lb.sim.checks.world import World
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import (
    Blackhole,
    FinMidBody,
    HalfClose,
    Pause,
    Refuse,
    ResetAfter,
    Slow,
    StalledReader,
    Trickle,
    Wanted,
    Word,
    at,
)
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.stream import VirtualStream

FIRST_AT: Final = 5.0
EVERY_SECONDS: Final = 5.0
"""From one state of the servers to the next."""
FAULT_SECONDS: Final = 4.0
APART_SECONDS: Final = 0.002
"""From one leaver to the next: the service takes longer, so every moment of it is met."""
PATIENCE_SECONDS: Final = 3.0
"""So long does a leaver wait for its byte; then it leaves where it is."""
FIRST_NUMBER: Final = 1_000_000
"""Of a leaver's request: beyond those of other clients."""
BODY_BYTES: Final = 24
ANSWER_BYTES: Final = 40

STATES: Final[Mapping[str, tuple[Word, Mapping[str, Any]] | None]] = {
    "plain": None,
    "slow": (Slow, {"x": 50}),
    "trickled": (Trickle, {"bytes": 3, "every": 0.01}),
    "refused": (Refuse, {}),
    "silent": (Blackhole, {}),
    "reset in mid answer": (ResetAfter, {"bytes": 60}),
    "ended in mid body": (FinMidBody, {"bytes": 10}),
    "half-closed": (HalfClose, {}),
    "not reading": (StalledReader, {}),
    "paused": (Pause, {}),
}
"""What servers do meanwhile: in each of these states every offset is left at."""

WAYS: Final = ("reset", "fin", "vanish")


@attrs.frozen
class Leavers:
    """Everybody who leaves: one connection for each byte and state, the ways in turn by seed.

    With the time of faults theirs is over, too: in which state servers are is then not up to them.
    """

    sim: Simulation
    time: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    async def run(self, env: SimEnv) -> None:
        """Let them come and go; then stand still, to be counted as at the begin."""
        self.sim.wire.hear(self._phase, What.PHASE)
        with self.time:
            number = FIRST_NUMBER
            for turn, state in enumerate(STATES):
                await trio.sleep_until(FIRST_AT + EVERY_SECONDS * turn)
                await self._all_leave(env, number, turn)
                number += self.bytes_in_all
                self.sim.wire.tell(What.SOMETIMES, "leavers", 0, 0, _left_all(state))
        await trio.sleep_forever()

    def _phase(self, happening: Happening) -> None:
        if happening.values[0] == "liveness":  # Who hears must not change the world.
            self.sim.clock.call_at(happening.at, self.time.cancel)

    async def _all_leave(self, env: SimEnv, number: int, turn: int) -> None:
        async with trio.open_nursery() as nursery:
            for offset in range(self.bytes_in_all):
                way = WAYS[(offset + turn + self.sim.seed) % len(WAYS)]
                nursery.start_soon(self._come_and_go, env, number + offset, offset, way)
                await trio.sleep(APART_SECONDS)

    @property
    def bytes_in_all(self) -> int:
        """Offsets from before the first byte of a request to behind the last of an answer."""
        return len(_request(FIRST_NUMBER)) + MOST_ANSWER_BYTES

    async def _come_and_go(self, env: SimEnv, number: int, offset: int, way: str) -> None:
        balancers = list(self.sim.balancers.values())
        target = balancers[number // len(WAYS) % len(balancers)].addresses[0]
        try:
            stream = await env.network.connect(target)
        except ConnectError:
            return  # It has nothing to leave.
        assert isinstance(stream, VirtualStream), "it is a host of the virtual network"
        request = _request(number)
        began = trio.current_time()
        self.sim.wire.tell(What.TRY, "leavers", stream.serial, number, 1, "POST")
        try:
            with trio.move_on_after(PATIENCE_SECONDS):
                if offset:
                    await stream.send_some(request[:offset])
                await _take(stream, offset - len(request))
                await trio.sleep(APART_SECONDS / 2 if offset < len(request) else 0.0)
        except trio.BrokenResourceError:
            way = "reset"  # The balancer was faster.
        finally:
            lasted_ns = round((trio.current_time() - began) * 1e9)
            self.sim.wire.tell(What.FAIL, "leavers", stream.serial, number, "left", lasted_ns, 0)
            _leave(stream, way)


def _request(number: int) -> bytes:
    return request_head(number, "POST", "/", "sim", BODY_BYTES) + body_of(number, BODY_BYTES)


MOST_ANSWER_BYTES: Final = 200
"""No answer here is longer; who asks for more of one waits in vain, and leaves."""


async def _take(stream: VirtualStream, left: int) -> None:
    while left > 0:
        data = await stream.receive_some(left)
        if not data:
            return
        left -= len(data)


def _leave(stream: VirtualStream, way: str) -> None:
    match way:
        case "reset":
            stream.abort()
        case "fin":
            stream.close()
        case _:
            stream.vanish()


def _left_all(state: str) -> str:
    return f"every byte was left at while servers were {state}"


class Baseline(Check):
    """When all have gone, each balancer has exactly what it had before the first one came."""

    name = "baseline"

    def __init__(self, *, counts_kept: bool) -> None:
        """``counts_kept``: connections to servers, too, since none is kept for long."""
        super().__init__()
        self.asked = "left behind, of connections, streams, descriptors, requests, tasks"
        self._counts_kept = counts_kept
        self._before: dict[str, dict[str, int]] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.PHASE: self._phase}

    def _phase(self, happening: Happening) -> None:
        if happening.values[0] == "safety":
            self._before = self._counts(self.world)

    def quiet(self, world: World) -> None:
        """Compare, before anything is closed."""
        now, after = world.clock.current_time(), self._counts(world)
        left = 0
        for name, before in self._before.items():
            for what, count in after.get(name, {}).items():
                left += max(0, count - before[what])
                if count != before[what]:
                    text = f"{count} {what} where {before[what]} were before anybody came"
                    self.object_at(now, text, entity=name)
        self.found = f"{left:,}"

    def _counts(self, world: World) -> dict[str, dict[str, int]]:
        counts = {"sim": {"tasks": trio.lowlevel.current_statistics().tasks_living}}
        for name, balancer in world.balancers.items():
            lb: Any = balancer.lb
            if lb is None:
                continue
            streams = world.net.streams_of(balancer.host.name)
            kept = len(streams) if self._counts_kept else sum(not s.has_dialled for s in streams)
            counts[name] = {
                "connections": lb.connection_count,
                "streams": kept,
                "requests in flight": sum(server.active_connections for server in lb.servers()),
            }
            if self._counts_kept:
                counts[name]["descriptors"] = balancer.host.descriptors.used
        return counts


def build(setup: Setup) -> Simulation:
    """Four servers, and two balancers of which one has breakers; leavers go to both."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 4, service=Fixed(0.010), size=Fixed(ANSWER_BYTES))
    plain = {**CONFIG, "timeouts": SHORT if setup.protected else LONG}
    setup.balancer(sim, plain)
    if setup.config is None:
        setup.balancer(sim, {**plain, "circuit_breaker": BREAKER}, name="guarded")
        sim.check(Sometimes("a breaker takes trials", What.HALF_OPEN))
    policy = ClientPolicy(timeout=10.0, posts=0.5)
    sim.clients("web", OpenLoop(Poisson(options["rate"] * len(names) / 4)), policy=policy)
    sim.host("leavers", Leavers(sim).run)
    for turn, fault in enumerate(STATES.values()):
        begin = FIRST_AT + EVERY_SECONDS * turn
        sim.faults(*(at(begin, wanted) for wanted in _on_all(fault, names)))
    settles = SETTLE if setup.config is not None else SHORT_SECONDS + PATIENCE_SECONDS
    sim.check(Baseline(counts_kept=setup.config is None), settles=settles)
    sim.check(ComesBack())
    sim.check(*(Sometimes(_left_all(state)) for state in STATES))
    return sim


def _on_all(fault: tuple[Word, Mapping[str, Any]] | None, names: Sequence[str]) -> list[Wanted]:
    if fault is None:
        return []
    word, args = fault
    return [word(f"server:{name}", for_=FAULT_SECONDS, **args) for name in names]


CONFIG: Final[Mapping[str, object]] = {
    "algorithm": "least_connections",
    "outlier_detection": {"enabled": False},  # Who is ejected is in no state at all.
}
BREAKER: Final[Mapping[str, object]] = {
    "failure_threshold": 20,
    "timeout": "500ms",
    "max_timeout": "2s",
}
SHORT_SECONDS: Final = 10.0
"""No wait of the scenario's own balancers is longer."""
SETTLE: Final = 85.0
"""As long as all waits of a configuration that says nothing of them."""
_UPSTREAM: Final = {"connect": "1s", "upstream_keep_alive": "500ms"}
SHORT: Final[Mapping[str, object]] = {
    **_UPSTREAM,
    **dict.fromkeys(("client_head", "client_body_idle", "client_keep_alive"), SHORT_SECONDS),
    **dict.fromkeys(("first_byte", "idle", "total", "write_stall"), SHORT_SECONDS),
}
LONG: Final[Mapping[str, object]] = {
    **_UPSTREAM,
    **dict.fromkeys(("client_head", "client_body_idle", "client_keep_alive"), "30m"),
}

SCENARIO = Scenario(
    name="connection-leak-hunt",
    number=13,
    summary="clients leave at every byte offset, in every state of the servers",
    about="an end for each wait, and what is opened is closed by whoever opened it",
    build=build,
    until=FIRST_AT + EVERY_SECONDS * len(STATES) + 5.0,
    settle=SETTLE,
    options={"rate": 4.0},
    limits={"rate": POSITIVE},
)
