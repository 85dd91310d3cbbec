"""The proof that runs are the same each time: ``python -m tests.sim.twins_1000 [COUNT]``.

A thousand seeds, each run in two processes that differ in hash seed, allocator and order of imports.
Each seed is a day of its own: faults drawn by swarm, mild and harsh, on every second one a
shuffled schedule. What differs once is a divergence, and is told with its trial.
"""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.scenario import Setup
from trio_lb.sim.search.swarm import swarm
from trio_lb.sim.search.targets import Field
from trio_lb.sim.search.trial import Outcome, Trial
from trio_lb.sim.search.twins import DIVERGED, TwinRun
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.trial_run import RUN_NAME, simulation_of

SCENARIO: Final = "tests.sim.twins_1000:small_day"
UNTIL_SECONDS: Final = 1.5
CONFIG: Final = {
    "algorithm": "power_of_two",
    "health_check": {"interval": "250ms", "timeout": "100ms"},
    "circuit_breaker": {"failure_threshold": 3, "timeout": "300ms"},
}


def small_day(setup: Setup) -> Simulation:
    """Four servers in two zones, probed often; sixty requests a second, some of them posts."""
    sim = setup.simulation()
    for number in range(4):
        zone = "ab"[number % 2]
        sim.server(f"s{number + 1}", zone=zone, service=Lognormal(p50=0.012, p99=0.08))
    setup.balancer(sim, CONFIG, zone="a")
    policy = ClientPolicy(timeout=0.5, retries=1, posts=0.2)
    sim.clients("web", OpenLoop(Poisson(60.0)), policy=policy, zone="a")
    return sim


def trial_of(seed: int) -> Trial:
    """One day: its schedule, and the faults that are drawn for it."""
    schedule = f"shuffle:{seed}" if seed % 2 else "fifo"
    cast = simulation_of(Trial(SCENARIO, seed=seed)).cast
    faults = swarm(seed, Field(cast), UNTIL_SECONDS, harsh=seed % 4 >= 2)
    return Trial(SCENARIO, seed, schedule, None, tuple(faults), UNTIL_SECONDS, settle=0.5)


def twins(
    count: int, first: int = 0, trial_of: Callable[[int], Trial] = trial_of
) -> Iterator[tuple[Trial, Outcome]]:
    """Run so many days, each of them twice; yield each with what came of it."""
    run = TwinRun(RUN_NAME)
    try:
        for seed in range(first, first + count):
            trial = trial_of(seed)
            yield trial, run(trial)
    finally:
        run.close()


def main() -> None:
    """Run them all, tell of each divergence, and of none if there is none."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    began_at, diverged, happenings, faults, hashes = time.monotonic(), 0, 0.0, 0, set[str]()
    for trial, outcome in twins(count):
        hashes.add(outcome.trace_hash)
        happenings += outcome.digest.get("happenings", 0)
        faults += len(trial.faults)
        if DIVERGED in outcome.violations:
            diverged += 1
            _say(f"{outcome.violations[DIVERGED]}\n{trial.text}")
        elif outcome.violations:
            _say(f"seed {trial.seed} failed alike in both: {dict(outcome.violations)}")
    took = time.monotonic() - began_at
    _say(
        f"{count} seeds x 2 processes: {diverged} divergences; {len(hashes)} different traces,"
        f" {happenings:,.0f} happenings, {faults:,} faults, {took:.0f} s"
    )
    sys.exit(1 if diverged else 0)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
