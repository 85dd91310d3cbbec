"""One connection, one request at a time: the delay that the proxy adds."""

from typing_extensions import override

from benchmarks.origin import SMALL_PATH
from benchmarks.peers.base import Target
from benchmarks.results import Sample
from benchmarks.rows.base import Bench, Figure, LoadRow
from benchmarks.wrk import Load


class Single(LoadRow):
    """Differences to the origin without a proxy, measured in the same round.

    Percentiles do not subtract in theory; at one connection, where the two
    distributions are narrow, the difference says what a user would feel.
    """

    name = "single"
    title = "1 connection, small answers"
    figures = (
        Figure("added_p50_us", "added p50 µs", digits=0, is_cost=True),
        Figure("added_p99_us", "added p99 µs", digits=0, is_cost=True),
        Figure("cpu_us", "CPU µs per request", is_cost=True),
    )
    loads = (Load(connections=1, path=SMALL_PATH),)
    with_direct = True

    @override
    def sample(self, target: Target, bench: Bench, direct: Sample | None) -> Sample:
        report, cpu_seconds = bench.load(self.loads[0], target)
        without = direct.figures if direct else {"p50_us": 0.0, "p99_us": 0.0}
        return Sample(
            {
                "p50_us": report.p50_us,
                "p99_us": report.p99_us,
                "added_p50_us": report.p50_us - without["p50_us"],
                "added_p99_us": report.p99_us - without["p99_us"],
                "cpu_us": cpu_seconds / report.requests * 1e6,
            },
            report.errors,
        )
