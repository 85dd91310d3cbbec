"""A fleet on an ordinary day, without a fault of its own: the ground for drawn faults.

``trio-lb simulate fleet --swarm --seeds 1000`` lets a swarm of faults loose on it.
"""

from typing import Any

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation


def build(setup: Setup) -> Simulation:
    """Two zones, probes each two seconds, some requests that must not be sent twice."""
    options: Any = setup.options
    sim = setup.simulation()
    setup.fleet(
        sim,
        options["servers"],
        zones=("a", "b"),
        service=Lognormal(p50=0.012, p99=0.08),
        concurrency=32,
        queue=128,
    )
    setup.balancer(
        sim,
        {"algorithm": "power_of_two", "health_check": {"interval": "2s", "timeout": "1s"}},
        zone="a",
    )
    policy = ClientPolicy(timeout=10.0, retries=1, posts=0.2)
    sim.clients("web", OpenLoop(Poisson(options["rate"])), policy=policy, zone="a")
    return sim


SCENARIO = Scenario(
    name="fleet",
    summary="a fleet in two zones on an ordinary day; for --swarm",
    build=build,
    until=60.0,
    settle=40.0,
    options={"servers": 6, "rate": 30.0},
)
