"""A server that is forty times as slow as the others, and tells every probe that it is well.

Nothing fails, so nobody is ejected and no retry happens: only who looks at the time that answers
take can tell. Every tenth request would wait forty times as long.
"""

from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import ComesBack, Sometimes
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.faults.fluent import Slow, at
from trio_lb.sim.happening import What
from trio_lb.sim.limits import POSITIVE
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.scenarios._during import ShareDuring, SlowerDuring
from trio_lb.sim.simulation import Simulation

SLOWER: Final = 40.0
SETTLED_SECONDS: Final = 10.0
UNTIL: Final = 60.0


def build(setup: Setup) -> Simulation:
    """Ten servers; one of them is slow from second 20 on, for 40 seconds."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 10, service=Lognormal(p50=0.012, p99=0.08))
    algorithm = "peak_ewma" if setup.protected else "round_robin"
    probes = {"interval": "2s", "timeout": "1s"}
    setup.balancer(sim, {"algorithm": algorithm, "health_check": probes})
    load = OpenLoop(Poisson(options["rate"] * len(names) / 10))
    sim.clients("web", load, policy=ClientPolicy(timeout=10.0))
    slow = names[0]
    sim.faults(at(20, Slow(f"server:{slow}", x=SLOWER, for_="40s")))
    sim.check(
        ShareDuring(slow, 0.02, after_seconds=SETTLED_SECONDS),
        SlowerDuring(1.3, after_seconds=SETTLED_SECONDS),
        takes=UNTIL,
    )
    sim.check(
        ComesBack(within=10.0),
        Sometimes("the slow server is asked", What.SELECT, when=lambda h: h.values[0] == slow),
    )
    return sim


SCENARIO = Scenario(
    name="gray-failure",
    number=4,
    summary="one of ten servers is 40 times as slow, and its probes are good",
    build=build,
    until=UNTIL,
    settle=20.0,
    about="an algorithm that looks at latency (peak_ewma)",
    options={"rate": 100.0},
    limits={"rate": POSITIVE},
)
