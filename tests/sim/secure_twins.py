"""Days of a world that speaks TLS on both sides of its balancer, each run in two processes.

python -m tests.sim.secure_twins COUNT
"""

import sys
from collections.abc import Iterator

from tests.sim.twins_1000 import twins
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.faults.fluent import Bandwidth, RotateCertificate, at, during, schedule
from trio_lb.sim.field import field_of
from trio_lb.sim.scenario import Setup
from trio_lb.sim.search.swarm import swarm
from trio_lb.sim.search.trial import Outcome, Trial
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.trial_run import simulation_of

SCENARIO = "tests.sim.secure_twins:secure_day"
UNTIL_SECONDS = 6.0

CONFIG: dict[str, object] = {
    "listeners": [
        {"port": 80, "https_redirect": True},
        {
            "port": 443,
            "protocol": "https",
            "ssl": {"certificate": "/etc/lb.pem", "private_key": "/etc/lb.key"},
        },
    ],
    "servers": [
        {"address": "a.example:443", "tls": {"ca": "/etc/ca.pem"}},
        {"address": "10.8.0.2:443", "tls": {"verify": False}},
        {"address": "10.8.0.3:80"},
    ],
    "timeouts": {"connect": "300ms", "first_byte": "1s"},
    "health_check": {"interval": "1s", "timeout": "400ms"},
}


def secure_day(setup: Setup) -> Simulation:
    """Three servers, two of which speak TLS; bodies that are cut into several records."""
    sim = setup.simulation()
    setup.balancer(sim, CONFIG, zone="a")
    policy = ClientPolicy(
        timeout=1.0,
        retries=1,
        posts=0.3,
        size=Lognormal(p50=20_000, p99=100_000),
        requests_per_connection=5,
    )
    sim.clients("web", OpenLoop(Poisson(40.0)), policy=policy, zone="a")
    return sim


def trial_of(seed: int) -> Trial:
    """One day: a narrow link, where bytes are time, three certificates, and what is drawn."""
    schedule_name = f"shuffle:{seed}" if seed % 2 else "fifo"
    field = field_of(simulation_of(Trial(SCENARIO, seed=seed)))
    certain = schedule(
        during(0.5, 5, Bandwidth("web", "lb", rate=400_000)),
        at(1, RotateCertificate("lb")),
        during(2, 3, RotateCertificate("lb", to="broken")),
    ).expand(UNTIL_SECONDS, simulation_of(Trial(SCENARIO)).rng("faults"), field.topology)
    drawn = swarm(seed, field, UNTIL_SECONDS, harsh=seed % 4 >= 2)
    return Trial(SCENARIO, seed, schedule_name, None, (*certain, *drawn), UNTIL_SECONDS, settle=1.0)


def secure_twins(count: int, first: int = 0) -> Iterator[tuple[Trial, Outcome]]:
    """Run so many of these days, each of them twice."""
    return twins(count, first, trial_of)


def main() -> None:
    """Tell of each day that was not the same twice, and of what else went wrong."""
    count, hashes = int(sys.argv[1]) if len(sys.argv) > 1 else 100, set[str]()
    for trial, outcome in secure_twins(count):
        hashes.add(outcome.trace_hash)
        if not outcome.ok:
            sys.stdout.write(f"{trial.seed} {dict(outcome.violations)}\n")
    sys.stdout.write(f"{count} days in two processes each, {len(hashes)} different traces\n")


if __name__ == "__main__":
    main()
