"""A server that answers 500 at once, and so looks like the one with the least to do.

Least connections sends it whatever comes: it never has a connection for long. Its probes are good.
"""

from collections.abc import Mapping
from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import Check, ComesBack, ErrorRate, Sometimes
from trio_lb.sim.checks.world import World
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.faults.fluent import Errors, at
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

BEGIN: Final = 20.0
EJECTED_SECONDS: Final = 5.0


def build(setup: Setup) -> Simulation:
    """Ten servers; one of them fails all requests from second 20 on, for 30 seconds."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 10, service=Lognormal(p50=0.05, p99=0.2))
    config: dict[str, object] = {
        "algorithm": "least_connections",
        "health_check": {"interval": "2s", "timeout": "1s"},
    }
    if not setup.protected:
        config["outlier_detection"] = False
    setup.balancer(sim, config)
    load = OpenLoop(Poisson(options["rate"] * len(names) / 10))
    sim.clients("web", load, policy=ClientPolicy(timeout=10.0))
    failing = names[0]
    sim.faults(at(BEGIN, Errors(f"server:{failing}", share=1.0, status=500, for_="30s")))
    sim.check(EjectedWithin(failing, EJECTED_SECONDS), takes=BEGIN + EJECTED_SECONDS)
    sim.check(
        ErrorRate("<0.5%"),
        ComesBack(within=20.0),
        Sometimes("the server fails", What.REPLY, when=lambda h: h.values[0] == 500),
    )
    return sim


class EjectedWithin(Check):
    """A server is ejected so soon after the first fault began."""

    name = "ejected_within"

    def __init__(self, server: str, seconds: float) -> None:
        super().__init__()
        self.asked = f"{seconds:g} s"
        self._server = server
        self._seconds = seconds
        self._began: float | None = None
        self._ejected: float | None = None

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.INJECT: self._injected, What.EJECT: self._heard}

    def _injected(self, happening: Happening) -> None:
        if self._began is None:
            self._began = happening.at

    def _heard(self, happening: Happening) -> None:
        if happening.values[0] == self._server and self._ejected is None:
            self._ejected = happening.at

    def finish(self, world: World) -> None:
        """Judge how long it took."""
        if self._began is None or self._ejected is None:
            self.found = "never"
            self.object_at(world.clock.current_time(), f"{self._server} was never ejected")
            return
        seconds = self._ejected - self._began
        self.found = f"{seconds:.2f} s"
        if not 0.0 <= seconds <= self._seconds:
            text = f"{self._server} was ejected after {seconds:.3f} s; asked is {self.asked}"
            self.object_at(self._ejected, text, entity=self._server)


SCENARIO = Scenario(
    name="fast-failing-node",
    number=5,
    summary="one of ten servers answers 500 at once, and so attracts requests",
    build=build,
    until=60.0,
    settle=40.0,
    about="passive ejection",
    options={"rate": 100.0},
    limits={"rate": POSITIVE},
)
