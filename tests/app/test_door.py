"""The way in without a socket: admitted, counted, drained and cut as a listener's connections."""

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.app.inside import open_inside
from tests.conversations.play import GET, LAST_GET, answering, hang, limits
from tests.support.raw import RawClient
from tests.support.world import World
from trio_lb import Address, Request, RequestCut, RequestShed, open_load_balancer


def client_of(stream: Any) -> RawClient:
    return RawClient(stream, "inside")


async def test_http_is_spoken_on_the_stream_and_it_is_kept_alive(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        client = client_of(play.lb.connect(Address("192.0.2.1", 7)))
        for _ in range(2):
            await client.send(GET)
            assert (await client.read_response()).body == b"s1"
        assert play.lb.connection_count == 1
        assert [seen.header("x-real-ip") for seen in server.requests] == ["192.0.2.1"] * 2
        await client.close()


async def test_a_limit_of_connections_counts_who_comes_in_too(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server, limits=limits(max_connections=1)) as play:
        first = client_of(play.lb.connect())
        response = await play.lb.route(Request("GET", "/"))
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert b"limit of connections" in await response.read()
        assert [shed.reason for shed in play.told(RequestShed)] == ["max_connections"]
        await first.close()
        await wait_all_tasks_blocked()
        assert (await play.lb.route(Request("GET", "/"))).status == 200


async def test_a_limit_for_each_client_goes_by_the_address_that_is_given(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server, limits=limits(per_client=1)) as play:
        held = client_of(play.lb.connect(Address("192.0.2.1", 7)))
        mine = await play.lb.route(Request("GET", "/", client="192.0.2.1"))
        other = await play.lb.route(Request("GET", "/", client="192.0.2.2"))
        assert (mine.status, other.status) == (503, 200)
        own = [client_of(play.lb.connect()) for _ in range(3)]
        assert play.lb.connection_count >= 4, "the program itself is no client"
        for each in own:
            await each.close()
        await held.close()
        await mine.aclose()
        await other.aclose()


async def test_a_stop_closes_the_idle_and_waits_for_the_busy(world: World) -> None:
    server = await world.http_server("s1")
    server.think_seconds = 3.0
    async with open_inside(world, server) as play:
        idle, busy = client_of(play.lb.connect()), client_of(play.lb.connect())
        await idle.send(LAST_GET.replace(b"close", b"keep-alive"))
        await idle.read_response()
        await busy.send(GET)
        assert await play.lb.shutdown()
        assert trio.current_time() == 6.0
        await idle.eof()
        answer = await busy.read_response()
        assert (answer.body, answer.header("connection")) == (b"s1", "close")
        await idle.close()
        await busy.close()


async def test_the_deadline_of_a_stop_cuts_what_is_left(world: World) -> None:
    server = await world.server("s1", answering(then=hang))
    async with open_inside(world, server) as play, trio.open_nursery() as nursery:

        async def ask() -> None:
            with pytest.raises(RequestCut, match="before it was answered"):
                await play.lb.route(Request("GET", "/"))

        nursery.start_soon(ask)
        await trio.sleep(1)
        assert not await play.lb.shutdown(deadline_seconds=7)
        assert trio.current_time() == 8.0
        assert play.lb.cut_requests == 1
        assert play.errors() == ["cancelled"]


async def test_who_comes_after_a_stop_is_told_so(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        assert await play.lb.shutdown()
        for body in (b"", b"some"):
            response = await play.lb.route(Request("POST", "/", body=body))
            assert response.status == 503
            assert b"about to stop" in await response.read()
        assert [shed.reason for shed in play.told(RequestShed)] == ["shutdown"] * 2
        assert play.records() == []


async def test_the_end_of_the_block_cuts_whoever_is_inside(world: World) -> None:
    async with open_load_balancer({"servers": ["10.0.0.1:1"]}, env=world.env) as lb:
        client = client_of(lb.connect())
        await client.send(b"GET / HT")
    await client.expect_reset()
    await client.close()
    with pytest.raises(trio.ClosedResourceError, match="has ended"):
        lb.connect()
    with pytest.raises(trio.ClosedResourceError, match="has ended"):
        await lb.route(Request("GET", "/"))
