"""A WebSocket through our proxy, with trio-websocket on both ends: the tunnel changes nothing."""

import contextlib
import functools
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio
from trio_websocket import (
    CloseReason,
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    open_websocket,
    serve_websocket,
)

from benchmarks.ledger.fleet import wait_until
from tests.real.house import RunningProxy, needs, open_proxy

pytestmark = [pytest.mark.real, needs("taskset")]

LARGE = 300_000


@attrs.define
class EchoServer:
    """Says everything back, and remembers how each connection ended."""

    ends: list[CloseReason | None] = attrs.Factory(list)

    async def serve(self, request: WebSocketRequest) -> None:
        websocket = await request.accept(subprotocol=request.proposed_subprotocols[0])
        try:
            while True:
                await websocket.send_message(await websocket.get_message())
        except ConnectionClosed as closed:
            self.ends.append(closed.reason)


@contextlib.asynccontextmanager
async def open_echo(folder: Path, server: EchoServer) -> AsyncIterator[RunningProxy]:
    """Our proxy before the server. A probe would get 400 from it, which is no health."""
    async with trio.open_nursery() as nursery:
        serve = functools.partial(serve_websocket, server.serve, "127.0.0.1", 0, None)
        listening = await nursery.start(serve)
        address = f"127.0.0.1:{listening.port}"
        async with open_proxy(folder, [address], "--no-health-check") as proxy:
            yield proxy
        nursery.cancel_scope.cancel()


def open_chat(proxy: RunningProxy) -> contextlib.AbstractAsyncContextManager[WebSocketConnection]:
    return open_websocket(
        "127.0.0.1", proxy.port, "/chat", use_ssl=False, subprotocols=["echo", "other"]
    )


async def test_messages_of_all_kinds_come_back_and_the_close_passes(tmp_path: Path) -> None:
    server = EchoServer()
    async with open_echo(tmp_path, server) as proxy:
        async with open_chat(proxy) as websocket:
            assert websocket.subprotocol == "echo"
            for message in ("text", "ünïcödé", b"\x00\xff", b"", b"x" * LARGE, "y" * LARGE):
                await websocket.send_message(message)
                assert await websocket.get_message() == message
            await websocket.ping(b"still there?")
            await websocket.aclose(4321, "that was all")
        await wait_until(lambda: bool(server.ends), "the server sees the end", seconds=2.0)
        (end,) = server.ends
        assert end is not None
        assert (end.code, end.reason) == (4321, "that was all")
        assert await proxy.stop() == 0, "no tunnel is left to wait for"


async def test_many_tunnels_at_once_keep_their_messages_apart(tmp_path: Path) -> None:
    server = EchoServer()
    async with open_echo(tmp_path, server) as proxy:
        got: dict[int, list[str]] = {}

        async def chat(number: int) -> None:
            async with open_chat(proxy) as websocket:
                got[number] = []
                for turn in range(5):
                    await websocket.send_message(f"{number} {turn}")
                    got[number].append(str(await websocket.get_message()))

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(chat, number)
        assert got == {n: [f"{n} {turn}" for turn in range(5)] for n in range(20)}
