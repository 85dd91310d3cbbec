"""Half of the fleet is cut off at once: the balancer can't reach one of two zones.

What must hold: nobody waits for longer than one attempt to connect and one retry; the zone's
servers are left alone while it is gone, and take their share when it is back.
"""

from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import ComesBack, ErrorRate, Sometimes
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.faults.fluent import Partition, at
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.limits import POSITIVE, one_of
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

UNTIL: Final = 60.0
"""Ten seconds after the heal: so long before ``ComesBack`` begins to count."""


def build(setup: Setup) -> Simulation:
    """Ten servers in two zones; one of them is gone from second 20 on, for 30 seconds.

    A user's own servers may be in zones of other names: the second of these is gone.
    """
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 10, zones=("a", "b"), service=Lognormal(p50=0.012, p99=0.08))
    here, *others = dict.fromkeys(sim.servers[name].host.zone for name in names)
    lost = others[0] if others else here
    protected = {
        "health_check": {"interval": "2s", "timeout": "1s"},
        "timeouts": {"connect": "1s"},
    }
    config = {"algorithm": "power_of_two", **(protected if setup.protected else UNPROTECTED)}
    setup.balancer(sim, config, zone=here)
    policy = ClientPolicy(timeout=8.0)
    load = OpenLoop(Poisson(options["rate"] * len(names) / 10))
    sim.clients("web", load, policy=policy, zone=here)
    sim.faults(at(20, Partition("lb", f"zone:{lost}", way=options["way"], for_="30s")))
    sim.check(
        ErrorRate("<2%"),
        Sometimes("a server of the zone is found dead", What.HEALTH, when=_is_bad),
    )
    sim.check(ComesBack(within=10.0), takes=UNTIL)
    return sim


def _is_bad(health: Happening) -> bool:
    return health.values[2] == 0


UNPROTECTED = {
    "retry": {"max_retries": 0},
    "outlier_detection": {"enabled": False},
    "timeouts": {"connect": "30s"},
}

SCENARIO = Scenario(
    name="zone-partition",
    number=9,
    summary="the balancer loses one of two zones for 30 s",
    about="health checks, passive ejection, retries, a short timeout for connecting",
    build=build,
    until=UNTIL,
    settle=30.0,
    options={"rate": 60.0, "way": "both"},
    limits={"rate": POSITIVE, "way": one_of("both", "there", "back")},
)
