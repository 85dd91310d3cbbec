"""Half of the fleet comes back at once, cold and with nothing to do: all requests run there.

From second 20 on the processes of ten of twenty servers are gone, for thirty seconds. Their breakers opened
within a moment, so without chance they also half-open at one moment, again and again; and
when the servers are back they have no connections, so least connections sends them everything.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import Check, ComesBack, ErrorRate, Sometimes
from trio_lb.sim.checks.world import World
from trio_lb.sim.distributions import Uniform
from trio_lb.sim.faults.fluent import Crash, at
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

BEGIN: Final = 20.0
OUTAGE_SECONDS: Final = 30.0
END: Final = BEGIN + OUTAGE_SECONDS
WARM_SECONDS: Final = 8.0
"""Until then servers fill."""


def build(setup: Setup) -> Simulation:
    """Twenty servers; requests take four seconds, so about twenty are at each server."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 20, service=Uniform(2.0, 6.0))
    lost = names[: max(1, len(names) // 2)]
    breaker: dict[str, object] = {
        "failure_threshold": 3,
        "success_threshold": 1,
        "timeout": "3s",
        "max_timeout": "6s",
        "jitter": 1 if setup.protected else 0,
    }
    setup.balancer(
        sim,
        {
            "algorithm": "least_connections",
            "circuit_breaker": breaker,
            "outlier_detection": False,
            "slow_start": "20s" if setup.protected else "0s",
        },
    )
    load = OpenLoop(Poisson(options["rate"] * len(names)))
    sim.clients("web", load, policy=ClientPolicy(timeout=20.0))
    sim.faults(
        at(BEGIN, *(Crash(f"server:{name}", fin=True, for_=OUTAGE_SECONDS) for name in lost))
    )
    sim.check(PeakRate(lost, 1.5), takes=END)
    sim.check(
        HalfOpens(max(1, round(0.6 * len(lost)))),
        ErrorRate("<1%"),
        ComesBack(within=25.0),
        Sometimes("a breaker half-opens", What.HALF_OPEN),
        Sometimes("a breaker closes again", What.CLOSE),
    )
    return sim


class PeakRate(Check):
    """After their return servers get at most so many times as many requests a second as before.

    Taken together, and in any second: of one server in a second chance would say more.
    """

    name = "peak_rate"
    span_seconds = 1.0

    def __init__(self, servers: Sequence[str], most: float) -> None:
        super().__init__()
        self.asked = f"in any {self.span_seconds:g} s at most {most:g} times as before"
        self._servers = dict.fromkeys(servers)
        self._most = most
        self._before = 0
        self._recent: deque[float] = deque()
        self._peak = (0, 0.0)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.TAKE: self._took}

    def _took(self, happening: Happening) -> None:
        at = happening.at
        if happening.entity not in self._servers:
            return
        if WARM_SECONDS <= at < BEGIN:
            self._before += 1
        elif at >= END:
            self._recent.append(at)
            while self._recent[0] <= at - self.span_seconds:
                self._recent.popleft()
            self._peak = max(self._peak, (len(self._recent), at))

    def finish(self, world: World) -> None:
        """Compare the fullest span with what was usual."""
        usual = self._before / (BEGIN - WARM_SECONDS) * self.span_seconds
        most, at = self._peak
        times = most / usual if usual else float("inf")
        self.found = f"{times:.2f} times"
        if times > self._most:
            text = f"{most} requests in {self.span_seconds:g} s, {usual:.1f} are usual"
            self.object_at(at, f"{text}; asked is {self.asked}")


class HalfOpens(Check):
    """At most so many breakers half-open in one second, once each has opened a second time.

    The first opening lasts exactly as long as configured, so it ends for all at one moment.
    """

    name = "half_opens"

    def __init__(self, most: int) -> None:
        super().__init__()
        self.asked = f"at most {most} a second"
        self._most = most
        self._times: dict[object, int] = {}
        self._seconds: dict[int, int] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.HALF_OPEN: self._heard}

    def _heard(self, happening: Happening) -> None:
        server = happening.values[0]
        self._times[server] = self._times.get(server, 0) + 1
        if self._times[server] > 1:
            second = int(happening.at)
            self._seconds[second] = self._seconds.get(second, 0) + 1
            if self._seconds[second] == self._most + 1:
                self.object(happening, f"more than {self._most} breakers half-open in one second")

    def finish(self, world: World) -> None:
        """Say how many there were at most."""
        self.found = f"{max(self._seconds.values(), default=0)}"


SCENARIO = Scenario(
    name="thundering-herd",
    number=3,
    summary="ten of twenty servers come back at once",
    build=build,
    until=END,
    settle=35.0,
    about="jitter of the breakers, slow start",
    options={"rate": 5.0},
    limits={"rate": POSITIVE},
)
