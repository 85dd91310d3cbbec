"""Small answers over TLS: what a request costs, and what a handshake does."""

from collections import Counter

from typing_extensions import override

from benchmarks.origin import SMALL_PATH
from benchmarks.peers.base import Target
from benchmarks.results import Sample
from benchmarks.rows.base import Bench, Figure, LoadRow, Wishes
from benchmarks.wrk import Load

CONNECTIONS = 32


class TLS(LoadRow):
    """Kept connections first, then a handshake for each request (wrk resumes no session).

    The certificate has a key on P-256, as most have by now; with RSA handshakes would cost
    everybody a millisecond more.
    """

    name = "tls"
    title = "TLS, 32 connections, small answers"
    figures = (
        Figure("cpu_us", "CPU µs per request", is_cost=True),
        Figure("rate", "requests per second", digits=0),
        Figure("p50_ms", "p50 ms", digits=2),
        Figure("handshake_us", "a handshake for each: CPU µs", digits=0, is_cost=True),
        Figure("handshake_rate", "handshakes per second", digits=0),
    )
    in_quick = False
    loads = (
        Load(CONNECTIONS, SMALL_PATH),
        Load(CONNECTIONS, SMALL_PATH, headers=("Connection: close",)),
    )
    wishes = Wishes(tls=True)

    @override
    def sample(self, target: Target, bench: Bench, direct: Sample | None) -> Sample:
        kept, kept_cpu_seconds = bench.load(self.loads[0], target)
        fresh, fresh_cpu_seconds = bench.load(self.loads[1], target)
        return Sample(
            {
                "cpu_us": kept_cpu_seconds / kept.requests * 1e6,
                "rate": kept.requests / kept.seconds,
                "p50_ms": kept.p50_us / 1e3,
                "handshake_us": fresh_cpu_seconds / fresh.requests * 1e6,
                "handshake_rate": fresh.requests / fresh.seconds,
            },
            Counter(kept.errors) + Counter(fresh.errors),
        )
