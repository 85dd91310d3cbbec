"""Idle WebSockets through our proxy as a process, bare and over TLS: what each one holds.

A smaller run of the benchmarks' row of 2,000, whose figures stand in docs/benchmarks.md.
"""

import contextlib
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import attrs
import pytest
import trio

from benchmarks.echo_origin import bare, masked
from benchmarks.ledger.client import connect
from benchmarks.machine import free_port
from benchmarks.program import open_program
from tests.real.house import RunningProxy, cores, needs, open_proxy, wait_accepting
from tests.real.tls_house import open_tls_proxy

pytestmark = [pytest.mark.real, needs("taskset")]

TUNNELS: Final = 300
MOST_BYTES: Final = 28 * 1024
"""Per tunnel; 19 KiB are measured."""
MOST_BYTES_TLS: Final = 56 * 1024
"""The same with OpenSSL's state; 37 KiB are measured."""

HANDSHAKE: Final = (
    b"GET /tunnel HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@attrs.frozen
class Entrance:
    """A running proxy, and how clients come in."""

    proxy: RunningProxy
    trust: ssl.SSLContext | None = None

    async def open_tunnel(self) -> trio.abc.Stream:
        stream: trio.abc.Stream = await connect(self.proxy.port)
        if self.trust is not None:
            stream = trio.SSLStream(
                stream, self.trust, server_hostname="a.test", https_compatible=True
            )
        await stream.send_all(HANDSHAKE)
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += await stream.receive_some(4096)
        assert seen.startswith(b"HTTP/1.1 101 "), seen
        return stream


@contextlib.asynccontextmanager
async def bare_entrance(folder: Path, server: str) -> AsyncIterator[Entrance]:
    async with open_proxy(folder, [server]) as proxy:
        yield Entrance(proxy)


@contextlib.asynccontextmanager
async def tls_entrance(folder: Path, server: str) -> AsyncIterator[Entrance]:
    async with open_tls_proxy(folder, server, ["a"]) as house:
        yield Entrance(house.proxy, ssl.create_default_context(cafile=house.ca))


Opening = Callable[[Path, str], contextlib.AbstractAsyncContextManager[Entrance]]


async def echoes(tunnel: trio.abc.Stream, word: bytes) -> bool:
    await tunnel.send_all(masked(word))
    seen = b""
    while len(seen) < len(bare(word)):
        got = await tunnel.receive_some(4096)
        assert got, "it ended"
        seen += got
    return seen == bare(word)


@pytest.mark.parametrize(
    ("opening", "most_bytes"),
    [(bare_entrance, MOST_BYTES), (tls_entrance, MOST_BYTES_TLS)],
    ids=["bare", "TLS"],
)
async def test_an_idle_websocket_holds_little_and_still_speaks(
    tmp_path: Path, opening: Opening, most_bytes: int
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.echo_origin", str(port)]
    with open_program("echo", command, core=cores().load, folder=tmp_path) as origin:
        await wait_accepting(origin, port)
        async with (
            opening(tmp_path, f"127.0.0.1:{port}") as house,
            contextlib.AsyncExitStack() as all_,
        ):
            warm = [await house.open_tunnel() for _ in range(20)]
            before = house.proxy.program.resident_bytes()
            tunnels = [await house.open_tunnel() for _ in range(TUNNELS)]
            held = house.proxy.program.resident_bytes() - before
            for each in (*warm, *tunnels):
                all_.push_async_callback(trio.aclose_forcefully, each)
            assert held / TUNNELS < most_bytes
            async with trio.open_nursery() as nursery:
                for number, each in enumerate(tunnels):
                    nursery.start_soon(_check_echo, each, b"tunnel %d" % number)


async def _check_echo(tunnel: trio.abc.Stream, word: bytes) -> None:
    assert await echoes(tunnel, word)
