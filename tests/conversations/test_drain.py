"""Stopping: idle connections go at once, busy ones finish, and the deadline is kept."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from tests.conversations.play import (
    GET,
    LAST_GET,
    Play,
    answering,
    hang,
    open_play,
)
from tests.support.raw import RawClient
from tests.support.servers import HttpServer, RawServer
from tests.support.world import World
from trio_lb.net.env import ConnectError


@asynccontextmanager
async def open_slow_play(world: World, **options: Any) -> AsyncGenerator[tuple[Play, HttpServer]]:
    """A play whose server thinks for 10 s; no grace unless one is given."""
    s1 = await world.http_server("s1")
    s1.think_seconds = 10.0
    async with open_play(world, s1, **{"accept_grace": 0.0, **options}) as play:
        yield play, s1


async def test_with_nothing_open_a_stop_takes_no_time(world: World) -> None:
    async with open_slow_play(world, accept_grace=5.0) as (play, _):
        assert await play.lb.shutdown()
        assert trio.current_time() <= 0.002
        with pytest.raises(ConnectError):
            await play.client()


async def test_an_idle_connection_is_closed_at_once(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await client.read_response()
        assert await play.lb.shutdown()
        await client.eof()
        assert trio.current_time() <= 1.002


async def test_a_connection_that_has_said_nothing_yet_is_closed_after_a_second(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        await play.settle()
        assert await play.lb.shutdown()
        await client.eof()
        assert trio.current_time() <= 1.002


async def test_the_first_request_of_a_fresh_connection_is_served_although_the_stop_came_first(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play, trio.open_nursery() as nursery:
        client = await play.client()
        await play.settle()
        world.net.link("client", "lb").set_latency(0.5)
        await client.send(GET)
        nursery.start_soon(_expect_a_clean_stop, play)
        answer = await client.read_response()
        assert (trio.current_time(), answer.status) == (1.0, 200)
        assert answer.header("connection") == "close"
        await client.eof()


async def test_a_busy_connection_gets_its_answer_and_then_the_end(world: World) -> None:
    async with open_slow_play(world) as (play, _):
        client = await play.client()
        await client.send(GET)
        await trio.sleep(4.0)
        assert await play.lb.shutdown()
        assert trio.current_time() == 10.0
        answer = await client.read_response()
        assert (answer.status, answer.header("connection")) == (200, "close")
        await client.eof()


async def test_a_request_that_was_under_way_when_the_stop_came_is_served(world: World) -> None:
    async with open_slow_play(world) as (play, s1):
        s1.think_seconds = 0.0
        client = await play.client()
        await client.send(GET)
        await client.read_response()
        world.net.link("client", "lb").set_latency(0.5)
        await client.send(GET)
        await trio.sleep(0.5)
        assert await play.lb.shutdown()
        answer = await client.read_response()
        assert (answer.status, answer.header("connection")) == (200, "close")


async def test_pipelined_requests_behind_the_last_answer_are_not_begun(world: World) -> None:
    async with open_slow_play(world) as (play, s1):
        client = await play.client()
        await client.send(GET + GET + GET)
        await trio.sleep(4.0)
        assert await play.lb.shutdown()
        assert (await client.read_response()).header("connection") == "close"
        await client.eof()
        assert len(s1.requests) == 1


async def test_the_deadline_cuts_what_is_left_and_says_so(world: World) -> None:
    s1 = await world.server("s1", answering(then=hang))
    async with open_play(world, s1, accept_grace=0.0) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(1.0)
        assert not await play.lb.shutdown(deadline_seconds=7.0)
        assert trio.current_time() == 8.0
        await client.expect_reset()
        assert trio.current_time() == 8.0
        await play.settle()
        assert play.errors() == ["cancelled"]


async def test_the_configured_deadline_holds_when_none_is_given(world: World) -> None:
    s1 = await world.server("s1", answering(then=hang))
    async with open_play(world, s1, accept_grace=0.0, drain_timeout=3.0) as play:
        client = await play.client()
        await client.send(GET)
        await play.settle()
        assert not await play.lb.shutdown()
        assert trio.current_time() == 3.0
        await client.expect_reset()


async def test_a_stop_within_no_time_cuts_at_once(world: World) -> None:
    s1 = await world.server("s1", answering(then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await play.settle()
        assert not await play.lb.shutdown(deadline_seconds=0.0)
        assert trio.current_time() <= 0.002
        await client.expect_reset()


async def test_the_grace_goes_on_accepting_while_something_is_open(world: World) -> None:
    async with open_slow_play(world, accept_grace=5.0) as (play, s1):
        busy = await play.client()
        await busy.send(GET)
        await play.settle()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_expect_a_clean_stop, play)
            await trio.sleep(4.0)
            s1.think_seconds = 0.0
            late = await play.client()
            await late.send(GET)
            answer = await late.read_response()
            assert (answer.status, answer.header("connection")) == (200, "close")
            await trio.sleep(1.5)
            with pytest.raises(ConnectError):
                await play.client()
        assert trio.current_time() == 10.0
        assert (await busy.read_response()).status == 200


async def _expect_a_clean_stop(play: Play) -> None:
    assert await play.lb.shutdown()


async def test_readiness_fails_from_the_first_moment(world: World) -> None:
    async with open_slow_play(world) as (play, _):
        client = await play.client()
        await client.send(LAST_GET)
        await play.settle()
        assert not play.lb.is_draining
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_expect_a_clean_stop, play)
            await play.settle()
            assert play.lb.is_draining


async def test_two_stops_at_once_agree(world: World) -> None:
    async with open_slow_play(world, accept_grace=20.0) as (play, _):
        client = await play.client()
        await client.send(GET)
        await play.settle()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_expect_a_clean_stop, play)
            nursery.start_soon(_expect_a_clean_stop, play)
        assert trio.current_time() == pytest.approx(10.0, abs=0.002)


async def test_who_connected_before_the_end_is_served(world: World) -> None:
    async with open_slow_play(world) as (play, s1):
        s1.think_seconds = 0.0
        clients = [await play.client() for _ in range(100)]
        for client in clients:
            await client.send(GET)
        assert await play.lb.shutdown()
        for client in clients:
            assert (await client.read_response()).status == 200


async def test_leaving_the_block_cuts_whatever_is_under_way(world: World) -> None:
    s1 = await world.server("s1", answering(then=hang))
    cut: list[RawClient] = []
    async with _left_early(world, s1) as client:
        cut.append(client)
    await cut[0].expect_reset()
    assert trio.current_time() == 2.0


@asynccontextmanager
async def _left_early(world: World, server: RawServer) -> AsyncGenerator[RawClient]:
    with trio.move_on_after(2.0):
        async with open_play(world, server) as play:
            client = await play.client()
            await client.send(GET)
            yield client
            await trio.sleep_forever()
