"""Tunnels after a 101: bytes both ways, half-closes, and an end that both sides see."""

import pytest
import trio

from tests.conversations.play import (
    GET,
    OK,
    open_play,
    patient,
    read_slowly,
    timeouts,
    until,
)
from tests.support.raw import RawPeer
from tests.support.servers import answer_of
from tests.support.world import World

UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


async def accept(peer: RawPeer) -> None:
    head = await peer.expect_until(b"\r\n\r\n")
    assert b"Connection: upgrade\r\nUpgrade: websocket\r\n" in head
    await peer.send(SWITCH)


async def test_bytes_pass_both_ways_in_turn_and_at_once(world: World) -> None:
    async def parrot(peer: RawPeer) -> None:
        await accept(peer)
        while not await peer.at_end():
            await peer.send(await peer.expect_bytes(4))

    s1 = await world.server("s1", parrot)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE)
        head = await client.expect_until(b"\r\n\r\n")
        assert head == (
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        for _ in range(3):
            await client.send(b"ping")
            await client.expect(b"ping")
            await trio.sleep(1000.0)
        assert play.server("s1").active_connections == 1
        await client.close()
        await play.settle()
        (record,) = play.records()
        assert (record.status, record.error, record.bytes_out) == (101, None, 12)


async def test_a_tunnel_on_a_kept_connection_outlives_its_keep_alive_time(world: World) -> None:
    async def answer_then_parrot(peer: RawPeer) -> None:
        await peer.read_request()
        await peer.send(OK)
        await accept(peer)
        while not await peer.at_end():
            await peer.send(await peer.expect_bytes(4))

    s1 = await world.server("s1", answer_then_parrot)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await client.read_response()
        await client.send(UPGRADE)
        await client.expect_until(b"\r\n\r\n")
        for _ in range(20):
            await client.send(b"ping")
            await client.expect(b"ping")
            await trio.sleep(10.0)
        await client.close()
        await play.settle()
        assert (len(s1.peers), play.errors()) == (1, [None, None])
        assert play.records()[1].total_seconds == 200.0


async def test_what_either_side_said_early_goes_first(world: World) -> None:
    async def talkative(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(SWITCH + b"from the server")
        await peer.expect(b"from the client")
        await peer.send(b", and back")
        await peer.eof()

    s1 = await world.server("s1", talkative)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE + b"from the client")
        await client.expect_until(b"\r\n\r\n")
        await client.expect(b"from the server, and back")
        await client.close()


async def test_a_slow_switch_keeps_what_the_client_said_meanwhile(world: World) -> None:
    async def slow(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await trio.sleep(5.0)
        await peer.send(SWITCH)
        assert await peer.expect_rest() == b"early, late"
        await peer.send(b"bye")

    s1 = await world.server("s1", slow)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE + b"early")
        await client.expect_until(b"\r\n\r\n")
        await client.send(b", late")
        await client.send_eof()
        await client.expect(b"bye")
        await client.eof()


async def test_a_half_close_of_the_client_leaves_the_server_talking(world: World) -> None:
    async def last_word(peer: RawPeer) -> None:
        await accept(peer)
        assert await peer.expect_rest() == b"question"
        for _ in range(3):
            await trio.sleep(29.0)
            await peer.send(b"word")

    s1 = await world.server("s1", last_word)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE)
        await client.expect_until(b"\r\n\r\n")
        await client.send(b"question")
        await client.send_eof()
        assert await client.expect_rest() == b"word" * 3
        assert trio.current_time() == 3 * 29.0


async def test_a_half_close_of_the_server_leaves_the_client_talking(world: World) -> None:
    heard: list[bytes] = []

    async def listen(peer: RawPeer) -> None:
        await accept(peer)
        await peer.send_eof()
        heard.append(await peer.expect_rest())

    s1 = await world.server("s1", listen)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE)
        await client.expect_until(b"\r\n\r\n")
        await client.eof()
        for _ in range(3):
            await trio.sleep(29.0)
            await client.send(b"x" * 100_000)
        await client.close()
        await play.settle()
        assert [len(each) for each in heard] == [300_000]
        assert play.errors() == [None]


async def test_a_direction_left_alone_is_closed_after_thirty_silent_seconds(world: World) -> None:
    async def half_close(peer: RawPeer) -> None:
        await accept(peer)
        await peer.send_eof()
        await peer.expect_rest()

    s1 = await world.server("s1", patient(half_close))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE)
        await client.expect_until(b"\r\n\r\n")
        await until(lambda: bool(play.records()))
        assert play.records()[0].total_seconds == 30.0


