"""WebSockets through the balancer: told before a stop, asked after silence, else left alone."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio

from tests.conversations.play import Play, open_play, timeouts, until
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    close_payload,
    frames_in,
    from_client,
    from_server,
)
from tests.support.raw import RawClient, RawPeer
from tests.support.world import World
from trio_lb.config.schema import WebSocketConfig

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

GOING_AWAY = Frame(CLOSE, close_payload(1001))
DRAIN_SECONDS = 30.0

Script = Callable[[RawPeer], Awaitable[None]]


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


class Stop:
    """A stop under way: when it ended, and how."""

    ended_at = float("inf")
    was_graceful = False

    def __init__(self, play: Play) -> None:
        self._play = play

    async def run(self) -> None:
        self.was_graceful = await self._play.lb.shutdown()
        self.ended_at = trio.current_time()


@asynccontextmanager
async def stopping(chat: Chat) -> AsyncGenerator[Stop, None]:
    """Stop the balancer, and see it through."""
    stop = Stop(chat.play)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop.run)
        yield stop


# ---------------------------------------------------------------------- a stop


async def test_a_stop_tells_both_ends_that_we_go_and_ends_with_their_answers(world: World) -> None:
    async with open_chat(world) as chat:
        await chat.client.send(from_client(TEXT, b"hello"))
        assert await chat.server_hears() == Frame(TEXT, b"hello", is_masked=True)
        await trio.sleep_until(100.0)
        async with stopping(chat) as stop:
            assert await chat.client_hears() == GOING_AWAY
            assert await chat.server_hears() == attrs.evolve(GOING_AWAY, is_masked=True)
            await chat.client.send(from_client(CLOSE, close_payload(1001)))
            await chat.server.send(from_server(CLOSE, close_payload(1001)))
            await chat.client.eof()
            await chat.server.eof()
        assert stop.was_graceful
        assert 100.0 <= stop.ended_at < 100.1
        (record,) = chat.play.records()
        assert (record.status, record.error) == (101, None)


async def test_without_it_a_stop_waits_as_long_as_it_may_and_cuts(world: World) -> None:
    """What ``close_on_drain`` saves: the same play without it."""
    quiet = WebSocketConfig(close_on_drain=False)
    async with open_chat(world, websocket=quiet, drain_timeout=DRAIN_SECONDS) as chat:
        async with stopping(chat) as stop:
            await chat.client.expect_reset()
        assert (stop.was_graceful, stop.ended_at) == (False, DRAIN_SECONDS)
        assert chat.play.lb.cut_requests == 1


async def test_who_does_not_answer_the_close_is_closed_after_ten_seconds(world: World) -> None:
    async with open_chat(world, drain_timeout=DRAIN_SECONDS) as chat:
        async with stopping(chat) as stop:
            assert await chat.client_hears() == GOING_AWAY
            told_at = trio.current_time()
            await chat.client.eof()
            assert trio.current_time() == pytest.approx(told_at + 10.0)
            await chat.server_hears()
            await chat.server.eof()
        assert (stop.was_graceful, chat.play.errors()) == (True, [None])
        assert stop.ended_at == pytest.approx(told_at + 10.0)


async def test_a_short_stop_waits_no_longer_than_it_lasts(world: World) -> None:
    async with open_chat(world, drain_timeout=3.0) as chat:
        async with stopping(chat) as stop:
            assert await chat.client_hears() == GOING_AWAY
        assert stop.was_graceful
        assert 1.5 <= stop.ended_at < 3.0


async def test_a_stop_without_any_time_tells_them_all_the_same(world: World) -> None:
    async with open_chat(world, drain_timeout=0.0) as chat:
        async with stopping(chat):
            assert await chat.client_hears() == GOING_AWAY
            assert await chat.server_hears() == attrs.evolve(GOING_AWAY, is_masked=True)
        assert trio.current_time() < 0.01


async def test_a_message_under_way_is_delivered_before_the_close(world: World) -> None:
    first = from_server(BINARY, b"x" * 70_000, is_final=False)
    last, late = from_server(CONTINUATION, b"y" * 100), from_server(TEXT, b"too late")
    async with open_chat(world, drain_timeout=DRAIN_SECONDS) as chat:
        await chat.server.send(first)
        assert (await chat.client_hears()).payload == b"x" * 70_000
        async with stopping(chat) as stop:
            await trio.sleep_until(3.0)
            await chat.server.send(last + late[:-1])
            assert (await chat.client_hears()).payload == b"y" * 100
            assert await chat.client_hears() == GOING_AWAY
            await chat.client.send(from_client(CLOSE))
            await chat.server.send(late[-1:] + from_server(CLOSE))
        assert (stop.was_graceful, stop.ended_at) == (True, 3.0)


async def test_a_message_without_end_is_left_between_two_of_its_frames(world: World) -> None:
    async with open_chat(world, drain_timeout=20.0) as chat:
        await chat.server.send(from_server(BINARY, b"x", is_final=False))
        assert await chat.client_hears() == Frame(BINARY, b"x", is_final=False)
        async with stopping(chat):
            assert await chat.client_hears() == GOING_AWAY
            assert trio.current_time() == pytest.approx(5.0, abs=0.02), "half of ten seconds"


async def test_a_frame_without_end_is_cut_visibly_and_in_time(world: World) -> None:
    async with open_chat(world, drain_timeout=20.0) as chat:
        await chat.server.send(from_server(BINARY, b"x" * 1000)[:-1])
        async with stopping(chat) as stop:
            await chat.client.expect_reset()
            assert trio.current_time() == pytest.approx(10.0, abs=0.02)
        assert stop.was_graceful
        assert chat.client.received.endswith(b"x" * 999), "and no Close in the middle of it"


async def test_what_is_no_websocket_inside_is_left_alone_until_it_is_cut(world: World) -> None:
    async with open_chat(world, drain_timeout=DRAIN_SECONDS) as chat:
        await chat.client.send(b"\x00\x01\x02 something else")
        await chat.server.send(b"\x03\x04\x05 something else")
        async with stopping(chat) as stop:
            await chat.client.expect_until(b"something else")
            await chat.client.expect_reset()
        assert stop.ended_at < DRAIN_SECONDS


async def test_a_close_that_is_under_way_already_is_not_said_twice(world: World) -> None:
    async with open_chat(world) as chat:
        await chat.client.send(from_client(CLOSE, close_payload(4000)))
        async with stopping(chat) as stop:
            await trio.sleep(1.0)
            assert await chat.server_hears() == Frame(CLOSE, close_payload(4000), is_masked=True)
            assert await chat.client_hears() == GOING_AWAY
            await chat.server.send(from_server(CLOSE, close_payload(4000)))
            await chat.client.close()
            await chat.server.eof()
        assert stop.was_graceful


async def test_a_crowd_is_told_a_hundred_a_second_and_each_at_its_own_time(world: World) -> None:
    told: list[float] = []

    async def be_told(chat: Chat) -> None:
        assert await chat.client_hears() == GOING_AWAY
        told.append(trio.current_time())
        await chat.client.send(from_client(CLOSE))
        await chat.server.send(from_server(CLOSE))

    async with open_chats(world, 300, drain_timeout=DRAIN_SECONDS) as chats:
        async with stopping(chats[0]) as stop, trio.open_nursery() as nursery:
            for chat in chats:
                nursery.start_soon(be_told, chat)
        assert stop.was_graceful
    assert 2.8 < stop.ended_at < 3.0
    assert len(set(told)) == 300
    assert max(sum(at <= each < at + 0.5 for each in told) for at in (0.0, 0.5, 1.0, 2.0)) < 75


async def test_a_very_large_crowd_has_half_of_the_time(world: World) -> None:
    async with open_chats(world, 300, drain_timeout=4.0) as chats:
        async with stopping(chats[0]) as stop:
            for chat in chats:
                assert await chat.client_hears() == GOING_AWAY
            assert 1.9 < trio.current_time() < 2.0
        assert stop.was_graceful


async def test_one_that_opens_during_the_grace_is_told_as_well(world: World) -> None:
    async with open_chat(world, accept_grace=5.0, drain_timeout=DRAIN_SECONDS) as chat:
        async with stopping(chat) as stop:
            await trio.sleep(2.0)
            late = await chat.play.client()
            await late.send(UPGRADE)
            assert (await late.read_response()).status == 101
            assert await next_frame(late) == GOING_AWAY
            assert trio.current_time() == pytest.approx(2.0, abs=0.01)
            await late.send(from_client(CLOSE))
        assert stop.was_graceful


# ---------------------------------------------------------------------- silence


ASKING = {"websocket": WebSocketConfig(ping_interval=20.0)}


async def test_a_silent_client_is_asked_and_its_pong_goes_on_to_the_server(world: World) -> None:
    async with open_chat(world, **ASKING) as chat:
        await trio.sleep_until(7.0)
        await chat.client.send(from_client(TEXT, b"hello"))
        await chat.server_hears()
        assert await chat.client_hears() == Frame(PING, b"trio-lb")
        assert trio.current_time() == 27.0
        await trio.sleep_until(40.0)
        await chat.client.send(from_client(PONG, b"trio-lb"))
        assert await chat.server_hears() == Frame(PONG, b"trio-lb", is_masked=True)
        assert await chat.client_hears() == Frame(PING, b"trio-lb")
        assert trio.current_time() == 60.0


async def test_a_client_that_says_nothing_at_all_is_given_up(world: World) -> None:
    async with open_chat(world, **ASKING) as chat:
        assert await chat.client_hears() == Frame(PING, b"trio-lb")
        await chat.client.expect_reset()
        assert trio.current_time() == 40.0
        await chat.server.expect_reset()
        await chat.play.settle()
        assert chat.play.errors() == ["client_gone"]


async def test_an_answer_in_the_same_instant_counts(world: World) -> None:
    async with open_chat(world, **ASKING) as chat:
        for turn in range(1, 10):
            assert await chat.client_hears() == Frame(PING, b"trio-lb")
            assert trio.current_time() == 20.0 * turn
            await chat.client.send(from_client(PONG, b"trio-lb"))


async def test_whatever_the_client_says_shows_that_it_lives(world: World) -> None:
    async with open_chat(world, **ASKING) as chat:
        for _ in range(10):
            await trio.sleep(19.0)
            await chat.client.send(from_client(TEXT, b"."))
        await trio.sleep(19.0)
        rest = bytes(chat.client.received).partition(b"\r\n\r\n")[2]
        assert rest == b"", "it was not asked"


async def test_a_ping_waits_for_the_end_of_a_long_frame(world: World) -> None:
    big = from_server(BINARY, b"x" * 100)
    async with open_chat(world, **ASKING) as chat:
        await chat.server.send(big[:50])
        await trio.sleep_until(90.0)
        assert chat.play.records() == [], "who was not asked is not given up"
        await chat.server.send(big[50:])
        assert (await chat.client_hears()).payload == b"x" * 100
        assert await chat.client_hears() == Frame(PING, b"trio-lb")
        await chat.client.send(from_client(PONG))
        await trio.sleep_until(105.0)
        assert chat.play.records() == []


async def test_pings_keep_a_tunnel_alive_beyond_its_idle_time(world: World) -> None:
    async with open_chat(world, timeouts=timeouts(tunnel_idle=50.0), **ASKING) as chat:
        for _ in range(10):
            assert await chat.client_hears() == Frame(PING, b"trio-lb")
            await chat.client.send(from_client(PONG))
        assert trio.current_time() == 200.0


async def test_without_a_ping_interval_nobody_is_asked_for_an_hour(world: World) -> None:
    async with open_chat(world) as chat:
        await trio.sleep_until(3599.0)
        await chat.server.send(from_server(TEXT, b"still here"))
        assert await chat.client_hears() == Frame(TEXT, b"still here")
        await chat.client.expect_reset()
        assert trio.current_time() == 3599.0 + 3600.0


async def test_who_has_half_closed_is_not_asked(world: World) -> None:
    async with open_chat(world, **ASKING) as chat:
        await chat.client.send_eof()
        await until(lambda: bool(chat.play.records()))
        assert chat.play.records()[0].total_seconds == 30.0


# ---------------------------------------------------------------------- being left alone


async def test_a_pong_a_compressed_frame_and_a_big_one_pass_untouched(world: World) -> None:
    compressed = b"\xc1\x02ok"
    big = from_server(BINARY, b"z" * 300_000)
    async with open_chat(world, **ASKING) as chat, trio.open_nursery() as nursery:
        nursery.start_soon(chat.server.send, from_server(PONG, b"?") + compressed + big)
        await chat.client.expect(from_server(PONG, b"?") + compressed + big)


async def test_a_reload_touches_no_tunnel(world: World) -> None:
    s2 = await world.http_server("s2")
    async with open_chat(world) as chat:
        lb = chat.play.lb
        for turn in range(20):
            await trio.sleep(10.0)
            lb.update_server("s1", weight=turn + 2)
            if turn == 10:
                lb.add_server(id="s2", address=str(s2.address))
            await chat.client.send(from_client(TEXT, b"%d" % turn))
            assert (await chat.server_hears()).payload == b"%d" % turn
        lb.update_config(algorithm="random")
        await chat.server.send(from_server(TEXT, b"still here"))
        assert (await chat.client_hears()).payload == b"still here"
        assert chat.play.records() == []
