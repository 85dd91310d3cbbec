"""A program for the tests of futures: forks happen here, not among the threads of a test runner.

python -m tests.sim.futures_play
"""

import json
import sys

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import ErrorRate
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.futures import futures
from trio_lb.sim.simulation import Simulation

GONE = Fault(5.0, "partition", Target(Sort.LINK, ("lb", "s1")), 9.0)


def build() -> Simulation:
    """Return one server that everything depends on."""
    sim = Simulation(3)
    sim.server("s1")
    sim.balancer()
    sim.clients("web", OpenLoop(Poisson(20)), policy=ClientPolicy(timeout=1.0))
    sim.check(ErrorRate("<1%"))
    return sim


def main() -> None:
    """Fork at 5 s: nothing happens, or the only server is cut off."""
    told = futures(
        build,
        {"as it was": lambda sim: None, "cut off": lambda sim: sim.suffer(GONE)},
        at=5.0,
        until=10.0,
    )
    sys.stdout.write(json.dumps({"trunk": told.trunk, **told.branches}))


if __name__ == "__main__":
    main()
