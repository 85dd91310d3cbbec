"""Ten thousand clients send their requests byte by byte; some more read byte by byte.

    tricklers:  G . E . T . ...          each is cut `client_head` after its first byte
    readers:    ... <- 1 KiB <- 1 KiB    a server's answer waits in windows, not in memory

What must hold: whoever asks as people do is served as before; a head has its time, and who
does not send one in it is cut; what all of them hold at once has a bound.
"""

from array import array
from collections.abc import Mapping
from typing import Any, Final

from trio_lb.sim.actors.asking import SlowHead
from trio_lb.sim.actors.client import ClosedLoop, OpenLoop
from trio_lb.sim.actors.line import Pace
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson, Replay
from trio_lb.sim.checks import Check, Sometimes
from trio_lb.sim.checks.slower import Slower
from trio_lb.sim.checks.world import World
from trio_lb.sim.cpu import CpuCost
from trio_lb.sim.distributions import Choice, Fixed, Uniform
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE, at_least
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

BEGIN: Final = 20.0
LASTS_SECONDS: Final = 15.0
"""In so long all of them come."""
HEAD_SECONDS: Final = 10.0
BYTE_EVERY_SECONDS: Final = 4.0
PLACES_FRACTION: Final = 0.8
"""``limits.max_connections`` by tricklers: two thirds of them come while one head has its time."""
ANSWER_BYTES: Final = 256 * 1024
"""More than a window (64 KiB) and the balancer's buffer hold, so that a slow reader is felt."""


class Unhurt(Check):
    """The clients called ``name`` are served: no failure, and p99 at most ``slower`` times before."""

    name = "unhurt"

    def __init__(self, client: str, since: float, until: float, slower: float = 1.1) -> None:
        super().__init__()
        self.asked = f"p99 of {client} at most {slower:g} times as before, nobody fails"
        self._client = client
        self._since = since
        self._until = until
        self._slower = slower
        self._before = array("q")
        self._meanwhile = array("q")
        self._failed = 0

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.DONE: self._done}

    def _done(self, happening: Happening) -> None:
        good, _, lasted_ns, reason = happening.values
        if happening.entity != self._client:
            return
        if not good:
            self._failed += 1
            self.object(happening, f"a request of {self._client} failed: {reason}")
        elif happening.at < self._since:
            self._before.append(int(lasted_ns))
        elif happening.at < self._until:
            self._meanwhile.append(int(lasted_ns))

    def finish(self, world: World) -> None:
        """Compare."""
        count = f"{self._failed} failed"
        if not (self._before and self._meanwhile):
            self.found = count
            return
        slower = Slower.of(self._before, self._meanwhile, self._slower)
        self.found = f"{slower.found}, {count}"
        if slower.is_slower:
            text = f"{self._client} is slower than before {self._since:g} s: {slower}"
            self.object_at(self._until, text)


class CutInTime(Check):
    """Whoever trickles is cut ``seconds`` after the first byte (None: as configured), and reaches no server."""

    name = "cut_in_time"

    def __init__(self, client: str, seconds: float | None, late_seconds: float = 0.1) -> None:
        super().__init__()
        self.asked = f"every one of {client}, this long after its first byte"
        self._client = client
        self._seconds = seconds
        self._late_seconds = late_seconds
        self._longest_ns = self._cut = 0
        self._tricklers: dict[int, None] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        ends = dict.fromkeys((What.ANSWER, What.FAIL), self._ended)
        return {What.TRY: self._began, What.TAKE: self._taken, **ends}

    def _began(self, happening: Happening) -> None:
        if happening.entity == self._client:
            self._tricklers[happening.req] = None

    def _taken(self, happening: Happening) -> None:
        if happening.req in self._tricklers:
            self.object(happening, "a server has a request that was never whole in time")

    def _ended(self, happening: Happening) -> None:
        if happening.entity != self._client or happening.req not in self._tricklers:
            return
        del self._tricklers[happening.req]
        lasted_ns = int(happening.values[1 if happening.what is What.FAIL else 2])
        self._cut += 1
        self._longest_ns = max(self._longest_ns, lasted_ns)
        limit = self._limit + self._late_seconds
        if lasted_ns > limit * 1e9:
            text = f"it trickled for {lasted_ns / 1e9:.3f} s, allowed are {limit:g} s"
            self.object(happening, text)

    @property
    def _limit(self) -> float:
        if self._seconds is not None:
            return self._seconds
        lives = [each.lb for each in self.world.balancers.values() if each.lb is not None]
        return max((lb.config.timeouts.client_head for lb in lives), default=HEAD_SECONDS)

    def finish(self, world: World) -> None:
        """Say how long the last one took."""
        self.found = f"{self._cut:,} cut, the last after {self._longest_ns / 1e9:.3f} s"


