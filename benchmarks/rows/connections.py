"""Small answers over very many busy connections: fairness, and no error."""

from typing_extensions import override

from benchmarks.origin import SMALL_PATH
from benchmarks.peers.base import Target
from benchmarks.results import Sample
from benchmarks.rows.base import Bench, Figure, Wishes
from benchmarks.rows.small import Small
from benchmarks.wrk import Load


class Connections1000(Small):
    """A proxy that serves some connections well and starves others shows it in p99 / p50.

    Ours is allowed 5,000 connections here; its default, 1,000, would refuse a probe more.
    """

    name = "connections-1000"
    title = "1,000 connections, small answers"
    figures = (*Small.figures, Figure("spread", "p99 / p50", digits=2))
    in_quick = False
    loads = (Load(connections=1000, path=SMALL_PATH, least_seconds=4),)
    wishes = Wishes(max_connections=5000)

    @override
    def sample(self, target: Target, bench: Bench, direct: Sample | None) -> Sample:
        sample = super().sample(target, bench, direct)
        spread = sample.figures["p99_ms"] / sample.figures["p50_ms"]
        return Sample({**sample.figures, "spread": spread}, sample.errors)


class Connections2000(Connections1000):
    """Twice as many, which takes longer to settle."""

    name = "connections-2000"
    title = "2,000 connections, small answers"
    loads = (Load(connections=2000, path=SMALL_PATH, least_seconds=6),)
