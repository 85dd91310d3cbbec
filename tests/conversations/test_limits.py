"""Every count has a bound, and whoever meets it is told so at once."""

import logging

import pytest
import trio

from tests.conversations.play import (
    GET,
    LAST_GET,
    answering,
    hang,
    limits,
    open_play,
    until,
)
from tests.support.raw import RawClient
from tests.support.world import World
from trio_lb.config.schema import ServerConfig
from trio_lb.model.events import RequestShed
from trio_lb.sim.listener import VirtualListener


async def test_a_connection_too_many_is_told_so_and_closed_within_a_second(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, limits=limits(max_connections=2)) as play:
        holders = [await play.client() for _ in range(2)]
        await play.settle()
        late = await play.client()
        answer = await late.read_response()
        assert (answer.status, answer.header("retry-after")) == (503, "1")
        assert answer.header("connection") == "close"
        await late.eof()
        assert trio.current_time() == 0.0
        # The proxy lingers for the client's end, but not for long.
        await trio.sleep(1.0)
        await play.settle()
        assert len(world.net.link("client", "lb").streams) == 2 * 2 + 1
        await late.close()
        for holder in holders:
            await holder.send(LAST_GET)
            assert (await holder.read_response()).status == 200
            await holder.close()
        assert (await play.ask()).status == 200
        assert [each.reason for each in play.told(RequestShed)] == ["max_connections"]


async def test_a_refused_connection_s_request_reaches_nobody_and_is_no_request(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, limits=limits(max_connections=1)) as play:
        holder = await play.client()
        await play.settle()
        late = await play.client()
        await late.send(GET)
        assert (await late.read_response()).status == 503
        await late.close()
        await holder.close()
        assert s1.peers == []
        assert play.lb.statistics().total_requests == 0


@pytest.mark.parametrize("most", [1, 63, 64, 65, 100])
async def test_the_limit_holds_however_many_come_at_once(world: World, most: int) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, limits=limits(max_connections=most)) as play:
        listener = _listener_of_the_proxy(world)
        listener.out_of_descriptors = True  # So that all of them wait before one is taken.
        clients = [await play.client() for _ in range(200)]
        await play.settle()
        listener.out_of_descriptors = False
        statuses: list[int] = []
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(_ask, client, statuses)
        assert statuses.count(200) == most
        for client in clients:
            await client.close()


def _listener_of_the_proxy(world: World) -> VirtualListener:
    (listener,) = world.net.host("lb").listeners
    return listener


async def _ask(client: RawClient, statuses: list[int]) -> None:
    """Ask, and note the answer or the reset; the connection stays open."""
    try:
        await client.send(GET)
        statuses.append((await client.read_response()).status)
    except (trio.BrokenResourceError, AssertionError):
        statuses.append(0)


async def test_without_descriptors_accepting_pauses_and_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "trio_lb.listener")
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        settled = await play.client()
        listener = _listener_of_the_proxy(world)
        await play.settle()
        listener.out_of_descriptors = True
        waiting = await play.client()
        await waiting.send(LAST_GET)
        await trio.sleep(0.95)
        assert waiting.received == b""
        await settled.send(LAST_GET)
        assert (await settled.read_response()).status == 200
        listener.out_of_descriptors = False
        assert (await waiting.read_response()).status == 200
        assert trio.current_time() == pytest.approx(1.0)
    assert [each.message for each in caplog.records if each.name == "trio_lb.listener"] == [
        "listener 10.0.0.2:80: [Errno 24] too many open files; accepting pauses while "
        "1 connections are open",
        "listener 10.0.0.2:80: accepting again after 1.0 s",
    ]


async def test_pauses_in_a_row_are_told_once_in_ten_seconds(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "trio_lb.listener")
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        listener = _listener_of_the_proxy(world)
        for _ in range(12):
            listener.out_of_descriptors = True
            waiting = await play.client()
            await trio.sleep(0.95)
            listener.out_of_descriptors = False
            await waiting.send(LAST_GET)
            assert (await waiting.read_response()).status == 200
            await waiting.close()
    told = [each.message.partition(": ")[2] for each in caplog.records]
    assert [each.partition(" ")[0] for each in told] == ["[Errno", "accepting"] * 2


async def test_a_server_at_its_limit_is_passed_over(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    s1.think_seconds = 10.0
    small = ServerConfig(id="s1", address=s1.address, max_connections=1)
    async with open_play(world, small, s2) as play:
        slow = await play.client()
        await slow.send(LAST_GET)
        await play.settle()
        bodies = [(await play.ask()).body for _ in range(5)]
        assert bodies == [b"s2"] * 5
        assert (await slow.read_response()).body == b"s1"


async def test_servers_that_are_all_full_are_a_503_at_once(world: World) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 10.0
    small = ServerConfig(id="s1", address=s1.address, max_connections=1)
    async with open_play(world, small) as play:
        slow = await play.client()
        await slow.send(LAST_GET)
        await play.settle()
        answer = await play.ask()
        assert (trio.current_time(), answer.status) == (0.0, 503)
        assert answer.header("retry-after") == "1"
        assert b"no healthy server has room" in answer.body
        assert (await slow.read_response()).status == 200
        assert (await play.ask()).status == 200


async def test_two_hundred_slow_heads_cost_the_others_nothing(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        slow = [await play.client() for _ in range(200)]
        cut_at: list[float] = []
        async with trio.open_nursery() as nursery:
            for client in slow:
                nursery.start_soon(_trickle_until_cut, client, cut_at)
            for _ in range(20):
                before = trio.current_time()
                assert (await play.ask()).status == 200
                assert trio.current_time() == before
                await trio.sleep(0.4)
        assert cut_at == [10.0] * 200
        await until(lambda: play.lb.connection_count == 0)


async def _trickle_until_cut(client: RawClient, cut_at: list[float]) -> None:
    async with trio.open_nursery() as nursery:

        async def trickle() -> None:
            await client.send_slowly(b"GET / HTTP/1.1\r\nX: " + b"x" * 100, seconds_a_byte=0.3)

        nursery.start_soon(trickle)
        assert (await client.read_response()).status == 408
        cut_at.append(trio.current_time())
        nursery.cancel_scope.cancel()
    await client.close()


async def test_connections_to_a_server_that_idle_beyond_the_limit_are_closed(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 0.5
    async with open_play(world, s1, limits=limits(upstream_idle=3)) as play:
        clients = [await play.client() for _ in range(10)]
        for client in clients:
            await client.send(LAST_GET)
        for client in clients:
            await client.read_response()
            await client.close()
        await trio.sleep(1.1)
        assert len(world.link("s1").streams) == 3 * 2
        await trio.sleep(3.0)
        assert world.link("s1").streams == {}


async def test_a_listener_that_is_closed_leaves_nobody_behind(world: World) -> None:
    s1 = await world.server("s1", answering(then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(1.0)
        client.reset()
        await until(lambda: not play.lb.connection_count)
        assert world.link("s1").streams == {}


async def test_one_client_may_be_held_to_fewer_connections_than_all(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, limits=limits(per_client=1)) as play:
        first = await play.client()
        await first.send(GET)
        assert (await first.read_response()).status == 200
        second = await play.client()
        refused = await second.read_response()
        assert (refused.status, refused.header("connection")) == (503, "close")
        other = await play.client("another")
        await other.send(GET)
        assert (await other.read_response()).status == 200
        assert [each.reason for each in play.told(RequestShed)] == ["per_client"]
        await first.close()
        await play.settle()
        assert (await play.ask()).status == 200
