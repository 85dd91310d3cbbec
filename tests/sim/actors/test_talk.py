"""One end of a WebSocket without a task, against bytes that are written by hand."""

import trio
from wsproto import ConnectionType
from wsproto.events import AcceptConnection, BytesMessage, Event, Request

from tests.sim.actors.support import Theatre, play
from trio_lb.model.address import Address
from trio_lb.sim.actors.talk import Talk
from trio_lb.sim.stream import VirtualStream


class Ear:
    """Notes what one end of a conversation hears."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.events: list[str] = []
        self.reasons: list[str] = []

    def open(self, stream: VirtualStream, side: ConnectionType) -> Talk:
        """Begin to listen."""
        return Talk(stream, side, self.messages.append, self._event, self.reasons.append)

    def _event(self, event: Event) -> None:
        self.events.append(type(event).__name__)


async def pair(theatre: Theatre) -> tuple[VirtualStream, VirtualStream]:
    host = theatre.net.host("s1")
    listener = await host.listen(Address(host.address, 80))
    near = await theatre.dial()
    (far,) = await listener.accept_batch(1)
    return near, far


def test_both_ends_hear_whole_messages_and_answer_pings_themselves() -> None:
    async def act(theatre: Theatre) -> None:
        near, far = await pair(theatre)
        client, server = Ear(), Ear()
        asks = client.open(near, ConnectionType.CLIENT)
        answers = server.open(far, ConnectionType.SERVER)
        asks.say(Request(host="h", target="/"))
        await trio.sleep(0.01)
        answers.say(AcceptConnection())
        await trio.sleep(0.01)
        asks.say(BytesMessage(b"one ", message_finished=False))
        asks.say(BytesMessage(b"message"))
        near_bytes = bytes([0x89, 0x80, 1, 2, 3, 4])  # A ping, as a client masks it.
        near.send_nowait(near_bytes)
        await trio.sleep(0.01)
        assert server.events == ["Request"]
        assert server.messages == [b"one message"]
        assert client.events == ["AcceptConnection", "Pong"]
        near.abort()
        await trio.sleep(0.01)
        assert (server.reasons, far.is_closed) == (["reset"], True)

    play(act)


def test_what_is_no_websocket_is_garbled_and_told_once() -> None:
    async def act(theatre: Theatre) -> None:
        near, far = await pair(theatre)
        ear = Ear()
        ear.open(far, ConnectionType.SERVER)
        await near.send_some(b"SSH-2.0\r\n\r\n")
        await trio.sleep(0.01)
        assert (ear.reasons, far.is_closed) == (["garbled"], True)
        near.close()

    play(act)


def test_an_end_without_a_close_is_told() -> None:
    async def act(theatre: Theatre) -> None:
        near, far = await pair(theatre)
        ear = Ear()
        ear.open(far, ConnectionType.SERVER)
        near.close()
        await trio.sleep(0.01)
        assert ear.reasons == ["closed"]

    play(act)
