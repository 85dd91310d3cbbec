"""What a request costs at the policy level of the simulator, and a comparison of five algorithms.

    python -m benchmarks.policy_level [--requests 300000] [--rounds 5] [--compare 1000000]

Ten servers of eight places, 62 % busy. The balancer's whole decision path is on in every row:
budget, pick, lease, deadline, observation, release. Rows differ in what else is watched. Figures
are requests a second of CPU time of one core, the fastest round; drawing the workload is
measured apart, since all candidates of a comparison share one.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.policy_level.compare import ALGORITHMS, compare, table
from trio_lb.sim.policy_level.policy_run import PolicyRun
from trio_lb.sim.policy_level.settings import Clients, ServerModel, Trouble, fleet
from trio_lb.sim.policy_level.workload import Workload, draw_workload

WORK: Final = Lognormal(p50=0.008, p99=0.04)
RATE: Final = 5000.0
PLAIN: Final = ("round_robin", "least_connections", "power_of_two", "peak_ewma")
BREAKER: Final = {"circuit_breaker": {"enabled": True}}


@attrs.frozen
class Variant:
    """What is on beyond the plain path."""

    title: str
    settings: Mapping[str, object]
    clients: Clients = Clients()
    troubles: tuple[Trouble, ...] = ()


VARIANTS: Final = (
    *(Variant(f"`{name}`", {"algorithm": name}) for name in PLAIN),
    Variant("`power_of_two`, a breaker each", {"algorithm": "power_of_two", **BREAKER}),
    Variant(
        "the same, clients who leave after 1 s",
        {"algorithm": "power_of_two", **BREAKER},
        Clients(timeout=1.0, retries=3),
    ),
    Variant(
        "the same, one server failing all the time",
        {"algorithm": "power_of_two", **BREAKER},
        Clients(timeout=1.0, retries=3),
        (Trouble("fail", 0.0, 1e6, servers=("s1",)),),
    ),
)


def mixed_fleet() -> list[ServerModel]:
    """Four large servers, four small ones, and two old ones that take twice as long."""
    large = [ServerModel(f"large{n}", concurrency=16, weight=2) for n in range(1, 5)]
    small = [ServerModel(f"small{n}", concurrency=8) for n in range(1, 5)]
    old = [ServerModel(f"old{n}", concurrency=8, slow_factor=2.0) for n in range(1, 3)]
    return [*large, *small, *old]


def mixed_workload(requests: int) -> Workload:
    """80 % of what the mixed fleet can do."""
    work = Lognormal(p50=0.012, p99=0.08)
    rate = 0.8 * sum(each.concurrency / each.slow_factor for each in mixed_fleet()) / work.mean
    return draw_workload(Poisson(rate), work, until=1e6, most=requests, seed=1)


def requests_a_second(variant: Variant, workload: Workload, rounds: int) -> float:
    """Return the figure of the fastest round."""
    return len(workload) / min(_seconds(variant, workload) for _ in range(rounds))


def _seconds(variant: Variant, workload: Workload) -> float:
    run = PolicyRun(
        variant.settings,
        servers=fleet(10, concurrency=8),
        workload=workload,
        clients=variant.clients,
        troubles=variant.troubles,
        seed=1,
    )
    began = time.process_time()
    run.run()
    return time.process_time() - began


def speeds(requests: int, rounds: int) -> Iterator[str]:
    """The lines of a Markdown table of speeds, each as soon as it is measured."""
    began = time.process_time()
    workload = draw_workload(Poisson(RATE), WORK, until=1e6, most=requests, seed=1)
    drawn = requests / (time.process_time() - began)
    yield "| | requests a second | us each |"
    yield "|---|---|---|"
    yield f"| drawing the workload | {drawn:,.0f} | {1e6 / drawn:.2f} |"
    for variant in VARIANTS:
        figure = requests_a_second(variant, workload, rounds)
        yield f"| {variant.title} | {figure:,.0f} | {1e6 / figure:.2f} |"


def comparison(requests: int) -> Iterator[str]:
    """The lines of the comparison, and how long it took."""
    began = time.process_time()
    results = compare(mixed_workload(requests), mixed_fleet(), ALGORITHMS, seed=1)
    yield from table(results)
    took = time.process_time() - began
    yield f"\n{len(results) - 1} algorithms and the optimum, {requests:,} requests: {took:.1f} s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.policy_level",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--requests", metavar="N", type=int, default=300_000)
    parser.add_argument("--rounds", metavar="N", type=int, default=5)
    parser.add_argument("--compare", metavar="N", type=int, default=1_000_000)
    options = parser.parse_args(arguments)
    for line in speeds(options.requests, options.rounds):
        print(line, flush=True)
    print()
    for line in comparison(options.compare):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
