"""A proxy with nothing to do: how soon it is there, and how much memory it holds."""

import contextlib
import socket
import time
from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from benchmarks.origin import SMALL_BODY, SMALL_PATH
from benchmarks.peers.base import Peer, Target, open_peer, output_of
from benchmarks.program import ProgramFailed
from benchmarks.results import RowResult, Sample
from benchmarks.rows.base import Bench, Figure, Row, Wishes, failures_to

# Long enough for lazy imports and first health checks to have happened.
SETTLE_SECONDS: Final = 1.0

KEPT_CONNECTIONS: Final = 1000
_REQUEST: Final = f"GET {SMALL_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


class Idle(Row):
    """Each round starts every peer anew.

    A tree's resident memory is the sum over its processes, so pages that nginx's
    master and worker share count twice. What a connection holds is the growth by
    ``KEPT_CONNECTIONS`` that asked once each and then stay.
    """

    name = "idle"
    title = "idle"
    figures = (
        Figure("rss_mib", "resident MiB"),
        Figure("kept_kib", "KiB per kept connection"),
        Figure("ready_ms", "ready after ms", digits=0),
        Figure("version_ms", "--version ms", digits=0),
    )
    in_quick = False
    wishes = Wishes(max_connections=5000)

    @override
    def run(self, peers: Sequence[Peer], bench: Bench, result: RowResult) -> None:
        for _ in range(bench.rounds):
            for peer in peers:
                if peer.name not in result.failures:
                    with failures_to(result, peer.name):
                        result.add(peer.name, self._sample(peer, bench))

    def _sample(self, peer: Peer, bench: Bench) -> Sample:
        figures = {}
        setup = bench.setup(self.name, peer, self.wishes)
        with open_peer(peer, setup, core=bench.cores.proxy) as target:
            time.sleep(SETTLE_SECONDS)
            target.program.check()
            figures["rss_mib"] = target.program.resident_bytes() / 2**20
            figures["ready_ms"] = target.ready_seconds * 1e3
            figures["kept_kib"] = kept_kib(target)
        command = peer.version_command()
        if command is not None:
            started = time.monotonic()
            output_of(*command)
            figures["version_ms"] = (time.monotonic() - started) * 1e3
        return Sample(figures)


def kept_kib(target: Target) -> float:
    """KiB that ``target`` holds for each connection that asked once and is kept.

    Raises:
      ProgramFailed: it did not answer one of them.
    """
    with contextlib.ExitStack() as stack:
        _ask_and_keep(target, stack)  # What the first request of all brings is not per connection.
        before = target.program.resident_bytes()
        for _ in range(KEPT_CONNECTIONS):
            _ask_and_keep(target, stack)
        return (target.program.resident_bytes() - before) / KEPT_CONNECTIONS / 1024


def _ask_and_keep(target: Target, stack: contextlib.ExitStack) -> None:
    try:
        connection = socket.create_connection(("127.0.0.1", target.port), timeout=5)
        stack.enter_context(connection)
        connection.sendall(_REQUEST)
        seen = b""
        while not seen.endswith(SMALL_BODY):
            got = connection.recv(4096)
            if not got:
                raise ProgramFailed(f"{target.name} closed a connection after {seen[:40]!r}")
            seen += got
    except OSError as error:
        raise ProgramFailed(f"a kept connection to {target.name}: {error!r}") from None
