"""Bodies of 1 MiB, down and up, of known length and chunked: what moving bytes costs."""

from collections import Counter

from typing_extensions import override

from benchmarks.check import check_bulk
from benchmarks.origin import BULK_BYTES, BULK_PATH, CHUNKED_PATH, SINK_PATH
from benchmarks.peers.base import Target
from benchmarks.results import Sample
from benchmarks.rows.base import Bench, Figure, LoadRow
from benchmarks.wrk import Load

CONNECTIONS = 4


class Bulk(LoadRow):
    """Each request moves exactly one MiB of body one way, so a request is a MiB."""

    name = "bulk"
    title = "4 connections, bodies of 1 MiB"
    figures = (
        Figure("down_us", "down: CPU µs per MiB", digits=0, is_cost=True),
        Figure("down_rate", "down: MiB per second", digits=0),
        Figure("up_us", "up: CPU µs per MiB", digits=0, is_cost=True),
        Figure("up_rate", "up: MiB per second", digits=0),
    )
    loads = (
        Load(CONNECTIONS, BULK_PATH),
        Load(CONNECTIONS, SINK_PATH, upload_bytes=BULK_BYTES),
    )

    @override
    def prepare(self, target: Target) -> None:
        check_bulk(target.name, target.port)

    @override
    def sample(self, target: Target, bench: Bench, direct: Sample | None) -> Sample:
        down, down_cpu_seconds = bench.load(self.loads[0], target)
        up, up_cpu_seconds = bench.load(self.loads[1], target)
        return Sample(
            {
                "down_us": down_cpu_seconds / down.requests * 1e6,
                "down_rate": down.requests / down.seconds,
                "up_us": up_cpu_seconds / up.requests * 1e6,
                "up_rate": up.requests / up.seconds,
            },
            Counter(down.errors) + Counter(up.errors),
        )


class Chunked(Bulk):
    """The same bytes in chunks: nobody knows where the body ends before it does."""

    name = "chunked"
    title = "4 connections, chunked bodies of 1 MiB"
    in_quick = False
    loads = (
        Load(CONNECTIONS, CHUNKED_PATH),
        Load(CONNECTIONS, SINK_PATH, upload_bytes=BULK_BYTES, chunked=True),
    )
