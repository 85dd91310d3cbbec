"""How long it takes to cut a failing schedule of forty faults down to what matters.

    python -m benchmarks.shrinking [--schedules 5]

Each schedule is drawn: thirty-eight mild faults of a fleet, and among them the partitions of its two
zones, which overlap for some seconds. The balancer survives each of them alone, and not both. The
question is the same each time: which of the forty break the error rate?
"""

import argparse
import sys
import time
from collections.abc import Iterator

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.checks import ErrorRate
from trio_lb.sim.distributions import Exponential
from trio_lb.sim.faults.record import Fault, in_order
from trio_lb.sim.faults.schedule import Schedule
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.search.ddmin import Minimum, ddmin
from trio_lb.sim.search.swarm import swarm
from trio_lb.sim.search.targets import Field
from trio_lb.sim.simulation import Simulation

UNTIL_SECONDS = 20.0
FAULTS = 40


def world(seed: int) -> Simulation:
    """Six servers in two zones, probed; one request in ten may fail."""
    sim = Simulation(seed, name="shrinking")
    for number in range(1, 7):
        sim.server(f"s{number}", zone="ab"[number % 2], service=Exponential(0.02))
    config = {
        "health_check": {"interval": "1s", "timeout": "500ms"},
        "timeouts": {"connect": "500ms"},
    }
    sim.balancer(config, zone="edge")
    sim.clients("web", OpenLoop(Poisson(20)), policy=ClientPolicy(timeout=3.0), zone="edge")
    sim.check(ErrorRate("<10%"))
    return sim


def forty(seed: int) -> list[Fault]:
    """Return forty faults by instant; two of them together are fatal."""
    field = Field(world(seed).cast)
    mild: list[Fault] = []
    turn = 0
    while len(mild) < FAULTS - 2:
        mild += [each for each in swarm(1000 * seed + turn, field, UNTIL_SECONDS) if _is_mild(each)]
        turn += 1
    begin = round(4.0 + 6.0 * derive_rng(seed, "fatal").random(), 3)
    fatal = [
        Fault(begin, "partition", Target(Sort.LINK, ("lb", "zone:a")), begin + 7.0),
        Fault(begin + 1.0, "partition", Target(Sort.LINK, ("lb", "zone:b")), begin + 8.0),
    ]
    return in_order([*mild[: FAULTS - 2], *fatal])


def _is_mild(fault: Fault) -> bool:
    return fault.target.sort in (Sort.LINK, Sort.SERVER) and (fault.until or 0.0) - fault.at < 1.0


def fails(seed: int, faults: list[Fault]) -> bool:
    """Whether the error rate is broken under these."""
    sim = world(seed)
    sim.schedules = [Schedule.of(faults)]
    result = sim.run(UNTIL_SECONDS, settle=2.0, tally=False, trace=False, standard=False)
    return not result.ok


def shrunk(seed: int) -> tuple[Minimum[Fault], float]:
    """Shrink one schedule; return what is left, and the seconds that it took."""
    begun = time.perf_counter()
    least = ddmin(forty(seed), lambda faults: fails(seed, faults))
    return least, time.perf_counter() - begun


def lines(schedules: int) -> Iterator[str]:
    """The lines of a Markdown table, each as soon as it is measured."""
    yield "| seed | faults | left | runs | wall s |"
    yield "|---|---|---|---|---|"
    for seed in range(1, schedules + 1):
        least, seconds = shrunk(seed)
        kinds = ", ".join(fault.kind for fault in least.items)
        yield f"| {seed} | {FAULTS} | {len(least.items)}: {kinds} | {least.runs} | {seconds:.1f} |"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schedules", type=int, default=5)
    for line in lines(parser.parse_args().schedules):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
