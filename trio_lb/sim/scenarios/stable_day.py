"""A whole day: traffic rises and falls, and now and then something fails. Nothing may pile up.

    night . : i | i : . night      faults by chance, all day long, each soon healed

What must hold: all laws, all day; and what is open, waits or is remembered depends on the load
alone. By the curve of the day an hour after noon is as busy as the hour as long before it, so
what is more in the evening than in the morning has leaked.
"""

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import trio

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Diurnal, Poisson
from trio_lb.sim.checks import Check, ComesBack, ErrorRate, Sometimes, TasksBounded
from trio_lb.sim.checks.world import World
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.faults import fluent
from trio_lb.sim.faults.fluent import Timed, every, random_of
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

DAY_SECONDS: Final = 86_400.0
LOOKS: Final = 192
"""So many times in a day levels are looked at."""
MORE: Final = 1.25
SPARE: Final = 4.0
"""The evening's mean level may be so many times the morning's, and so much more: chance."""
SPARE_OBJECTS: Final = 100
"""So many more objects of one kind may live at the end than in the morning."""
PRODUCT: Final = tuple(
    f"trio_lb.{part}." for part in ("app", "control", "model", "net", "policy", "proxy", "state")
)


@attrs.frozen(slots=True)
class Levels:
    """What is open or waits at an instant."""

    at: float
    connections: int
    tasks: int
    timers: int


class NoDrift(Check):
    """As much is open in the evening as in the morning: connections, tasks, timers."""

    name = "no_drift"

    def __init__(self, day: float, timers: Callable[[], int], tasks: Callable[[], int]) -> None:
        super().__init__()
        self.asked = f"<= {MORE:g} x morning + {SPARE:g}"
        self._day = day
        self._timers = timers
        self._tasks = tasks
        self._next = 0.0
        self._looks: list[Levels] = []

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.ARRIVE: self._arrived}

    def _arrived(self, happening: Happening) -> None:
        if self._next <= happening.at < self._day:
            self._next = happening.at + self._day / LOOKS
            net, hosts = self.world.net, [each.host for each in self.world.balancers.values()]
            connections = sum(len(net.streams_of(host.name)) for host in hosts)
            self._looks.append(Levels(happening.at, connections, self._tasks(), self._timers()))

    def finish(self, world: World) -> None:
        """Compare the evening with the morning, from a quarter of the day to three quarters."""
        quarter = self._day / 4.0
        morning = [each for each in self._looks if quarter <= each.at < 2.0 * quarter]
        evening = [each for each in self._looks if 2.0 * quarter <= each.at < 3.0 * quarter]
        if not morning or not evening:
            return
        found: list[str] = []
        for what in ("connections", "tasks", "timers"):
            before, after = _mean(morning, what), _mean(evening, what)
            found.append(f"{what} {before:.1f} → {after:.1f}")
            if after > MORE * before + SPARE:
                text = f"{after:.1f} {what} in the evening, {before:.1f} in the morning"
                self.object_at(world.clock.current_time(), text)
        self.found = ", ".join(found)


def _mean(looks: Sequence[Levels], what: str) -> float:
    total: int = sum(getattr(each, what) for each in looks)
    return total / len(looks)


class MemoryFlat(Check):
    """When all have gone, no kind of object of the product is more numerous than in the morning.

    ``census`` counts what lives, by kind. By ``morning`` (seconds) all histories of a bounded
    length have come to it.
    """

    name = "memory_flat"

    def __init__(self, morning: float, census: Callable[[], Mapping[str, int]]) -> None:
        super().__init__()
        self._morning = morning
        self.asked = f"kinds of objects of which over {SPARE_OBJECTS} more live"
        self._census = census
        self._before: Mapping[str, int] | None = None

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.DONE: self._done}

    def _done(self, happening: Happening) -> None:
        if self._before is None and happening.at >= self._morning:
            self._before = self._census()

    def quiet(self, world: World) -> None:
        """Count again."""
        if self._before is None:
            return
        more = {kind: n - self._before.get(kind, 0) for kind, n in self._census().items()}
        for kind, count in more.items():
            if count > SPARE_OBJECTS:
                text = f"{count} more objects {kind} live than in the morning"
                self.object_at(world.clock.current_time(), text)
        self.found = str(self.count)


def census_of_the_product() -> dict[str, int]:
    """Count the living objects of the product's own classes."""
    gc.collect()
    kinds: dict[type, int] = {}
    for each in gc.get_objects():
        kind = type(each)
        kinds[kind] = kinds.get(kind, 0) + 1
    named = {f"{kind.__module__}.{kind.__qualname__}": n for kind, n in kinds.items()}
    return {name: named[name] for name in sorted(named) if name.startswith(PRODUCT)}


def _tasks_living() -> int:
    return trio.lowlevel.current_statistics().tasks_living


def build(setup: Setup) -> Simulation:
    """Eight servers, a day of ``day`` seconds with so many ``requests``, and random faults."""
    options: Any = setup.options
    day = options["day"]
    sim = setup.simulation()
    setup.fleet(sim, 8, zones=("a", "b"), service=Lognormal(p50=0.012, p99=0.08))
    health = {"interval": "10s", "timeout": "1s"} if setup.protected else {"enabled": False}
    config: dict[str, object] = {
        "algorithm": "power_of_two",
        "timeouts": {"connect": "1s", "first_byte": "5s"},
        "health_check": health,
    }
    if not setup.protected:
        config |= {"retry": {"max_retries": 0}, "outlier_detection": {"enabled": False}}
    setup.balancer(sim, config, zone="a")
    mean = options["requests"] / day
    policy = ClientPolicy(timeout=20.0, posts=0.1, requests_per_connection=4)
    sim.clients("web", OpenLoop(Diurnal(0.2 * mean, 1.8 * mean, day)), policy=policy, zone="a")
    sim.faults(*_faults(options["faults"] / day))
    sim.check(
        NoDrift(day, lambda: sim.clock.pending, _tasks_living),
        MemoryFlat(day / 4.0, census_of_the_product),
        TasksBounded(spare=8),
        ErrorRate("<0.5%"),
        ErrorRate("<0.02%", outside_faults=True),
        ComesBack(),
        Sometimes("a server is left alone", What.HEALTH, What.EJECT, when=_is_left_alone),
        Sometimes("a retry", What.RETRY),
    )
    return sim


def _is_left_alone(happening: Happening) -> bool:
    return happening.what is What.EJECT or not happening.values[2]


def _faults(rate: float) -> list[Timed]:
    """Each kind comes so often a second, by chance, somewhere."""
    kinds = (
        fluent.Crash(random_of("servers"), for_="60s"),
        fluent.Crash(random_of("servers"), for_="60s", fin=True),
        fluent.Restart(random_of("servers"), down="2s"),
        fluent.Pause(random_of("servers"), for_="10s"),
        fluent.Slow(random_of("servers"), x=20, for_="60s"),
        fluent.Errors(random_of("servers"), share=0.5, for_="60s"),
        fluent.Reset(random_of("servers")),
        fluent.BacklogFull(random_of("servers"), for_="60s"),
    )
    return [every(Poisson(rate), kind) for kind in kinds]


SCENARIO = Scenario(
    name="stable-day",
    number=22,
    summary="24 hours of traffic and random faults: nothing piles up",
    about="all defaults together: checks, ejection, retries, timeouts",
    build=build,
    until=DAY_SECONDS,
    settle=60.0,
    options={"day": DAY_SECONDS, "requests": 60_000.0, "faults": 12.0},
    limits={"day": POSITIVE, "requests": POSITIVE, "faults": POSITIVE},
)
