"""WebSockets before a stop: both ends are told, in good order, and nobody waits for long."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio

from tests.conversations.chats import (
    DRAIN_SECONDS,
    GOING_AWAY,
    UPGRADE,
    Chat,
    next_frame,
    open_chat,
    open_chats,
)
from tests.conversations.play import Play
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    TEXT,
    Frame,
    close_payload,
    from_client,
    from_server,
)
from tests.support.world import World
from trio_lb.config.schema import WebSocketConfig


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


@pytest.mark.parametrize("side", ["client", "server"])
async def test_a_message_without_end_is_left_between_two_of_its_frames(
    world: World, side: str
) -> None:
    async with open_chat(world, drain_timeout=20.0) as chat:
        if side == "client":
            await chat.client.send(from_client(BINARY, b"x", is_final=False))
            endless = chat.server_hears
        else:
            await chat.server.send(from_server(BINARY, b"x", is_final=False))
            endless = chat.client_hears
        assert (await endless()).payload == b"x"
        async with stopping(chat):
            assert (await endless()).payload == GOING_AWAY.payload
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
