"""A server's end of a WebSocket: it echoes, and says how much when the client closes."""

import pytest
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import BytesMessage, CloseConnection, Event, Request, TextMessage

from tests.sim.actors.support import Theatre, play
from trio_lb.sim.actors.echo import wants_websocket
from trio_lb.sim.actors.http1 import Head
from trio_lb.sim.happening import What


@pytest.mark.parametrize(
    ("fields", "wants"), [(b"Upgrade: WebSocket", True), (b"Upgrade: h2c", False), (b"A: b", False)]
)
def test_a_request_says_whether_it_wants_a_websocket(fields: bytes, wants: bool) -> None:
    assert wants_websocket(Head(b"GET / HTTP/1.1\r\n" + fields)) is wants


def test_what_is_said_comes_back_and_a_close_is_answered_and_told() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        stream = await theatre.dial()
        protocol = WSConnection(ConnectionType.CLIENT)
        heard: list[Event] = []

        async def say(*events: Event) -> None:
            for event in events:
                await stream.send_some(protocol.send(event))
            await trio.sleep(0.1)
            protocol.receive_data(stream.receive_nowait(65536))
            heard.extend(protocol.events())

        await say(Request(host="h", target="/", extra_headers=[(b"user-agent", b"sim/9")]))
        await say(TextMessage("ab"), BytesMessage(b"cde"))
        await say(CloseConnection(code=1000))
        assert [type(each).__name__ for each in heard] == [
            "AcceptConnection",
            "BytesMessage",
            "BytesMessage",
            "CloseConnection",
        ]
        assert server.connections == {}

    theatre = play(act)
    assert [values[:2] for _, _, values in theatre.told(What.REPLY, What.DROP)] == [(101, 5)]


def test_a_client_that_is_gone_without_a_close_is_told() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        stream = await theatre.dial()
        protocol = WSConnection(ConnectionType.CLIENT)
        agent = [(b"user-agent", b"sim/9")]
        await stream.send_some(protocol.send(Request(host="h", target="/", extra_headers=agent)))
        await trio.sleep(0.1)
        stream.abort()
        await trio.sleep(0.1)
        assert server.connections == {}

    assert [values for _, _, values in play(act).told(What.REPLY, What.DROP)] == [("gone",)]