class PlacesBounded(Check):
    """A balancer never has more connections than ``max_connections``, and in the end as many as before."""

    name = "places_bounded"

    def __init__(self) -> None:
        super().__init__()
        self.asked = "most connections of clients at once"
        self._peak = 0

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.TRY: self._look, What.ANSWER: self._look}

    def _look(self, happening: Happening) -> None:
        for name, balancer in self.world.balancers.items():
            lb: Any = balancer.lb
            if lb is None or lb.connection_count <= self._peak:
                continue
            self._peak = lb.connection_count
            limit = lb.config.limits.max_connections
            if self._peak > limit:
                self.object(happening, f"{name} has {self._peak} connections, allowed are {limit}")

    def finish(self, world: World) -> None:
        """Say how many there were."""
        self.found = f"{self._peak:,}"


class HeldBounded(Check):
    """Of an answer to a slow reader no more than ``most_bytes`` is between the server and its client.

    That is two windows and the buffer of the balancer. When a server has handed over its last
    byte, the client cannot have taken more than its pace allows; the rest is on the way.
    """

    name = "held_bounded"

    def __init__(self, client: str, pace: Pace, most_bytes: int) -> None:
        super().__init__()
        self.asked = f"bytes under way to one of {client}: at most {most_bytes:,}"
        self._client = client
        self._pace = pace
        self._most_bytes = most_bytes
        self._peak = 0
        self._readers: dict[int, None] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.ARRIVE: self._arrived, What.REPLY: self._replied}

    def _arrived(self, happening: Happening) -> None:
        if happening.entity == self._client:
            self._readers[happening.req] = None

    def _replied(self, happening: Happening) -> None:
        if self._readers.pop(happening.req, self) is not None:
            return
        _, size, lasted_ns = happening.values
        turns = 1 + int(lasted_ns) / 1e9 / self._pace.every_seconds
        held = int(size) - int(turns * self._pace.size_bytes)
        self._peak = max(self._peak, held)
        if held > self._most_bytes:
            text = f"{held:,} bytes are under way to a slow reader, allowed are"
            self.object(happening, f"{text} {self._most_bytes:,}")

    def finish(self, world: World) -> None:
        """Say how much it was at most."""
        self.found = f"{self._peak:,}"


def build(setup: Setup) -> Simulation:
    """Eight servers, people who ask, and from second 20 on those who trickle and those who drag."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 8, service=Uniform(0.010, 0.030), size=Fixed(ANSWER_BYTES))
    # On one core, or ten thousand tricklers would cost no time.
    sim.balancer(_config(setup) if setup.config is None else setup.config, cpu=CpuCost())
    web = ClientPolicy(timeout=20.0, requests_per_connection=5)
    sim.clients("web", OpenLoop(Poisson(options["rate"] * len(names))), policy=web)
    tricklers, readers = int(options["tricklers"]), int(options["readers"])
    slow_head = ClientPolicy(timeout=40.0, habits=(SlowHead(BYTE_EVERY_SECONDS),))
    sim.clients("tricklers", ClosedLoop(tricklers, Choice(WAVES)), policy=slow_head)
    slow_reader = ClientPolicy(timeout=300.0, pace=PACE)
    sim.clients("readers", OpenLoop(Replay(_evenly(readers))), policy=slow_reader)
    until = BEGIN + LASTS_SECONDS + HEAD_SECONDS
    sim.check(Unhurt("web", BEGIN, until), takes=until)
    sim.check(
        CutInTime("tricklers", HEAD_SECONDS if setup.config is None else None),
        PlacesBounded(),
        HeldBounded("readers", PACE, MOST_HELD_BYTES),
        Sometimes("a trickler is cut", What.ANSWER, when=_is_cut),
        Sometimes("a slow reader has its answer", What.ANSWER, when=_is_reader),
    )
    return sim


WAVES: Final = tuple((BEGIN + LASTS_SECONDS * turn / 400, 1.0) for turn in range(400))
"""Tricklers come some together, which is cheaper. Whoever was cut would come again so much later:
when all is over."""
PACE: Final = Pace(size_bytes=4096, every_seconds=0.25)
MOST_HELD_BYTES: Final = 192 * 1024
"""Two windows of 64 KiB, a buffer of 32 KiB, and as much again for what is in one's hand."""


def _config(setup: Setup) -> Mapping[str, object]:
    tricklers: Any = setup.options["tricklers"]
    head_seconds = HEAD_SECONDS if setup.protected else 600
    return {
        "algorithm": "power_of_two",
        "limits": {"max_connections": int(PLACES_FRACTION * tricklers)},
        "timeouts": {"client_head": head_seconds},
    }


def _evenly(count: int) -> tuple[float, ...]:
    return tuple(BEGIN + LASTS_SECONDS * turn / count for turn in range(count))


def _is_cut(happening: Happening) -> bool:
    return happening.entity == "tricklers" and happening.values[0] == 408


def _is_reader(happening: Happening) -> bool:
    return happening.entity == "readers" and happening.values[0] == 200


SCENARIO = Scenario(
    name="slowloris",
    number=12,
    summary="ten thousand clients send byte by byte, and some read byte by byte",
    about="a time for each request head, a bound on connections, and on what is buffered",
    build=build,
    until=46.0,
    settle=3.0,
    options={"rate": 2.5, "tricklers": 10_000, "readers": 100},
    limits={"rate": POSITIVE, "tricklers": at_least(1), "readers": at_least(1)},
)
