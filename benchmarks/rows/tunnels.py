"""WebSockets that are open and say nothing: what each one holds."""

import contextlib
import socket
import sys
import time
from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from benchmarks.check import wait_until_ready
from benchmarks.echo_origin import bare, masked
from benchmarks.machine import free_port
from benchmarks.peers.base import Peer, Target, open_peer
from benchmarks.program import ProgramFailed, open_program
from benchmarks.results import RowResult, Sample
from benchmarks.rows.base import Bench, Figure, Row, Wishes, failures_to

_HANDSHAKE: Final = (
    b"GET /tunnel HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Tunnels(Row):
    """Opens ``count`` of them through each peer, lets them rest, and says a word through some.

    The origin here is a program that agrees to WebSockets (nginx as a server would not).
    """

    name = "tunnels"
    title = "2,000 idle WebSockets"
    figures = (
        Figure("tunnel_kib", "KiB per tunnel"),
        Figure("rss_mib", "resident MiB with all of them"),
        Figure("open_us", "CPU µs to open one", digits=0, is_cost=True),
        Figure("rest_ms", "CPU ms per second at rest", is_cost=True),
    )
    in_quick = False

    def __init__(self, count: int = 2000, rest_seconds: float = 2.0) -> None:
        self._count = count
        self._rest_seconds = rest_seconds

    @override
    def run(self, peers: Sequence[Peer], bench: Bench, result: RowResult) -> None:
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.echo_origin", str(port)]
        wishes = Wishes(max_connections=5000, tunnels=True, origin_port=port)
        with open_program("echo", command, core=bench.cores.load, folder=bench.folder) as origin:
            wait_until_ready(origin, port)
            for _ in range(bench.rounds):
                for peer in peers:
                    if peer.name not in result.failures:
                        with failures_to(result, peer.name):
                            result.add(peer.name, self._sample(peer, bench, wishes))

    def _sample(self, peer: Peer, bench: Bench, wishes: Wishes) -> Sample:
        setup = bench.setup(self.name, peer, wishes)
        with open_peer(peer, setup, core=bench.cores.proxy) as target:
            with contextlib.ExitStack() as stack:
                return self._measure(target, stack)

    def _measure(self, target: Target, stack: contextlib.ExitStack) -> Sample:
        program, count = target.program, self._count
        first = _open_tunnel(target, stack)
        before, cpu_before = program.resident_bytes(), program.cpu_seconds()
        others = [_open_tunnel(target, stack) for _ in range(count)]
        after, cpu_open = program.resident_bytes(), program.cpu_seconds()
        time.sleep(self._rest_seconds)
        cpu_rest = program.cpu_seconds()
        for each in (first, others[0], others[-1]):
            _say(target, each)
        return Sample(
            {
                "tunnel_kib": (after - before) / count / 1024,
                "rss_mib": after / 2**20,
                "open_us": (cpu_open - cpu_before) / count * 1e6,
                "rest_ms": (cpu_rest - cpu_open) / self._rest_seconds * 1e3,
            }
        )


def _open_tunnel(target: Target, stack: contextlib.ExitStack) -> socket.socket:
    try:
        tunnel = socket.create_connection(("127.0.0.1", target.port), timeout=5)
        stack.enter_context(tunnel)
        tunnel.sendall(_HANDSHAKE)
        seen = b""
        while b"\r\n\r\n" not in seen:
            got = tunnel.recv(4096)
            if not got:
                break
            seen += got
    except OSError as error:
        raise ProgramFailed(f"a WebSocket through {target.name}: {error!r}") from None
    if not seen.startswith(b"HTTP/1.1 101 "):
        raise ProgramFailed(f"{target.name} opened no WebSocket: {seen[:60]!r}")
    return tunnel


def _say(target: Target, tunnel: socket.socket) -> None:
    """A tunnel that carries nothing is not open."""
    word = b"still there?"
    tunnel.sendall(masked(word))
    seen = b""
    while len(seen) < len(bare(word)):
        got = tunnel.recv(4096)
        if not got:
            break
        seen += got
    if seen != bare(word):
        raise ProgramFailed(f"a WebSocket through {target.name} echoed {seen!r}")
