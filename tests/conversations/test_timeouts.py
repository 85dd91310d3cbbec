"""Every wait has an end, at an exact instant; and no clock ends a request that moves."""

import pytest
import trio
from trio.testing import MockClock

from tests.conversations.play import (
    GET,
    LAST_GET,
    OK,
    POST,
    answering,
    hang,
    open_play,
    quick_retries,
    timeouts,
    until,
)
from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.config.schema import ServerConfig
from trio_lb.model.address import Address
from trio_lb.sim.link import Connects


async def test_no_answer_for_thirty_seconds_is_a_504(world: World) -> None:
    s1 = await world.server("s1", answering(then=hang))
    async with open_play(world, s1) as play:
        answer = await play.ask(POST)
        assert (trio.current_time(), answer.status) == (30.0, 504)
        assert play.errors() == ["upstream_timeout"]
        assert play.server("s1").failures == 1


async def test_an_idempotent_request_has_sixty_seconds_for_all_its_tries(world: World) -> None:
    s1 = await world.server("s1", answering(then=hang))
    s2 = await world.server("s2", answering(then=hang))
    async with open_play(world, s1, s2) as play:
        answer = await play.ask()
        assert (trio.current_time(), answer.status) == (60.0, 504)
        assert [len(s1.peers), len(s2.peers)] == [1, 1]
        assert play.records()[0].attempts == 2


async def test_after_silence_on_an_idle_connection_no_other_idle_one_is_waited_for(
    world: World,
) -> None:
    """A box in the middle forgot them all: one wait, and then a fresh connection."""
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    patience = timeouts(first_byte=1.0, upstream_keep_alive=60.0)
    async with open_play(world, s1, s2, timeouts=patience) as play:
        for _ in range(4):
            await play.ask()
        for name in ("s1", "s2"):
            world.link(name).idle_drop_seconds = 20.0
        await trio.sleep(30.0)
        answer = await play.ask()
        (*_, record) = play.records()
        assert (answer.status, record.attempts) == (200, 2)
        assert 1.0 <= record.total_seconds <= 1.025, "one wait, and a backoff of 25 ms at most"


async def test_a_connect_that_takes_three_seconds_goes_elsewhere(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2) as play:
        world.link("s1").connects = Connects.BLACKHOLE
        answer = await play.ask(POST)
        assert (trio.current_time(), answer.status, answer.body) == (3.0, 200, b"s2")


async def test_connects_that_all_take_too_long_are_a_504(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, retry=quick_retries(1)) as play:
        world.link("s1").connects = Connects.BLACKHOLE
        answer = await play.ask(POST)
        assert (trio.current_time(), answer.status) == (6.0, 504)
        assert play.errors() == ["upstream_connect_timeout"]


async def test_a_head_has_ten_seconds_from_the_connection_s_beginning(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        await trio.sleep(4.0)
        await client.send(b"GET / HTTP/1.1\r\n")
        answer = await client.read_response()
        assert (trio.current_time(), answer.status) == (10.0, 408)
        assert answer.header("connection") == "close"
        await client.eof()
        assert s1.peers == []


async def test_a_late_head_that_asks_for_no_body_is_answered_without_one(world: World) -> None:
    async with open_play(world, await world.http_server("s1")) as play:
        client = await play.client()
        await client.send(b"\r\nHEAD / HTTP/1.1\r\nHost: a\r\n")
        answer = await client.read_response("HEAD")
        assert (trio.current_time(), answer.status, answer.body) == (10.0, 408, b"")
        await client.eof()


async def test_a_connection_that_says_nothing_is_closed_after_ten_seconds(world: World) -> None:
    async with open_play(world, await world.http_server("s1")) as play:
        client = await play.client()
        await client.eof()
        assert trio.current_time() == 10.0
        assert play.lb.statistics().total_requests == 0


async def test_a_trickled_head_gets_no_more_time_than_another(world: World) -> None:
    async with open_play(world, await world.http_server("s1")) as play:
        client = await play.client()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_trickle, client)
            answer = await client.read_response()
            assert (trio.current_time(), answer.status) == (10.0, 408)
            nursery.cancel_scope.cancel()


async def _trickle(client: RawPeer) -> None:
    await client.send_slowly(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 99, seconds_a_byte=0.9)


async def test_a_later_head_has_ten_seconds_from_its_first_byte(world: World) -> None:
    async with open_play(world, await world.http_server("s1")) as play:
        client = await play.client()
        await client.send(GET)
        await client.read_response()
        await trio.sleep(70.0)
        await client.send(b"GET")
        answer = await client.read_response()
        assert (trio.current_time(), answer.status) == (80.0, 408)


async def test_an_idle_connection_is_closed_75_seconds_after_its_last_answer(world: World) -> None:
    async with open_play(world, await world.http_server("s1")) as play:
        client = await play.client()
        for _ in range(40):
            await client.send(GET)
            await client.read_response()
            await trio.sleep(4.0)
        last_answer_at = trio.current_time() - 4.0
        await client.eof()
        assert trio.current_time() == last_answer_at + 75.0


async def _ask(client: RawPeer) -> int:
    await client.send(GET)
    return (await client.read_response()).status


