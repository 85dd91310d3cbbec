"""TCP through the balancer: every byte, every end, every reset, and exact books of it all."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations.play import (
    Play,
    limits,
    open_play,
    patient,
    read_slowly,
    timeouts,
    until,
)
from tests.support.clock import run_in_virtual_time
from tests.support.leaks import find_leaks
from tests.support.raw import RawPeer
from tests.support.servers import RawServer
from tests.support.stage import VirtualStage
from tests.support.world import World, open_world
from trio_lb.model.events import RequestShed
from trio_lb.sim.network import VirtualNetwork

MEBIBYTE = 1 << 20
TCP = {"protocol": "tcp"}


@asynccontextmanager
async def open_tcp(world: World, *servers: RawServer, **options: Any) -> AsyncGenerator[Play, None]:
    async with open_play(world, *servers, **{"listener": TCP, **options}) as play:
        yield play


async def parrot(peer: RawPeer) -> None:
    """Say everything again, and end when the client does, or with a crash of the server."""
    try:
        while data := await peer.stream.receive_some(65536):
            await peer.send(data)
    except trio.ClosedResourceError:
        return


async def listen(peer: RawPeer) -> None:
    await peer.expect_rest()


# ---------------------------------------------------------------------- bytes


async def test_bytes_pass_both_ways_and_are_one_request_in_the_books(world: World) -> None:
    s1 = await world.server("s1", parrot)
    async with open_tcp(world, s1) as play:
        client = await play.client()
        for word in (b"\x00\xff", b"GET / HTTP/1.1\r\n\r\n"):
            await client.send(word)
            await client.expect(word)
            await trio.sleep(1000.0)
        assert play.server("s1").active_connections == 1
        await client.send_eof()
        await client.eof()
        await play.settle()
        (record,) = play.records()
        assert (record.method, record.target, record.version) == ("TCP", str(world.front), "-")
        assert (record.status, record.error, record.server_id) == (200, None, "s1")
        assert (record.bytes_in, record.bytes_out, record.attempts) == (20, 20, 1)
        assert (record.head_seconds, record.total_seconds) == (0.0, 2000.0)
        assert record.client == world.net.host("client").address
        counts = play.lb.statistics()
        assert (counts.total_requests, counts.successful_requests) == (1, 1)
        assert counts.server_stats[0].responses == 1


async def test_a_server_may_speak_first(world: World) -> None:
    async def greet(peer: RawPeer) -> None:
        await peer.send(b"220 ready\r\n")
        await peer.expect(b"QUIT\r\n")

    s1 = await world.server("s1", greet)
    async with open_tcp(world, s1) as play:
        client = await play.client()
        await client.expect(b"220 ready\r\n")
        await client.send(b"QUIT\r\n")
        await client.eof()
        await client.close()


async def test_what_the_client_said_before_a_server_was_found_is_not_lost(world: World) -> None:
    s1 = await world.server("s1", parrot)
    async with open_tcp(world, s1) as play:
        world.link("s1").set_latency(1.0)
        client = await play.client()
        await client.send(b"early")
        await client.send_eof()
        assert await client.expect_rest() == b"early"
        await play.settle()
        assert play.records()[0].head_seconds == 2.0


@settings(max_examples=25)
@given(
    st.lists(st.binary(max_size=5000), max_size=6), st.lists(st.binary(max_size=5000), max_size=6)
)
def test_however_both_sides_cut_what_they_say_it_arrives_exactly(
    up: list[bytes], down: list[bytes]
) -> None:
    heard: list[bytes] = []

    async def say(peer: RawPeer, pieces: list[bytes]) -> None:
        for piece in pieces:
            await peer.send(piece)
            await trio.sleep(0.001)
        await peer.send_eof()

    async def talk(peer: RawPeer) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say, peer, down)
            heard.append(await peer.expect_rest())

    async def main() -> None:
        net = VirtualNetwork(window_bytes=4096)
        async with open_world(VirtualStage(net)) as world:
            s1 = await world.server("s1", talk)
            async with open_tcp(world, s1) as play, trio.open_nursery() as nursery:
                client = await play.client()
                nursery.start_soon(say, client, up)
                assert await client.expect_rest() == b"".join(down)
            assert heard == [b"".join(up)]
            assert play.errors() == [None]
        assert await find_leaks(net) == []

    run_in_virtual_time(main)


# ---------------------------------------------------------------------- ends


async def test_a_client_that_ended_waits_for_its_answer_as_long_as_it_takes(world: World) -> None:
    async def think(peer: RawPeer) -> None:
        assert await peer.expect_rest() == b"sum it all up"
        await trio.sleep(3599.0)
        await peer.send(b"42")

    s1 = await world.server("s1", think)
    async with open_tcp(world, s1) as play:
        client = await play.client()
        await client.send(b"sum it all up")
        await client.send_eof()
        assert await client.expect_rest() == b"42"
        await play.settle()
        assert play.errors() == [None]


async def test_a_client_may_go_on_after_the_server_s_end(world: World) -> None:
    heard = []

    async def end_and_listen(peer: RawPeer) -> None:
        await peer.send_eof()
        heard.append(await peer.expect_rest())

    s1 = await world.server("s1", end_and_listen)
    async with open_tcp(world, s1) as play:
        client = await play.client()
        await client.eof()
        for _ in range(4):
            await trio.sleep(29.0)
            await client.send(b"and ")
        await client.close()
        await play.settle()
        assert (heard, play.errors()) == ([b"and " * 4], [None])


async def test_a_client_that_never_says_a_word_after_the_server_s_end_is_closed(
    world: World,
) -> None:
    async def bye(peer: RawPeer) -> None:
        await peer.send(b"bye")

    s1 = await world.server("s1", bye)
    async with open_tcp(world, s1) as play:
        client = await play.client()
        assert await client.expect_rest() == b"bye"
        await until(lambda: bool(play.records()))
        assert (play.records()[0].total_seconds, play.errors()) == (30.0, [None])


async def test_last_words_reach_a_slow_reader_that_talks_to_a_server_that_has_left(
    world: World,
) -> None:
    async def pour_and_leave(peer: RawPeer) -> None:
        await peer.expect(b"hello")
        await peer.send(b"y" * 100_000)

    s1 = await world.server("s1", pour_and_leave)
    async with open_tcp(world, s1) as play:
        client = await play.client()
        await client.send(b"hello")
        await trio.sleep(0.5)
        await client.send(b"are you there?")
        assert await read_slowly(client, piece=65536, every_seconds=0.1) == 100_000
        await client.close()


# ---------------------------------------------------------------------- resets


async def test_a_reset_by_the_server_is_one_for_the_client(world: World) -> None:
    async def die(peer: RawPeer) -> None:
        await peer.send(b"last words")
        await trio.sleep(10.0)
        peer.reset()

    s1 = await world.server("s1", die)
    async with open_tcp(world, s1) as play:
        client = await play.client()
        await client.expect(b"last words")
        await client.expect_reset()
        assert trio.current_time() == 10.0
        await play.settle()
        (record,) = play.records()
        assert (record.error, record.status, record.bytes_out) == ("upstream_reset", 200, 10)


async def test_a_reset_by_the_client_is_one_for_the_server(world: World) -> None:
    ended: list[float] = []

    async def hold(peer: RawPeer) -> None:
        await peer.expect(b"last words")
        await peer.expect_reset()
        ended.append(trio.current_time())

    s1 = await world.server("s1", hold)
    async with open_tcp(world, s1) as play:
        client = await play.client()
        await client.send(b"last words")
        await trio.sleep(10.0)
        client.reset()
        await play.settle()
        assert (ended, play.errors()) == ([10.0], ["client_gone"])
        assert play.server("s1").failures == 0


async def test_a_server_that_dies_mid_way_takes_down_its_own_connections_only(
    world: World,
) -> None:
    s1, s2 = await world.server("s1", parrot), await world.server("s2", parrot)
    async with open_tcp(world, s1, s2) as play:
        clients = [await play.client() for _ in range(4)]
        for client in clients:
            await client.send(b"x")
            await client.expect(b"x")
        await s1.crash()
        for dead in clients[::2]:
            await dead.expect_reset()
        for alive in clients[1::2]:
            await alive.send(b"still here")
            await alive.expect(b"still here")
            await alive.close()
        again = await play.client()
        await again.send(b"x")
        await again.expect(b"x")
        await again.close()
        await play.settle()
        assert sorted(map(str, play.errors())) == ["None"] * 3 + ["upstream_reset"] * 2


# ---------------------------------------------------------------------- silence and stalls


async def test_a_connection_where_nothing_moves_is_reset_on_both_sides(world: World) -> None:
    resets: list[float] = []

    async def hold(peer: RawPeer) -> None:
        await peer.expect_reset()
        resets.append(trio.current_time())

    s1 = await world.server("s1", hold)
    async with open_tcp(world, s1, timeouts=timeouts(tunnel_idle=100.0)) as play:
        client = await play.client()
        await trio.sleep(60.0)
        await client.send(b"I am here")
        await client.expect_reset()
        await play.settle()
        assert (resets, play.errors()) == ([160.0], ["tunnel_idle"])


async def test_an_answer_that_never_comes_is_a_reset_and_no_end(world: World) -> None:
    async def think(peer: RawPeer) -> None:
        await trio.sleep(1000.0)

    s1 = await world.server("s1", think)
    async with open_tcp(world, s1, timeouts=timeouts(tunnel_idle=100.0)) as play:
        client = await play.client()
        await client.send_eof()
        await client.expect_reset()
        assert (trio.current_time(), play.errors()) == (100.0, ["tunnel_idle"])


@pytest.mark.parametrize("pours", ["client", "server"])
async def test_a_flood_towards_a_stalled_reader_is_held_up_and_cut(
    world: World, pours: str
) -> None:
    poured: list[int] = [0]

    async def pour(peer: RawPeer) -> None:
        while True:
            poured[0] += await peer.stream.send_some(b"x" * 65536)

    async def stall(peer: RawPeer) -> None:
        await trio.sleep(40.0)

    s1 = await world.server("s1", patient(pour if pours == "server" else stall))
    async with open_tcp(world, s1) as play:
        client = await play.client()
        await patient(pour if pours == "client" else stall)(client)
        await play.settle()
        (record,) = play.records()
        # What three windows hold: the two of the connections, and one piece on its way.
        assert poured[0] <= 3 * world.net.window_bytes
        assert record.total_seconds == 30.0
        assert record.error == ("client_gone" if pours == "server" else "upstream_reset")


async def test_a_reader_that_is_only_slow_gets_all_of_a_flood(world: World) -> None:
    async def pour(peer: RawPeer) -> None:
        await peer.send(b"x" * MEBIBYTE)

    s1 = await world.server("s1", pour)
    async with open_tcp(world, s1) as play:
        client = await play.client()
        assert await read_slowly(client, piece=16384, every_seconds=20.0) == MEBIBYTE
        assert trio.current_time() == MEBIBYTE / 16384 * 20.0
        await client.close()
        await play.settle()
        assert play.errors() == [None]


# ---------------------------------------------------------------------- stop and limits


async def test_a_stop_waits_for_the_end_of_a_stream(world: World) -> None:
    async def pour(peer: RawPeer) -> None:
        for _ in range(10):
            await peer.send(b"drop")
            await trio.sleep(1.0)

    s1 = await world.server("s1", pour)
    async with open_tcp(world, s1, accept_grace=0.0) as play, trio.open_nursery() as nursery:
        client = await play.client()
        await client.expect(b"drop")
        stopped: list[tuple[bool, float]] = []

        async def stop() -> None:
            stopped.append((await play.lb.shutdown(30.0), trio.current_time()))

        nursery.start_soon(stop)
        assert await client.expect_rest() == b"drop" * 9
        await client.close()
        await play.settle()
        assert (stopped, play.errors()) == ([(True, 10.0)], [None])


async def test_what_lasts_beyond_the_stop_s_deadline_is_reset_on_both_sides(world: World) -> None:
    resets: list[float] = []

    async def hold(peer: RawPeer) -> None:
        await peer.expect_reset()
        resets.append(trio.current_time())

    s1 = await world.server("s1", hold)
    async with open_tcp(world, s1, accept_grace=0.0) as play:
        client = await play.client()
        await client.send(b"x")
        await play.settle()
        assert not await play.lb.shutdown(20.0)
        await client.expect_reset()
        await play.settle()
        assert (resets, play.errors()) == ([20.0], ["cancelled"])


async def test_who_is_over_the_limit_is_reset_and_hears_no_http(world: World) -> None:
    s1 = await world.server("s1", parrot)
    async with open_tcp(world, s1, limits=limits(max_connections=1)) as play:
        first, second = await play.client(), await play.client()
        await second.expect_reset()
        assert second.received == b""
        await first.close()
        await play.settle()
        assert [event.reason for event in play.told(RequestShed)] == ["max_connections"]
        assert len(play.records()) == 1
