"""An overload that outlives its cause: retries keep servers busy with answers that nobody awaits.

For twenty seconds the servers are half as fast. Queues grow beyond the second that an attempt may
take; servers, who do not notice that somebody has left, work on for nobody. When they are fast
again they are asked four times as often as before, and stay too slow for ever: unless retries have
a budget. Who retries decides what protects:

    by=balancer   the balancer retries three times; its retry budget, on by default, protects
    by=clients    each client retries three times; a budget of the balancer's own retries does
                  nothing against that, ``max_connections`` does (the rest is told 503 at once)

The control run lacks that, and outlier detection: which also is on by default, and relieves single
servers by chance.

After Bronson and others, "Metastable Failures in Distributed Systems" (HotOS 2021).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import ComesBack, Sometimes
from trio_lb.sim.distributions import Exponential
from trio_lb.sim.faults.fluent import Slow, at
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.limits import POSITIVE, one_of
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

PATIENCE_SECONDS: Final = 1.0
RETRIES: Final = 3
CONCURRENCY: Final = 2
SERVICE_SECONDS: Final = 0.15
TRIGGER_SECONDS: Final = 20.0

CLIENTS: Final[Mapping[str, ClientPolicy]] = {
    "balancer": ClientPolicy(timeout=10.0),
    "clients": ClientPolicy(timeout=PATIENCE_SECONDS, retries=RETRIES),
}

QUEUE: Final = 100
"""Of each server: at full speed its last one waits for seven seconds and a half."""

MOST_AT_ONCE: Final = 4
"""``max_connections`` of the run that is protected from clients: half a second at half speed."""


def build(setup: Setup) -> Simulation:
    """Five servers of 13 requests a second; half of that is asked."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(
        sim, 5, service=Exponential(SERVICE_SECONDS), concurrency=CONCURRENCY, queue=QUEUE
    )
    setup.balancer(sim, configuration(options["by"], names, protected=setup.protected))
    rate = options["load"] * len(names) * CONCURRENCY / SERVICE_SECONDS
    sim.clients("web", OpenLoop(Poisson(rate)), policy=CLIENTS[options["by"]])
    sim.faults(*(at(10, Slow(f"server:{name}", x=2, for_=TRIGGER_SECONDS)) for name in names))
    sim.check(
        ComesBack(within=2 * TRIGGER_SECONDS, success=0.99, slower=4.0),
        Sometimes("an answer comes to somebody who left", What.DROP, when=_is_in_vain),
    )
    return sim


def _is_in_vain(drop: Happening) -> bool:
    return drop.values[0] == "gone"


def configuration(by: str, names: Sequence[str], *, protected: bool) -> dict[str, object]:
    """Return what is configured; what is not said is as by default."""
    config: dict[str, object] = {"algorithm": "least_connections"}
    if not protected:
        config["outlier_detection"] = False
    if by == "balancer":
        budget = {} if protected else {"budget": False}
        config["timeouts"] = {"first_byte": PATIENCE_SECONDS}
        config["retry"] = {"max_retries": RETRIES, **budget}
    elif protected:
        config["servers"] = [
            {"id": name, "address": f"{name}:80", "max_connections": MOST_AT_ONCE} for name in names
        ]
    return config


SCENARIO = Scenario(
    name="metastable-failure",
    number=2,
    summary="an overload of 20 s that retries keep alive",
    build=build,
    until=30.0,
    settle=50.0,
    about="the retry budget; against retries of clients: max_connections",
    options={"by": "balancer", "load": 0.5},
    limits={"by": one_of(*CLIENTS), "load": POSITIVE},
)
