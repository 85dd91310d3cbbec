"""The end of a request's time: who had most of it is to blame, who came last is not."""

from typing import Any

import pytest
import trio

from tests.conversations.play import (
    LAST_GET,
    answering,
    hang,
    limits,
    open_play,
    quick_retries,
    timeouts,
)
from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.sim.link import Connects


async def test_a_server_that_got_the_last_second_of_five_is_not_to_blame(world: World) -> None:
    s1 = await world.server("s1", answering(then=hang))
    s2 = await world.server("s2", answering(then=hang))
    times = timeouts(first_byte=4.0, total=5.0)
    async with open_play(world, s1, s2, timeouts=times, retry=quick_retries()) as play:
        answer = await play.ask()
        assert (trio.current_time(), answer.status) == (5.0, 504)
        assert play.errors() == ["upstream_timeout"]
        counts = [(each.requests, each.failures) for each in play.lb.servers()]
        assert counts == [(1, 1), (1, 0)]


async def test_a_server_that_had_all_of_the_time_is_to_blame_however_short_it_was(
    world: World,
) -> None:
    s1 = await world.server("s1", answering(then=hang))
    async with open_play(world, s1, timeouts=timeouts(total=5.0)) as play:
        answer = await play.ask()
        assert (trio.current_time(), answer.status) == (5.0, 504)
        assert play.server("s1").failures == 1


@pytest.mark.parametrize(
    ("options", "status"), [({}, 504), ({"listener": {"protocol": "tcp"}}, None)]
)
async def test_a_connect_that_got_the_last_second_says_nothing_of_a_server(
    world: World, options: dict[str, Any], status: int | None
) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    times = timeouts(connect=4.0, total=5.0)
    async with open_play(world, s1, s2, timeouts=times, retry=quick_retries(), **options) as play:
        for name in ("s1", "s2"):
            world.link(name).connects = Connects.BLACKHOLE
        if status is None:
            client = await play.client()
            await client.expect_reset()
        else:
            assert (await play.ask(LAST_GET)).status == status
        await play.settle()
        assert trio.current_time() == 5.0
        assert [each.failures for each in play.lb.servers()] == [1, 0]
        assert play.errors() == ["upstream_connect_timeout"]


async def test_a_server_that_takes_no_request_has_no_longer_than_the_request_itself(
    world: World,
) -> None:
    async def deaf(peer: RawPeer) -> None:
        await trio.sleep_forever()

    s1 = await world.server("s1", deaf)
    times = timeouts(first_byte=4.0, total=5.0, write_stall=3.0)
    sizes = limits(replay_body_size=200_000, buffer_size=200_000)
    async with open_play(world, s1, timeouts=times, limits=sizes) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n")
        await client.send(b"x" * 150_000)
        answer = await client.read_response()
        assert (trio.current_time(), answer.status) == (5.0, 504)
        assert play.server("s1").failures == 1
