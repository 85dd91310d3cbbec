"""Programs of others, which know nothing of the simulator, run in it as they are."""

import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
import h11
import httpx  # noqa: ASYNC127 - both are served.
import httpx2
import pytest
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from trio_websocket import (
    ConnectionClosed,
    WebSocketRequest,
    open_websocket_url,
    serve_websocket,
)

from tests.net.identities import authority, issued
from tests.sim.programs import in_simulation, now, serve, shout
from tests.sim.shim_play import timeline
from trio_lb.app import open_load_balancer
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.shim import on_host

BOTH_PURPOSES: Final = (ssl.Purpose.CLIENT_AUTH, ssl.Purpose.SERVER_AUTH)
ROOT: Final = Path(__file__).resolve().parents[2]


async def answer_http(stream: trio.SocketStream) -> None:
    """A server of the smallest kind: h11 on a stream, a tenth of a second for each request."""
    connection = h11.Connection(h11.SERVER)
    async with stream:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive_some())
            elif isinstance(event, h11.Request):
                await trio.sleep(0.1)
                head = h11.Response(status_code=200, headers=[("Content-Length", "2")])
                parts = [head, h11.Data(data=b"ok"), h11.EndOfMessage()]
                await stream.send_all(b"".join(connection.send(part) or b"" for part in parts))
            elif isinstance(event, h11.EndOfMessage):
                connection.start_next_cycle()
            elif isinstance(event, h11.ConnectionClosed):
                return


@pytest.mark.parametrize("http_client", [httpx2.AsyncClient, httpx.AsyncClient])
def test_an_http_client_asks_through_a_balancer(http_client: Callable[[], Any]) -> None:
    config = {"listeners": [{"bind": "0.0.0.0:80"}], "servers": [{"address": "api:80"}]}

    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery, answer_http)
        async with open_load_balancer(config, env=SimEnv(net.host("lb"), 7)) as balancer:
            await nursery.start(balancer.serve)
            async with http_client() as client:
                seen = []
                for _ in range(2):
                    response = await client.get("http://lb/hello")
                    seen.append((response.status_code, response.text, now()))
            nursery.cancel_scope.cancel()
        # Two handshakes and two hops each way around a tenth; then both connections are kept.
        assert seen == [(200, "ok", 0.18), (200, "ok", 0.32)]

    in_simulation(play)


def test_hypercorn_answers_for_an_asgi_application() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep(0.1)
        headers = [(b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": scope["client"][0][:4].encode()})

    async def handle(stream: Any) -> None:
        await TCPServer(ASGIWrapper(application), Config(), WorkerContext(None), {}, stream)

    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery, handle)
        async with httpx2.AsyncClient() as client:
            response = await client.get("http://api/")
            assert (response.text, response.headers["server"]) == ("10.0", "hypercorn-h11")
            assert now() == 0.14

    in_simulation(play)


def test_a_websocket_echoes() -> None:
    async def shout_messages(request: WebSocketRequest) -> None:
        websocket = await request.accept()
        try:
            while True:
                await websocket.send_message((await websocket.get_message()).upper())
        except ConnectionClosed:
            return

    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        with on_host(net.host("api")):
            await nursery.start(partial(serve_websocket, shout_messages, None, 80, None))
        async with open_websocket_url("ws://api/") as websocket:
            assert now() == 0.04
            await websocket.send_message("hello")
            assert (await websocket.get_message(), now()) == ("HELLO", 0.06)

    in_simulation(play)


def test_tls_takes_its_round_trip_more() -> None:
    server, client = (ssl.create_default_context(purpose) for purpose in BOTH_PURPOSES)
    issued("api").configure_cert(server)
    authority("house").configure_trust(client)

    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        with on_host(net.host("api")):
            await nursery.start(partial(trio.serve_ssl_over_tcp, shout, 443, server))
        async with await trio.open_ssl_over_tcp_stream("api", 443, ssl_context=client) as stream:
            await stream.do_handshake()
            assert now() == 0.04
            await stream.send_all(b"hello")
            assert (await stream.receive_some(), now()) == (b"HELLO", 0.06)

    in_simulation(play)


def test_anyio_dials_with_its_own_race() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery)
        async with await anyio.connect_tcp("api", 80) as stream:
            await stream.send(b"hello")
            assert (await stream.receive(), now()) == (b"HELLO", 0.04)
            remote = stream.extra(anyio.abc.SocketAttribute.remote_address)
            assert remote == (net.host("api").address, 80)

    in_simulation(play)


# The same each time.


def timeline_of_a_process(seed: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim.shim_play", seed],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def test_a_seed_is_a_timeline() -> None:
    first = timeline(7)
    assert len(first) == 20
    assert timeline(7) == first
    assert timeline(8) != first


def test_a_seed_is_a_timeline_in_every_process() -> None:
    first = timeline_of_a_process("7", PYTHONHASHSEED="0")
    assert first == str(timeline(7))
    assert first == timeline_of_a_process("7", PYTHONHASHSEED="4711", PYTHONMALLOC="debug")
