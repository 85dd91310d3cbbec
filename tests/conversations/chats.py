"""WebSockets through a balancer, for plays that are both of their ends."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from tests.conversations.play import Play, open_play
from tests.support.frames import CLOSE, Frame, close_payload, frames_in
from tests.support.raw import RawClient, RawPeer
from tests.support.world import World

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

GOING_AWAY = Frame(CLOSE, close_payload(1001))
DRAIN_SECONDS = 30.0


@attrs.frozen
class Chat:
    """One WebSocket through the balancer, and both its ends."""

    play: Play
    client: RawClient
    server: RawPeer

    async def client_hears(self) -> Frame:
        """The next frame that the client gets."""
        return await next_frame(self.client)

    async def server_hears(self) -> Frame:
        """The next frame that the server gets."""
        return await next_frame(self.server)


async def next_frame(peer: RawPeer) -> Frame:
    """Exactly one frame, from either side."""
    head = await peer.expect_bytes(2)
    size = head[1] & 0x7F
    if size > 125:
        head += await peer.expect_bytes(2 if size == 126 else 8)
        size = int.from_bytes(head[2:])
    (frame,) = frames_in(head + await peer.expect_bytes(size + (4 if head[1] & 0x80 else 0)))
    return frame


async def be_driven(peer: RawPeer) -> None:
    """Accept, and leave the rest to the test."""
    await peer.expect_until(b"\r\n\r\n")
    await peer.send(SWITCH)
    await trio.sleep_forever()


@asynccontextmanager
async def open_chats(
    world: World, count: int = 1, **options: Any
) -> AsyncGenerator[list[Chat], None]:
    """A balancer with WebSockets open; both ends of each are the test's."""
    s1 = await world.server("s1", be_driven)
    options.setdefault("accept_grace", 0.0)
    async with open_play(world, s1, **options) as play:
        chats = []
        for _ in range(count):
            client = await play.client()
            await client.send(UPGRADE)
            assert (await client.read_response()).status == 101
            chats.append(Chat(play, client, s1.peers[-1]))
        yield chats
        for chat in chats:
            chat.client.reset()
            chat.server.reset()


@asynccontextmanager
async def open_chat(world: World, **options: Any) -> AsyncGenerator[Chat, None]:
    async with open_chats(world, **options) as (chat,):
        yield chat
