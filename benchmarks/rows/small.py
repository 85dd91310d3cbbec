"""Small answers over 32 keep-alive connections: what a request costs."""

from typing import ClassVar

from typing_extensions import override

from benchmarks.origin import SMALL_PATH
from benchmarks.peers.base import Target
from benchmarks.results import Sample
from benchmarks.rows.base import Bench, Figure, LoadRow
from benchmarks.wrk import Load


class Small(LoadRow):
    """The row to look at first: CPU per request is the figure that survives noise."""

    name = "small"
    title = "32 connections, small answers"
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("cpu_us", "CPU µs per request", is_cost=True),
        Figure("rate", "requests per second", digits=0),
        Figure("p50_ms", "p50 ms", digits=2),
        Figure("p99_ms", "p99 ms", digits=2),
    )
    loads = (Load(connections=32, path=SMALL_PATH),)
    with_direct = True

    @override
    def sample(self, target: Target, bench: Bench, direct: Sample | None) -> Sample:
        report, cpu_seconds = bench.load(self.loads[0], target)
        return Sample(
            {
                "cpu_us": cpu_seconds / report.requests * 1e6,
                "rate": report.requests / report.seconds,
                "p50_ms": report.p50_us / 1e3,
                "p99_ms": report.p99_us / 1e3,
            },
            report.errors,
        )