@pytest.mark.parametrize("asked_at", [[0.0, 60.0], [0.0]], ids=["early", "late"])
async def test_a_request_that_comes_with_the_keep_alive_deadline_is_served(
    world: World, autojump_clock: MockClock, asked_at: list[float]
) -> None:
    """The scope of a connection keeps its first deadline, 75.0, while requests come.

    It fires in the pass in which the bytes are there: after they woke the task, before it runs.
    """
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        other, client = await play.client(), await play.client()
        for instant in asked_at:
            await trio.sleep_until(instant)
            # On a connection to the server that stands, nothing lifts the client's deadline.
            assert [await _ask(other), await _ask(client)] == [200, 200]
        await trio.sleep_until(74.5)
        assert await _ask(other) == 200
        await trio.sleep_until(74.9995)
        client.stream.send_nowait(GET)
        autojump_clock.jump(0.001)
        assert (await client.read_response()).status == 200
        assert trio.current_time() == 75.0005
        assert await _ask(client) == 200
        await play.settle()
        assert set(play.errors()) == {None}


async def test_a_later_request_may_last_longer_than_the_keep_alive_time(world: World) -> None:
    async def trickle(peer: RawPeer) -> None:
        await peer.read_request()
        await peer.send(OK)
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(100):
            await trio.sleep(2.0)
            await peer.send(b"x")

    s1 = await world.server("s1", trickle)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await client.read_response()
        await client.send(GET)
        answer = await client.read_response()
        assert (trio.current_time(), answer.body) == (200.0, b"x" * 100)
        await play.settle()
        assert play.errors() == [None, None]


async def test_a_request_may_last_longer_than_a_head_may_take(world: World) -> None:
    async def trickle(peer: RawPeer) -> None:
        await peer.read_request()
        await trio.sleep(29.0)
        await peer.send(OK)

    s1 = await world.server("s1", trickle)
    async with open_play(world, s1, timeouts=timeouts(client_head=20.0)) as play:
        client = await play.client()
        await client.send(GET)
        answer = await client.read_response()
        assert (trio.current_time(), answer.body) == (29.0, b"ok")


async def test_slow_connects_do_not_spend_a_kept_connection_s_time(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(
        world, s1, timeouts=timeouts(connect=20.0, client_keep_alive=15.0), retry=quick_retries(1)
    ) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.read_response()
        world.link("s1").connects = Connects.BLACKHOLE
        await trio.sleep(2.0)
        await client.send(POST)
        answer = await client.read_response()
        assert (trio.current_time(), answer.status) == (42.0, 504)


async def test_a_server_that_falls_silent_in_the_body_is_cut_after_sixty_seconds(
    world: World,
) -> None:
    part = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    s1 = await world.server("s1", answering(part, then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        rest = await client.expect_rest()
        # The second task takes over after 50 ms, and with it the clock of the body.
        assert trio.current_time() == 0.05 + 60.0
        assert rest.endswith(b"half")
        assert play.errors() == ["upstream_truncated"]


async def test_a_reader_that_takes_nothing_is_cut_after_thirty_seconds(world: World) -> None:
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
    s1 = await world.server("s1", answering(big))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await until(lambda: bool(play.records()))
        assert play.records()[0].total_seconds == 0.05 + 30.0
        await client.expect_reset()
        assert play.errors() == ["client_gone"]


async def test_a_reader_that_takes_a_little_now_and_then_is_served(world: World) -> None:
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000
    s1 = await world.server("s1", answering(big, then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(LAST_GET)
        for _ in range(10):
            await trio.sleep(29.0)
            await client.stream.receive_some(25_000)
        while await client.stream.receive_some(65536):
            pass
        assert play.errors() == [None]


async def test_an_upload_that_stalls_for_sixty_seconds_is_a_408(world: World) -> None:
    seen: list[bytes] = []

    async def listen(peer: RawPeer) -> None:
        try:
            await peer.expect_rest()
        except trio.BrokenResourceError:
            seen.append(bytes(peer.received))

    s1 = await world.server("s1", listen)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        answer = await client.read_response()
        # Twice 50 ms of patience, for the whole body and for a quick upload, come first.
        assert (trio.current_time(), answer.status) == (0.05 + 0.05 + 60.0, 408)
        await play.settle()
        assert seen[0].endswith(b"\r\n\r\nhalf")
        assert b"content-length: 10" in seen[0].lower()
        assert play.server("s1").failures == 0


async def test_the_whole_answer_has_a_limit_when_one_is_configured(world: World) -> None:
    async def trickle(peer: RawPeer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        await peer.send_slowly(b"x" * 1000, seconds_a_byte=1.0)

    async def script(peer: RawPeer) -> None:
        try:
            await trickle(peer)
        except trio.BrokenResourceError:
            return

    s1 = await world.server("s1", script)
    async with open_play(world, s1, timeouts=timeouts(response=20.0)) as play:
        client = await play.client()
        await client.send(GET)
        await client.expect_rest()
        assert trio.current_time() == 20.0
        assert play.errors() == ["upstream_truncated"]


async def test_a_port_where_nobody_listens_is_a_502_at_once(world: World) -> None:
    await world.http_server("s1")
    address = Address(world.net.host("s1").address, 9)
    async with open_play(
        world, ServerConfig(id="s1", address=address), retry=quick_retries(2)
    ) as play:
        answer = await play.ask(POST)
        assert (trio.current_time(), answer.status) == (0.0, 502)
        assert (play.errors(), play.records()[0].attempts) == (["upstream_connect_refused"], 3)
