"""``timeouts.response``: the whole answer's time, whoever spends it, and who is to blame then."""

import pytest
import trio

from tests.conversations.play import (
    POST,
    answering,
    hang,
    open_play,
    quick_retries,
    timeouts,
)
from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.sim.link import Connects

UPLOAD = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"


async def test_a_connect_may_not_take_longer_than_the_whole_answer(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, timeouts=timeouts(response=2.0), retry=quick_retries()) as play:
        world.link("s1").connects = Connects.BLACKHOLE
        answer = await play.ask(POST)
        assert (trio.current_time(), answer.status) == (2.0, 504)
        assert play.errors() == ["upstream_connect_timeout"]
        assert play.records()[0].attempts == 1
        assert play.server("s1").failures == 1, "it had all of the time that there was"


async def test_nobody_is_tried_once_the_whole_answer_s_time_is_up(world: World) -> None:
    s1 = await world.server("s1", answering(then=hang))
    s2 = await world.server("s2", answering(then=hang))
    times = timeouts(response=2.0)
    async with open_play(world, s1, s2, timeouts=times, retry=quick_retries()) as play:
        answer = await play.ask()
        assert (trio.current_time(), answer.status) == (2.0, 504)
        counts = [(each.requests, each.failures) for each in play.lb.servers()]
        assert counts == [(1, 1), (0, 0)]


async def test_a_slow_upload_that_uses_up_the_time_is_the_client_s_doing(world: World) -> None:
    heads = []

    async def listen(peer: RawPeer) -> None:
        heads.append(await peer.expect_until(b"\r\n\r\n"))
        with pytest.raises(trio.BrokenResourceError):
            await peer.expect_rest()

    s1, s2 = await world.server("s1", listen), await world.server("s2", listen)
    times = timeouts(response=20.0, first_byte=10.0)
    async with open_play(world, s1, s2, timeouts=times, retry=quick_retries()) as play:
        client = await play.client()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_trickle, client)
            answer = await client.read_response()
            nursery.cancel_scope.cancel()
        assert (trio.current_time(), answer.status) == (20.0, 408)
        assert play.errors() == ["request_timeout"]
        assert [each.failures for each in play.lb.servers()] == [0, 0]
        assert len(heads) == 1, "what the client still sends is sent to nobody else"


async def _trickle(client: RawPeer) -> None:
    await client.send(UPLOAD)
    await client.send_slowly(b"x" * 1000, seconds_a_byte=1.0)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"response": 5.0}, "not complete within 5 s"),
        ({"idle": 0.5}, "the server sent nothing for 0.5 s"),
    ],
)
async def test_the_log_says_which_limit_cut_an_answer(
    world: World, limit: dict[str, float], reason: str
) -> None:
    async def trickle(peer: RawPeer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(10):
            await trio.sleep(1.0)
            await peer.send(b"x")

    async with open_play(
        world, await world.server("s1", trickle), timeouts=timeouts(**limit)
    ) as play:
        client = await play.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.expect_rest()
        assert (play.errors(), play.records()[0].reason) == (["upstream_truncated"], reason)
