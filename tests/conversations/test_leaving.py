"""Clients that leave: the server's work stops, nobody else notices, and nothing is held."""

import pytest
import trio

from tests.conversations.play import (
    GET,
    OK,
    POST,
    Play,
    answering,
    hang,
    open_play,
    patient,
    read_slowly,
    timeouts,
    until,
)
from tests.support.raw import RawPeer
from tests.support.servers import RawServer, answer_of
from tests.support.world import World
from trio_lb.config.resilience import RetryConfig
from trio_lb.sim.link import Connects


class Watcher:
    """A server that never answers and notes when it was cut."""

    def __init__(self) -> None:
        self.cut_at: list[float] = []
        self.received: list[bytes] = []

    async def script(self, peer: RawPeer) -> None:
        try:
            await peer.expect_rest()
        except trio.BrokenResourceError:
            self.cut_at.append(trio.current_time())
        self.received.append(bytes(peer.received))


async def test_a_reset_while_the_answer_is_awaited_cancels_the_server_at_once(
    world: World,
) -> None:
    watcher = Watcher()
    s1 = await world.server("s1", watcher.script)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(7.0)
        client.reset()
        await play.settle()
        assert watcher.cut_at == [7.0]
        assert play.errors() == ["client_gone"]
        assert (play.server("s1").requests, play.server("s1").failures) == (1, 0)


async def test_an_end_of_file_cancels_the_server_one_second_later(world: World) -> None:
    watcher = Watcher()
    s1 = await world.server("s1", watcher.script)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(7.0)
        await client.send_eof()
        await client.expect_rest()
        assert trio.current_time() == 8.0
        await play.settle()
        assert watcher.cut_at == [8.0]
        assert play.errors() == ["client_gone"]


@pytest.mark.parametrize("think_seconds", [0.0, 0.04, 0.06, 0.9])
async def test_a_client_that_half_closes_still_gets_an_answer_within_a_second(
    world: World, think_seconds: float
) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = think_seconds
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await client.send_eof()
        answer = await client.read_response()
        assert (trio.current_time(), answer.body) == (think_seconds, b"s1")
        await client.eof()
        assert play.errors() == [None]


async def test_a_half_closed_client_keeps_an_answer_that_goes_on(world: World) -> None:
    async def trickle(peer: RawPeer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        await peer.send_slowly(b"0123456789", seconds_a_byte=0.8)

    s1 = await world.server("s1", trickle)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await client.send_eof()
        assert (await client.read_response()).body == b"0123456789"
        await play.settle()
        assert play.errors() == [None]


@pytest.mark.parametrize(("piece", "every_seconds"), [(20_000, 1.0), (60_000, 3.0)])
async def test_a_half_closed_client_that_reads_slowly_gets_all_of_its_answer(
    world: World, piece: int, every_seconds: float
) -> None:
    s1 = await world.http_server("s1")
    answer = answer_of(200, b"x" * 2_000_000)
    s1.answer = lambda request: answer
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await client.send_eof()
        assert await read_slowly(client, piece=piece, every_seconds=every_seconds) > 2_000_000
        assert trio.current_time() >= 2_000_000 / piece * every_seconds
        assert (play.errors(), play.records()[0].bytes_out) == ([None], 2_000_000)


async def test_a_reset_in_the_middle_of_the_body_cancels_the_server(world: World) -> None:
    s1 = await world.server("s1", answering(OK[:-1], then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await client.expect_until(b"\r\n\r\no")
        await trio.sleep(1.0)
        client.reset()
        await play.settle()
        assert play.errors() == ["client_gone"]
        assert play.server("s1").active_connections == 0


async def test_a_client_that_leaves_in_its_upload_leaves_an_incomplete_request(
    world: World,
) -> None:
    watcher = Watcher()
    s1 = await world.server("s1", watcher.script)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        await trio.sleep(3.0)
        await client.close()
        await play.settle()
        assert watcher.cut_at == [3.0]
        assert watcher.received[0].endswith(b"\r\n\r\nhalf")
        assert play.errors() == ["client_gone"]


async def test_a_chunked_upload_that_is_cut_never_ends_at_the_server(world: World) -> None:
    watcher = Watcher()
    s1 = await world.server("s1", watcher.script)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
        )
        await trio.sleep(3.0)
        await client.close()
        await play.settle()
        assert watcher.cut_at == [3.0]
        assert watcher.received[0].endswith(b"\r\n\r\n4\r\nhalf\r\n")


async def test_a_client_that_leaves_before_the_server_is_connected_is_forgotten(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        world.link("s1").set_latency(0.5)
        client = await play.client()
        await client.send(POST)
        await trio.sleep(0.2)
        client.reset()
        await until(lambda: bool(play.records()))
        assert play.errors() == ["client_gone"]


STATES = {
    "answers at once": answering(OK),
    "keeps the connection": answering(OK, then=hang),
    "never answers": answering(then=hang),
    "half a head": answering(b"HTTP/1.1 20", then=hang),
    "half a body": answering(OK[:-1], then=hang),
    "an endless body": answering(b"HTTP/1.1 200 OK\r\n\r\nx", then=hang),
    "an interim answer": answering(b"HTTP/1.1 103 Early Hints\r\n\r\n", then=hang),
    "a cut": answering(),
}

UPLOAD = (
    b"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)


@pytest.mark.parametrize("state", STATES)
async def test_leaving_after_any_byte_in_any_state_of_the_server_leaks_nothing(
    world: World, state: str
) -> None:
    s1 = await world.server("s1", patient(STATES[state]))
    grace = timeouts(half_close_grace=0.2)
    async with open_play(world, s1, timeouts=grace) as play:
        for request in (GET, POST, UPLOAD):
            for offset in range(len(request) + 1):
                await _leave_after(play, request[:offset], in_order=bool(offset % 2))
        await until(lambda: not play.lb.connection_count)
        await _only_idle_ones_are_left(play, s1)


async def _leave_after(play: Play, sent: bytes, *, in_order: bool) -> None:
    client = await play.client()
    if sent:
        await client.send(sent)
    await trio.sleep(0.06 * (len(sent) % 3))
    if in_order:
        await client.close()
    else:
        client.reset()


async def _only_idle_ones_are_left(play: Play, server: RawServer) -> None:
    """Connections to servers outlive clients, but not the time that they may idle."""
    await trio.sleep(4.1)
    assert play.server("s1").active_connections == 0
    assert play.world.link("s1").streams == {}


async def test_a_client_that_left_while_a_server_was_dialled_costs_no_other_server_anything(
    world: World,
) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    world.link("s1").connects = Connects.BLACKHOLE
    async with open_play(world, s1, s2, timeouts=timeouts(connect=2.0)) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(0.5)
        client.stream.abort()
        await until(lambda: bool(play.records()))
        (record,) = play.records()
        assert (record.total_seconds, record.attempts, record.error) == (2.0, 1, "client_gone")
        assert s2.requests == []


async def test_a_client_that_left_in_the_pause_before_a_retry_ends_it(world: World) -> None:
    s1 = await world.server("s1", answering())
    retry = RetryConfig(max_retries=3, base_delay=4.0, max_delay=4.0)
    async with open_play(world, s1, retry=retry) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(0.5)
        client.stream.abort()
        await until(lambda: bool(play.records()))
        (record,) = play.records()
        assert (record.attempts, record.error) == (1, "client_gone")
        assert record.total_seconds <= 4.0
