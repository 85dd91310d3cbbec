"""What a balancing decision costs, by algorithm and number of servers.

    python -m benchmarks.decisions [--servers 10 100 1000] [--rounds 15] [ALGORITHM ...]

A decision is a whole request as a balancer sees it: the pick, the news of the lease, of the
answer's time and of the release, as far as the algorithm wants them. All servers are busy,
weights are 1 to 5, and keys differ, as caches of the processor notice. Figures are
microseconds of CPU time, the fastest round; sizes take turns, so that a machine that is
slow for a while is slow for all of them. The last column is the largest pool over the one
of ten (or the smallest).
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

import attrs

from trio_lb.policy.balance.base import Balancer, Context
from trio_lb.policy.balance.registry import ALGORITHMS, make_balancer

REQUESTS: Final = 4000
"""Requests in a round, each with a key of its own."""

SIZES: Final = (3, 10, 100, 1000)


@attrs.define(slots=True, eq=False)
class Server:
    """A server as an algorithm sees it."""

    id: str
    weight: int
    active_connections: int
    ramp: float = 1.0


class Stand:
    """One algorithm before one pool, warmed up by a round."""

    def __init__(self, algorithm: str, count: int) -> None:
        dice = Random(count)
        self.balancer: Balancer = make_balancer(algorithm)
        self.pool = tuple(
            Server(f"server-{i}", dice.randint(1, 5), dice.randint(1, 9)) for i in range(count)
        )
        self.contexts = [Context(f"10.0.0.{i}", f"key-{i}", i * 1e-4) for i in range(REQUESTS)]
        self.dice = dice
        self.fastest = float("inf")
        self.round()

    def round(self) -> None:
        """Make REQUESTS decisions, and keep the time if none was faster."""
        began = time.process_time()
        decide(self.balancer, self.pool, self.contexts, self.dice)
        self.fastest = min(self.fastest, (time.process_time() - began) / REQUESTS)


def decide(
    balancer: Balancer, pool: Sequence[Server], contexts: Sequence[Context], dice: Random
) -> None:
    """Send a request for each context; it ends before the next one begins."""
    tracks, times = balancer.tracks, balancer.times
    for context in contexts:
        server = next(balancer.order(pool, context, dice))
        server.active_connections += 1
        if tracks:
            balancer.leased(server)
        if times:
            balancer.timed(server, 0.01 + dice.random() * 0.001, False, context.now)
        server.active_connections -= 1
        if tracks:
            balancer.released(server)


def measure(algorithm: str, sizes: Sequence[int], rounds: int) -> list[float]:
    """Return the seconds of a decision for each size of pool."""
    stands = [Stand(algorithm, count) for count in sizes]
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for stand in stands:
                stand.round()
    finally:
        gc.enable()
    return [stand.fastest for stand in stands]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each algorithm."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions", description=__doc__)
    parser.add_argument("algorithms", metavar="ALGORITHM", nargs="*", default=list(ALGORITHMS))
    parser.add_argument("--servers", metavar="N", nargs="+", type=int, default=[*SIZES])
    parser.add_argument("--rounds", metavar="N", type=int, default=15)
    options = parser.parse_args(arguments)
    sizes = sorted(options.servers)
    for line in table(options.algorithms, sizes, options.rounds):
        print(line, flush=True)
    return 0


def table(algorithms: Sequence[str], sizes: Sequence[int], rounds: int) -> Iterator[str]:
    """The lines of a Markdown table, each as soon as it is measured; ``sizes`` ascend."""
    small = sizes.index(10) if 10 in sizes else 0
    yield "| | " + " | ".join(f"{count:,}" for count in sizes) + " | ratio |"
    yield "|---" * (len(sizes) + 2) + "|"
    for algorithm in algorithms:
        took = measure(algorithm, sizes, rounds)
        figures = " | ".join(f"{seconds * 1e6:.2f}" for seconds in took)
        yield f"| `{algorithm}` | {figures} | {took[-1] / took[small]:.2f} |"


if __name__ == "__main__":
    sys.exit(main())
