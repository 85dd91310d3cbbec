"""Retries upon retries: clients retry three times what the balancer has already retried.

For twenty seconds the servers are four times as slow; they are used to four fifths before. A
request becomes up to four of a client's tries, and each of those up to three attempts of the
balancer: twelve times the load, just when there is least to spare.
"""

from collections.abc import Mapping
from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import Check, ComesBack, Sometimes
from trio_lb.sim.checks.world import World
from trio_lb.sim.distributions import Exponential
from trio_lb.sim.faults.fluent import Slow, at
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE, at_least
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

SERVICE_SECONDS: Final = 0.15
CONCURRENCY: Final = 2
BROWN_OUT_SECONDS: Final = 20.0

BUDGET_FRACTION: Final = 0.2
BUDGET_PER_SECOND: Final = 3.0

FEWEST: Final = 50
"""Of fewer requests in ten seconds, as in the last ones, a ratio says nothing."""


def build(setup: Setup) -> Simulation:
    """Three servers of 13 requests a second, of which four fifths are asked."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(
        sim,
        3,
        service=Exponential(SERVICE_SECONDS),
        concurrency=CONCURRENCY,
        queue=options["queue"],
        notices_leaving=True,
    )
    config: dict[str, object] = {
        "algorithm": "least_connections",
        "timeouts": {"first_byte": "1s"},
    }
    if not setup.protected:
        config["retry"] = {"budget": False}
        config["outlier_detection"] = False
    setup.balancer(sim, config)
    rate = options["load"] * len(names) * CONCURRENCY / SERVICE_SECONDS
    sim.clients("web", OpenLoop(Poisson(rate)), policy=ClientPolicy(timeout=5.0, retries=3))
    slow = (Slow(f"server:{name}", x=options["slower"], for_=BROWN_OUT_SECONDS) for name in names)
    sim.faults(at(10, *slow))
    sim.check(
        Amplification(),
        ComesBack(within=30.0, success=0.99, slower=4.0),
        Sometimes("the balancer retries", What.RETRY),
        Sometimes("a client retries", What.TRY, when=lambda h: int(h.values[0]) > 1),
    )
    return sim


class Amplification(Check):
    """Attempts are at most 1.2 for each request that comes to a balancer, and 3 a second more.

    Judged in each ten seconds. A client's retry is a request like any other.
    """

    name = "amplification"
    span_seconds = 10.0

    def __init__(self) -> None:
        super().__init__()
        self.asked = "at most 1.2 attempts for each request to the balancer, and 3 a second"
        self._requests: dict[int, int] = {}
        self._attempts: dict[int, int] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.START: self._started, What.SELECT: self._selected}

    def _started(self, happening: Happening) -> None:
        _count(self._requests, int(happening.at / self.span_seconds))

    def _selected(self, happening: Happening) -> None:
        _count(self._attempts, int(happening.at / self.span_seconds))

    def finish(self, world: World) -> None:
        """Judge each span; what is reported is the worst one."""
        worst = 0.0
        for span, attempts in self._attempts.items():
            requests = self._requests.get(span, 0)
            allowed = (1.0 + BUDGET_FRACTION) * requests + BUDGET_PER_SECOND * self.span_seconds
            if requests >= FEWEST:
                worst = max(worst, attempts / requests)
            if attempts > allowed:
                text = f"{attempts} attempts of {requests} requests in {self.span_seconds:g} s"
                self.object_at(span * self.span_seconds, f"{text}, allowed are {allowed:.0f}")
        self.found = f"{worst:.2f} in the worst {self.span_seconds:g} s"


def _count(column: dict[int, int], span: int) -> None:
    column[span] = column.get(span, 0) + 1


SCENARIO = Scenario(
    name="retry-storm",
    number=1,
    summary="clients and the balancer retry while servers are slow for 20 s",
    build=build,
    until=30.0,
    settle=40.0,
    about="the retry budget",
    options={"load": 0.8, "slower": 4.0, "queue": 100},
    limits={"load": POSITIVE, "slower": at_least(1), "queue": at_least(1)},
)
