"""WebSockets of an ASGI server, carried to a WebSocket server."""

import hashlib
from base64 import b64encode
from functools import partial
from typing import Any

import hypercorn.trio
import pytest
import trio
import trio_websocket
from hypercorn.config import Config as HypercornConfig

from tests.app.inside import open_inside
from tests.asgi.server import Asked
from tests.conversations.chats import next_frame
from tests.conversations.play import answering, hang
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    close_payload,
    from_server,
)
from tests.support.messages import parse_head
from tests.support.raw import RawPeer
from tests.support.servers import Script, answer_of
from tests.support.world import World
from trio_lb import open_load_balancer
from trio_lb.asgi import ReverseProxy
from trio_lb.asgi.websocket import LARGEST_MESSAGE_BYTES

CONNECT = {"type": "websocket.connect"}
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accepting(script: Script, *more: str) -> Script:
    """Accept a WebSocket, then follow ``script``."""

    async def whole(peer: RawPeer) -> None:
        head = parse_head(await peer.expect_until(b"\r\n\r\n"))
        key = (head.header("sec-websocket-key") or "") + _GUID
        accept = b64encode(hashlib.sha1(key.encode()).digest()).decode()
        lines = [
            "HTTP/1.1 101 Go",
            "Connection: upgrade",
            "Upgrade: websocket",
            f"Sec-WebSocket-Accept: {accept}",
            *more,
        ]
        await peer.send("\r\n".join([*lines, "", ""]).encode())
        await script(peer)

    return whole


async def chat(lb: Any, *messages: dict[str, Any], **scope: Any) -> Asked:
    """One WebSocket, carried to its end; the client says ``messages`` and is silent then."""
    ask = Asked("websocket", [CONNECT, *messages], **{"scheme": "ws", **scope})
    await ReverseProxy(lb)(ask.scope, ask.receive, ask.send)
    return ask


