"""A thousand servers, checked once in five seconds each: what watching them costs."""

import time
from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from benchmarks.machine import free_port
from benchmarks.origin import open_origin
from benchmarks.peers.base import PROBE_SECONDS, Peer, open_peer
from benchmarks.results import RowResult, Sample
from benchmarks.rows.base import Bench, Figure, Row, Wishes, failures_to

SERVERS: Final = 1000
_SETTLE_SECONDS: Final = PROBE_SECONDS + 1.0
"""First checks, and what they turn; from then on each server has its turn in each period."""


def addresses(count: int) -> list[str]:
    """So many hosts of 127.0.0.0/8."""
    return [f"127.0.{1 + i // 250}.{1 + i % 250}" for i in range(count)]


class Probes(Row):
    """Each server is an address of one origin; there are no requests but the checks'.

    Open-source nginx has no active checks, and Caddy is measured without its own elsewhere,
    so HAProxy is the peer: it asks the same question as often.
    """

    name = "probes"
    title = f"{SERVERS:,} servers checked every {PROBE_SECONDS} s"
    figures = (
        Figure("core_percent", "per cent of a core", digits=2, is_cost=True),
        Figure("rss_mib", "resident MiB"),
    )
    in_quick = False

    @override
    def run(self, peers: Sequence[Peer], bench: Bench, result: RowResult) -> None:
        hosts, port = addresses(SERVERS), free_port()
        wishes = Wishes(probed=[f"{host}:{port}" for host in hosts])
        folder = bench.folder / "many"
        with open_origin(folder, core=bench.cores.load, port=port, hosts=hosts):
            for _ in range(bench.rounds):
                for peer in peers:
                    if peer.name not in result.failures:
                        with failures_to(result, peer.name):
                            result.add(peer.name, self._sample(peer, bench, wishes))

    def _sample(self, peer: Peer, bench: Bench, wishes: Wishes) -> Sample:
        setup = bench.setup(self.name, peer, wishes)
        with open_peer(peer, setup, core=bench.cores.proxy) as target:
            time.sleep(_SETTLE_SECONDS)
            before = target.program.cpu_seconds()
            time.sleep(PROBE_SECONDS)
            target.program.check()
            used = target.program.cpu_seconds() - before
            resident_mib = target.program.resident_bytes() / 2**20
        return Sample({"core_percent": used / PROBE_SECONDS * 100, "rss_mib": resident_mib})