async def test_a_slow_reader_of_a_half_closed_tunnel_gets_all_of_it(world: World) -> None:
    async def pour(peer: RawPeer) -> None:
        await accept(peer)
        await peer.send(b"y" * 300_000)
        await peer.eof()

    s1 = await world.server("s1", patient(pour))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE)
        head = await client.expect_until(b"\r\n\r\n")
        await client.send_eof()
        early = len(client.received) - len(head)
        late = await read_slowly(client, piece=1000, every_seconds=0.5)
        assert early + late == 300_000
        assert trio.current_time() == 150.0
        assert play.errors() == [None]


@pytest.mark.parametrize("kill", ["reset", "close"])
async def test_a_tunnel_killed_by_the_server_ends_the_client_within_a_second(
    world: World, kill: str
) -> None:
    async def die(peer: RawPeer) -> None:
        await accept(peer)
        await trio.sleep(10.0)
        await peer.send(b"last words")
        if kill == "reset":
            peer.reset()

    s1 = await world.server("s1", die)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE)
        await client.expect_until(b"\r\n\r\n")
        await client.expect(b"last words")
        if kill == "reset":
            await client.expect_reset()
        else:
            await client.eof()
        assert trio.current_time() == 10.0
        await client.close()
        await play.settle()
        assert play.server("s1").active_connections == 0


@pytest.mark.parametrize("kill", ["reset", "close"])
async def test_a_tunnel_killed_by_the_client_ends_the_server_within_a_second(
    world: World, kill: str
) -> None:
    ended: list[str] = []

    async def listen(peer: RawPeer) -> None:
        await accept(peer)
        try:
            await peer.expect(b"last words")
            await peer.eof()
            ended.append(f"end at {trio.current_time()}")
        except trio.BrokenResourceError:
            ended.append(f"reset at {trio.current_time()}")

    s1 = await world.server("s1", listen)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE)
        await client.expect_until(b"\r\n\r\n")
        await trio.sleep(10.0)
        await client.send(b"last words")
        if kill == "reset":
            client.reset()
        else:
            await client.close()
        await play.settle()
        assert ended == ["reset at 10.0" if kill == "reset" else "end at 10.0"]


async def test_a_silent_tunnel_ends_after_its_idle_time(world: World) -> None:
    async def listen(peer: RawPeer) -> None:
        await accept(peer)
        await peer.expect_rest()

    s1 = await world.server("s1", patient(listen))
    async with open_play(world, s1, timeouts=timeouts(tunnel_idle=100.0)) as play:
        client = await play.client()
        await client.send(UPGRADE)
        await client.expect_until(b"\r\n\r\n")
        await trio.sleep(60.0)
        await client.send(b"I am here")
        await until(lambda: bool(play.records()))
        assert play.records()[0].total_seconds == 160.0


async def test_a_refused_upgrade_is_plain_http(world: World) -> None:
    s1 = await world.http_server("s1")
    s1.answer = lambda request: answer_of(426, b"no", "Upgrade: websocket")
    async with open_play(world, s1) as play:
        client = await play.client()
        for _ in range(2):
            await client.send(UPGRADE)
            answer = await client.read_response()
            assert (answer.status, answer.body) == (426, b"no")
            assert answer.header("connection") == "upgrade", "it says what to ask for, and stays"
        assert len(s1.peers) == 1


@pytest.mark.parametrize(
    "switch",
    [
        SWITCH.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        SWITCH.replace(b"Connection: Upgrade\r\n", b""),
    ],
)
async def test_a_switch_to_something_else_is_a_502(world: World, switch: bytes) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(switch)
        await peer.expect_rest()

    s1 = await world.server("s1", patient(script))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE)
        assert (await client.read_response()).status == 502


async def test_a_switch_that_nobody_asked_for_is_a_502(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(SWITCH)
        await peer.expect_rest()

    s1 = await world.server("s1", patient(script))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(b"GET /chat HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.read_response()).status == 502


async def test_a_switch_reaches_a_client_whose_window_is_full(world: World) -> None:
    big = b"x" * (world.net.window_bytes - 100)

    async def script(peer: RawPeer) -> None:
        await peer.read_request()
        await peer.send(answer_of(200, big))
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(SWITCH + b"hello")
        await peer.expect_rest()

    s1 = await world.server("s1", patient(script))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + UPGRADE)
        await trio.sleep(5.0)
        assert (await client.read_response()).body == big
        assert (await client.expect_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        await client.expect(b"hello")
        await client.close()
