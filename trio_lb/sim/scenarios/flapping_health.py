"""A server whose health endpoint goes up and down about as often as it is asked.

It serves well all the time. Who believes each single probe takes it out and puts it back again
and again, and moves a quarter of the load with it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Every
from trio_lb.sim.checks import Check, ComesBack, ErrorRate, Sometimes
from trio_lb.sim.checks.world import World
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.faults.fluent import HealthLies, every
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

INTERVAL_SECONDS: Final = 2.0
BEGIN: Final = 20.0
END: Final = 80.0


def build(setup: Setup) -> Simulation:
    """Four servers; from second 20 on one of them lies to each second probe or so."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 4, service=Lognormal(p50=0.012, p99=0.08))
    probes: dict[str, object] = {"interval": f"{INTERVAL_SECONDS:g}s", "timeout": "1s"}
    if not setup.protected:
        probes |= {"healthy_threshold": 1, "unhealthy_threshold": 1}
    setup.balancer(sim, {"algorithm": "round_robin", "health_check": probes})
    load = OpenLoop(Every(1.0 / (options["rate"] * len(names))))
    sim.clients("web", load, policy=ClientPolicy(timeout=10.0))
    period = options["period"]
    lies = HealthLies(f"server:{names[0]}", answer="failing", for_=period / 2)
    sim.faults(every(period, lies, start=BEGIN, stop=END))
    sim.check(Oscillation(0.2), takes=END)
    sim.check(
        Changes(names[0], most=4),
        ErrorRate("<0.1%"),
        ComesBack(within=10.0, slower=2.0),
        Sometimes("a probe is told that the server is ill", What.PROBE, when=_is_bad),
    )
    return sim


def _is_bad(probe: Happening) -> bool:
    return int(probe.values[0]) >= 400


class Changes(Check):
    """Probes' verdict of a server changes at most so often; the first one, at the start, is free."""

    name = "health_changes"

    def __init__(self, server: str, *, most: int) -> None:
        super().__init__()
        self.asked = f"at most {most}"
        self.found = "0"
        self._server = server
        self._most = most
        self._changes = 0

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.HEALTH: self._changed}

    def _changed(self, happening: Happening) -> None:
        if happening.values[0] == self._server and happening.at >= BEGIN:
            self._changes += 1
            self.found = f"{self._changes}"
            if self._changes == self._most + 1:
                self.object(happening, f"its health has changed more than {self._most} times")


class Oscillation(Check):
    """No server's load in any few seconds differs from its mean by more than such a share.

    The server that flaps is judged as the others are: it serves well.
    """

    name = "oscillation"
    span_seconds = 4.0

    def __init__(self, most: float) -> None:
        super().__init__()
        self.asked = f"each server within {most:.0%} of its mean load"
        self._most = most
        self._taken: dict[str, dict[int, int]] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.TAKE: self._took}

    def _took(self, happening: Happening) -> None:
        column = self._taken.setdefault(happening.entity, {})
        span = int(happening.at / self.span_seconds)
        column[span] = column.get(span, 0) + 1

    def finish(self, world: World) -> None:
        """Judge the spans in which clients were there all the time."""
        worst, server, begin = max(self._differences(), default=(0.0, "", 0.0))
        self.found = f"{worst:.1%}"
        if worst > self._most:
            text = f"load differs by {worst:.1%} from the mean in {self.span_seconds:g} s"
            self.object_at(begin, text, entity=server)

    def _differences(self) -> Iterator[tuple[float, str, float]]:
        spans = range(int(BEGIN / self.span_seconds), int(END / self.span_seconds))
        for server, column in self._taken.items():
            loads = [column.get(span, 0) for span in spans]
            mean = sum(loads) / len(loads)
            for span, load in zip(spans, loads, strict=True):
                if mean:
                    yield abs(load / mean - 1.0), server, span * self.span_seconds


SCENARIO = Scenario(
    name="flapping-health",
    number=6,
    summary="a health endpoint goes up and down about as often as it is asked",
    build=build,
    until=END,
    settle=30.0,
    about="hysteresis: three bad probes in a row, two good ones (fall and rise)",
    options={"rate": 10.0, "period": 1.5},
    limits={"rate": POSITIVE, "period": POSITIVE},
)
