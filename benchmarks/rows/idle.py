"""A proxy with nothing to do: how soon it is there, and how much memory it holds."""

import time
from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from benchmarks.peers.base import Peer, open_peer, output_of
from benchmarks.results import RowResult, Sample
from benchmarks.rows.base import Bench, Figure, Row, failures_to

# Long enough for lazy imports and first health checks to have happened.
SETTLE_SECONDS: Final = 1.0


class Idle(Row):
    """Each round starts every peer anew.

    A tree's resident memory is the sum over its processes, so pages that nginx's
    master and worker share count twice.
    """

    name = "idle"
    title = "idle"
    figures = (
        Figure("rss_mib", "resident MiB"),
        Figure("ready_ms", "ready after ms", digits=0),
        Figure("version_ms", "--version ms", digits=0),
    )
    in_quick = False

    @override
    def run(self, peers: Sequence[Peer], bench: Bench, result: RowResult) -> None:
        for _ in range(bench.rounds):
            for peer in peers:
                if peer.name not in result.failures:
                    with failures_to(result, peer.name):
                        result.add(peer.name, self._sample(peer, bench))

    def _sample(self, peer: Peer, bench: Bench) -> Sample:
        figures = {}
        with open_peer(peer, bench.setup(self.name, peer), core=bench.cores.proxy) as target:
            time.sleep(SETTLE_SECONDS)
            target.program.check()
            figures["rss_mib"] = target.program.resident_bytes() / 2**20
            figures["ready_ms"] = target.ready_seconds * 1e3
        command = peer.version_command()
        if command is not None:
            started = time.monotonic()
            output_of(*command)
            figures["version_ms"] = (time.monotonic() - started) * 1e3
        return Sample(figures)