async def test_messages_pass_both_ways(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        text, data = await next_frame(peer), await next_frame(peer)
        assert (text.opcode, text.payload, text.is_masked) == (TEXT, "né".encode(), True)
        assert (data.opcode, data.payload) == (BINARY, b"\0")
        await peer.send(from_server(TEXT, "né".encode()) + from_server(BINARY, b"\1"))
        await peer.send(from_server(CLOSE, close_payload(1001)))
        assert (await next_frame(peer)).opcode == CLOSE

    server = await world.server("s1", accepting(script))
    async with open_inside(world, server) as play:
        ask = await chat(
            play.lb,
            {"type": "websocket.receive", "text": "né"},
            {"type": "websocket.receive", "bytes": b"\0"},
        )
        assert ask.said == [
            {"type": "websocket.accept", "subprotocol": None, "headers": []},
            {"type": "websocket.send", "text": "né"},
            {"type": "websocket.send", "bytes": b"\1"},
            {"type": "websocket.close", "code": 1001, "reason": ""},
        ]
        await play.settle()
        assert [record.status for record in play.records()] == [101]


async def test_the_opening_carries_what_is_the_client_s(world: World) -> None:
    seen: list[Any] = []

    async def script(peer: RawPeer) -> None:
        seen.append(parse_head(bytes(peer.received).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"))
        await peer.send(from_server(CLOSE, close_payload(1000)))
        await hang(peer)

    server = await world.server("s1", accepting(script, "Sec-WebSocket-Protocol: b", "X-A: 1"))
    async with open_inside(world, server) as play:
        ask = await chat(
            play.lb,
            path="/chat",
            query_string=b"room=1",
            subprotocols=["a", "b"],
            headers=[
                (b"host", b"here:81"),
                (b"cookie", b"c=1"),
                (b"sec-websocket-key", b"theirs"),
                (b"connection", b"upgrade"),
            ],
        )
        assert ask.said[0]["subprotocol"] == "b"
        assert (b"x-a", b"1") in ask.said[0]["headers"]
    (head,) = seen
    assert (head.target, head.header("host"), head.header("cookie")) == (
        "/chat?room=1",
        "here:81",
        "c=1",
    )
    assert head.header("sec-websocket-key") != "theirs"
    assert head.header("sec-websocket-protocol") == "a, b"
    assert head.header("x-forwarded-for") == "192.0.2.9"


async def test_a_message_in_frames_arrives_whole_and_pings_are_answered_here(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.send(bytes(Frame(TEXT, b"a", is_final=False)) + from_server(PING, b"p"))
        pong = await next_frame(peer)
        assert (pong.opcode, pong.payload) == (PONG, b"p")
        await peer.send(from_server(CONTINUATION, b"b"))
        await peer.send(from_server(CLOSE))
        await hang(peer)

    server = await world.server("s1", accepting(script))
    async with open_inside(world, server) as play:
        ask = await chat(play.lb)
        assert ask.said[1:] == [
            {"type": "websocket.send", "text": "ab"},
            {"type": "websocket.close", "code": 1000, "reason": ""},
        ]


async def test_a_refusal_is_a_close_or_the_server_s_own_answer_where_that_can_be_said(
    world: World,
) -> None:
    server = await world.http_server("s1")
    server.answer = lambda request: answer_of(401, b"who?", "X-A: 1")
    async with open_inside(world, server) as play:
        plain = await chat(play.lb)
        assert plain.said == [{"type": "websocket.close", "code": 1000}]
        full = await chat(play.lb, extensions={"websocket.http.response": {}})
        start, rest = full.said
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
        assert (b"x-a", b"1") in start["headers"]
        assert rest == {"type": "websocket.http.response.body", "body": b"who?"}


async def test_without_a_server_it_is_refused(world: World) -> None:
    async with open_inside(world) as play:
        ask = await chat(play.lb, extensions={"websocket.http.response": {}})
        assert ask.said[0]["status"] == 503
        lb = play.lb
    gone = await chat(lb)
    assert gone.said == [{"type": "websocket.close", "code": 1011, "reason": "the proxy has ended"}]


async def test_a_client_that_leaves_is_said_goodbye_for(world: World) -> None:
    closes: list[bytes] = []

    async def script(peer: RawPeer) -> None:
        closes.append((await next_frame(peer)).payload)
        await peer.send(from_server(CLOSE, close_payload(1001)))
        await hang(peer)

    server = await world.server("s1", accepting(script))
    async with open_inside(world, server) as play:
        ask = await chat(play.lb, {"type": "websocket.disconnect", "code": 1001})
        assert closes == [close_payload(1001)]
        assert [message["type"] for message in ask.said] == ["websocket.accept"]
        assert trio.current_time() == 0.0


async def test_a_server_that_does_not_say_goodbye_is_left_after_five_seconds(world: World) -> None:
    server = await world.server("s1", accepting(hang))
    async with open_inside(world, server) as play:
        await chat(play.lb, {"type": "websocket.disconnect", "code": 1006})
        assert trio.current_time() == 5.0
        await play.settle()


async def test_a_server_that_is_cut_ends_it_with_1011(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await trio.sleep(1)
        peer.reset()

    server = await world.server("s1", accepting(script))
    async with open_inside(world, server) as play:
        ask = await chat(play.lb)
        assert ask.said[-1] == {
            "type": "websocket.close",
            "code": 1011,
            "reason": "the server is gone",
        }


async def test_a_message_beyond_all_measure_ends_it_with_1009(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        piece = bytes(LARGEST_MESSAGE_BYTES // 2)
        await peer.send(bytes(Frame(BINARY, piece, is_final=False)))
        await peer.send(bytes(Frame(CONTINUATION, piece + b"!")))
        await hang(peer)

    server = await world.server("s1", accepting(script))
    async with open_inside(world, server) as play:
        ask = await chat(play.lb)
        assert [message.get("code") for message in ask.said] == [None, 1009]


async def test_a_client_that_takes_no_more_ends_it(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await trio.sleep(1)
        await peer.send(from_server(TEXT, b"hello?"))
        assert (await next_frame(peer)).payload == close_payload(1000)
        await hang(peer)

    server = await world.server("s1", accepting(script))
    async with open_inside(world, server) as play, trio.open_nursery() as nursery:
        ask = Asked("websocket", [CONNECT])
        nursery.start_soon(ReverseProxy(play.lb), ask.scope, ask.receive, ask.send)
        await trio.sleep(0.5)
        ask.is_gone = True
        await trio.sleep(1)
        assert [message["type"] for message in ask.said] == ["websocket.accept"]
        assert play.server("s1").active_connections == 0


async def test_an_answer_that_is_no_http_is_a_refusal(world: World) -> None:
    server = await world.server("s1", answering(b"nonsense\r\n\r\n"))
    async with open_inside(world, server) as play:
        ask = await chat(play.lb, extensions={"websocket.http.response": {}})
        assert ask.said[0]["status"] == 502


@pytest.mark.real
async def test_a_chat_through_a_real_asgi_server_and_a_real_websocket_server() -> None:
    async def echo(request: trio_websocket.WebSocketRequest) -> None:
        socket = await request.accept(subprotocol="b")
        try:
            while True:
                await socket.send_message(await socket.get_message())
        except trio_websocket.ConnectionClosed:
            return

    config = HypercornConfig()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = config.errorlog = None
    async with trio.open_nursery() as nursery:
        start = partial(trio_websocket.serve_websocket, echo, "127.0.0.1", 0, None)
        server = await nursery.start(start)
        async with open_load_balancer({"servers": [f"127.0.0.1:{server.port}"]}) as lb:
            serve = partial(hypercorn.trio.serve, ReverseProxy(lb), config)
            (base,) = await nursery.start(serve)
            url = base.replace("http", "ws") + "/chat"
            async with trio_websocket.open_websocket_url(url, subprotocols=["a", "b"]) as socket:
                for message in ("né", b"\0" * 100_000):
                    await socket.send_message(message)
                    assert await socket.get_message() == message
                assert socket.subprotocol == "b"
            nursery.cancel_scope.cancel()
