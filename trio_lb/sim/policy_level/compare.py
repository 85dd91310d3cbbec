"""Which algorithm for my fleet: several of them before the same servers and the same requests.

Common random numbers: all serve one workload, drawn once, so that what differs between two
rows is the algorithms' doing and no luck of the draw.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from trio_lb.config.schema import PoolConfig
from trio_lb.sim.policy_level.optimum import optimum
from trio_lb.sim.policy_level.policy_run import PolicyRun
from trio_lb.sim.policy_level.result import Result
from trio_lb.sim.policy_level.settings import Clients, ServerModel, Trouble
from trio_lb.sim.policy_level.workload import Workload

ALGORITHMS: Final = (
    "round_robin",
    "weighted_round_robin",
    "least_connections",
    "power_of_two",
    "peak_ewma",
)


def compare(
    workload: Workload,
    servers: Sequence[ServerModel],
    candidates: Sequence[str | Mapping[str, object] | PoolConfig] = ALGORITHMS,
    *,
    clients: Clients | None = None,
    troubles: Sequence[Trouble] = (),
    seed: int = 0,
) -> list[Result]:
    """Return a result for each candidate (a name, or a pool's settings), the optimum's last.

    The optimum knows no patience and no troubles: it is a measure, and no rival.
    """
    results = [
        PolicyRun(
            candidate,
            servers=servers,
            workload=workload,
            clients=clients,
            troubles=troubles,
            seed=seed,
        ).run()
        for candidate in candidates
    ]
    return [*results, optimum(workload, servers)]


def table(results: Sequence[Result]) -> Iterator[str]:
    """The lines of a Markdown table; the last column measures the mean wait by the last row's."""
    yield "| | mean ms | p50 ms | p99 ms | answered | busiest / mean | Jain | mean / optimum |"
    yield "|---" * 8 + "|"
    best = results[-1].mean_seconds
    for each in results:
        ratio = each.mean_seconds / best if best else 1.0
        yield (
            f"| `{each.algorithm}` | {each.mean_seconds * 1e3:.1f}"
            f" | {each.percentile(50) * 1e3:.1f} | {each.percentile(99) * 1e3:.1f}"
            f" | {100 * each.good / max(each.offered, 1):.2f} % | {each.most_over_mean:.2f}"
            f" | {each.jain:.3f} | {ratio:.2f} |"
        )
