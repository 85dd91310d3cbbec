"""Ten balancers before one fleet: each sees a tenth of the traffic, and has breakers of its own.

    noise everywhere: 1 % errors | s1 fails: ten breakers open, try, open ... | s1 works: they close

What must hold: chance errors open no breaker, however few requests each balancer sees; the
server that fails is asked by the whole fleet only now and then, not by all at once; when it
works again, all take it back, and nowhere does the load swing.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import Check, ComesBack, ErrorRate, Sometimes
from trio_lb.sim.checks.world import World
from trio_lb.sim.distributions import Uniform
from trio_lb.sim.faults.fluent import Errors, at
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE, at_least
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

BEGIN: Final = 15.0
END: Final = 50.0
UNTIL: Final = 65.0
SETTLE: Final = 30.0
NOISE: Final = 0.01
"""The share of requests that each server answers with an error, up to the end of the failure."""


class OnlyTheGuilty(Check):
    """A breaker opens only at the server that fails, while it does."""

    name = "only_the_guilty"

    def __init__(self, guilty: str) -> None:
        super().__init__()
        self._guilty = guilty
        self._opened_total = 0
        self.asked, self.found = "openings, all at the server that fails", "0"

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.OPEN: self._opened}

    def _opened(self, happening: Happening) -> None:
        server = happening.values[0]
        self._opened_total += 1
        self.found = str(self._opened_total)
        if server != self._guilty or not BEGIN <= happening.at <= END + 1.0:
            self.object(happening, f"the breaker of {server} opened, which did not fail")


class TrialsRare(Check):
    """While a server fails, the whole fleet tries it but now and then.

    That is at most ``in_a_second`` trials in any second, and at most ``in_all``.
    """

    name = "trials_rare"

    def __init__(self, in_a_second: float, in_all: float) -> None:
        super().__init__()
        self._in_a_second = in_a_second
        self._in_all = in_all
        self.asked = f"<= {in_a_second:g} in a second, <= {in_all:g} in all"
        self._half_open: dict[tuple[str, str], None] = {}
        self._recent: deque[float] = deque()
        self._total = self._peak = 0
        self._is_healed = False

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        moves = dict.fromkeys((What.OPEN, What.CLOSE), self._over)
        heard = {What.HALF_OPEN: self._begun, What.SELECT: self._selected}
        return {**heard, **moves, What.PHASE: self._phase}

    def _phase(self, happening: Happening) -> None:
        self._is_healed = happening.values[0] != "safety"  # By the end of a run that is shorter.

    def _begun(self, happening: Happening) -> None:
        self._half_open[happening.entity, str(happening.values[0])] = None

    def _over(self, happening: Happening) -> None:
        self._half_open.pop((happening.entity, str(happening.values[0])), None)

    def _selected(self, happening: Happening) -> None:
        key = (happening.entity, str(happening.values[0]))
        if key not in self._half_open or self._is_healed or not BEGIN <= happening.at < END:
            return
        recent = self._recent
        recent.append(happening.at)
        while recent[0] <= happening.at - 1.0:
            recent.popleft()
        self._total += 1
        self._peak = max(self._peak, len(recent))
        if len(recent) > self._in_a_second:
            allowed = f"allowed are {self._in_a_second:g}"
            self.object(happening, f"{len(recent)} trials of {key[1]} within a second, {allowed}")

    def finish(self, world: World) -> None:
        """Judge how many there were in all."""
        self.found = f"{self._peak}, {self._total}"
        if self._total > self._in_all:
            text = f"{self._total} trials while it failed, allowed are {self._in_all:g}"
            self.object_at(world.clock.current_time(), text)


class ProbesApart(Check):
    """No server is probed more than ``most`` times within ``window`` seconds, from ``since`` on."""

    name = "probes_apart"

    def __init__(self, most: float, window: float, since: float) -> None:
        super().__init__()
        self._most = most
        self.asked = f"<= {most:g} of one server within {window:g} s"
        self._peak = 0
        self._window = window
        self._since = since
        self._recent: dict[str, deque[float]] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.PROBE: self._probed}

    def _probed(self, happening: Happening) -> None:
        if happening.at < self._since:
            return
        recent = self._recent.setdefault(happening.entity, deque())
        recent.append(happening.at)
        while recent[0] <= happening.at - self._window:
            recent.popleft()
        if len(recent) > self._peak:
            self._peak = len(recent)
            self.found = str(self._peak)
        if len(recent) > self._most:
            text = f"{len(recent)} probes within {self._window:g} s, allowed are {self._most:g}"
            self.object(happening, text)


def build(setup: Setup) -> Simulation:
    """Six servers and ten balancers; the first server fails from second 15 to second 50."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 6, service=Uniform(0.010, 0.030))
    config = PROTECTED if setup.protected else UNPROTECTED
    fleet = [f"lb{number}" for number in range(1, options["balancers"] + 1)]
    for name in fleet:
        setup.balancer(sim, config, name=name)
        load = OpenLoop(Poisson(options["rate"] * len(names)))
        sim.clients(f"of {name}", load, policy=ClientPolicy(timeout=5.0), to=name)
    noise = [Errors(f"server:{name}", share=NOISE, for_=END) for name in names]
    failing = Errors(f"server:{names[0]}", share=1.0, for_=END - BEGIN)
    sim.faults(at(0, *noise), at(BEGIN, failing))
    count = len(fleet)
    in_vain = (END - BEGIN) / (UNTIL + SETTLE) / len(names)
    """What would fail if nobody left the first server alone."""
    sim.check(
        OnlyTheGuilty(names[0]),
        TrialsRare(0.7 * count, 3 * count),
        ProbesApart(0.7 * count, 0.1, since=BEGIN),
        ErrorRate(f"<{100 * (NOISE + 0.75 * in_vain):.1f}%"),
        Sometimes("a server is left alone", What.OPEN, What.EJECT),
        Sometimes("it is taken back", What.CLOSE, What.READMIT),
    )
    sim.check(ComesBack(within=20.0), takes=UNTIL)
    return sim


PROTECTED: Final[Mapping[str, object]] = {
    "algorithm": "power_of_two",
    "circuit_breaker": {"failure_threshold": 5, "timeout": "5s", "jitter": 0.5},
    "outlier_detection": {"enabled": False},
    "health_check": {"interval": "5s"},
}
UNPROTECTED: Final[Mapping[str, object]] = {
    **PROTECTED,
    "circuit_breaker": {
        "threshold": 0.05,
        "min_requests": 5,
        "interval": "10s",
        "timeout": "5s",
        "backoff": 1,
    },
    "health_check": {"interval": "5s", "jitter_fraction": 0.0},
}

SCENARIO = Scenario(
    name="breaker-fleet",
    number=19,
    summary="ten balancers, each with breakers of its own; one server fails for 35 s",
    about="breakers that open by enough evidence, wait longer each time, and with jitter",
    build=build,
    until=UNTIL,
    settle=SETTLE,
    options={"balancers": 10, "rate": 0.8},
    limits={"balancers": at_least(1), "rate": POSITIVE},
)
