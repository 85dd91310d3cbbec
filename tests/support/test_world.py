"""Worlds, raw peers and servers, acted out on both networks without a proxy between them."""

import pytest
import trio

from tests.support.raw import RawPeer
from tests.support.servers import answer_of
from tests.support.stage import LoopbackStage, VirtualStage
from tests.support.world import World, open_world
from trio_lb.net.env import ConnectError
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_server_answers_with_its_name_and_keeps_what_it_was_sent(any_world: World) -> None:
    s1 = await any_world.http_server("s1")
    client = await any_world.client(s1.address)
    for _ in range(2):
        await client.send(GET)
        response = await client.read_response()
        assert (response.status, response.body) == (200, b"s1")
    assert [request.target for request in s1.requests] == ["/a", "/a"]
    assert [bytes(peer.received) for peer in s1.peers] == [GET + GET]


async def test_a_server_closes_when_it_is_asked_to(any_world: World) -> None:
    s1 = await any_world.http_server("s1")
    client = await any_world.client(s1.address)
    await client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await client.read_response()).status == 200
    await client.eof()


async def test_a_server_s_answer_can_be_chosen(any_world: World) -> None:
    s1 = await any_world.http_server("s1")
    s1.answer = lambda request: answer_of(503, request.body, "Retry-After: 7")
    client = await any_world.client(s1.address)
    await client.send(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody")
    response = await client.read_response()
    assert (response.status, response.body, response.header("retry-after")) == (503, b"body", "7")


async def test_an_empty_answer_closes_the_connection(any_world: World) -> None:
    s1 = await any_world.http_server("s1")
    s1.answer = lambda request: b""
    client = await any_world.client(s1.address)
    await client.send(GET)
    await client.eof()


async def test_a_server_follows_its_script(any_world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.expect(b"hello")
        await peer.send(b"half an ans")
        peer.reset()

    server = await any_world.server("s1", script)
    client = await any_world.client(server.address)
    await client.send(b"hello")
    await client.expect(b"half an ans")
    await client.expect_reset()


async def test_half_closes_pass_both_ways(any_world: World) -> None:
    async def script(peer: RawPeer) -> None:
        assert await peer.expect_rest() == b"question"
        await peer.send(b"answer")

    server = await any_world.server("s1", script)
    client = await any_world.client(server.address)
    await client.send(b"question")
    await client.send_eof()
    await client.expect(b"answer")
    await client.eof()


async def test_a_chunked_body_is_read_with_its_trailers(any_world: World) -> None:
    async def script(peer: RawPeer) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        await peer.send(head + b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 6\r\n\r\nnext")

    server = await any_world.server("s1", script)
    client = await any_world.client(server.address)
    response = await client.read_response()
    assert (response.body, response.trailers) == (b"hello!", [("X-Sum", "6")])
    await client.expect(b"next")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 100)])
async def test_a_response_without_a_body_ends_with_its_head(
    any_world: World, method: str, status: int
) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.send(f"HTTP/1.1 {status} X\r\nContent-Length: 9\r\n\r\nnext".encode())

    server = await any_world.server("s1", script)
    client = await any_world.client(server.address)
    response = await client.read_response(method)
    assert (response.status, response.body) == (status, b"")
    await client.expect(b"next")


async def test_a_body_without_a_length_lasts_until_the_end(any_world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")

    server = await any_world.server("s1", script)
    client = await any_world.client(server.address)
    assert (await client.read_response()).body == b"until the end"


async def test_a_crashed_server_resets_and_refuses(any_world: World) -> None:
    s1 = await any_world.http_server("s1")
    client = await any_world.client(s1.address)
    await client.send(GET)
    await client.read_response()
    await s1.crash()
    await client.expect_reset()
    with pytest.raises(ConnectError) as caught:
        await any_world.client(s1.address)
    assert caught.value.refused


async def test_a_server_that_stops_listening_keeps_its_connections(any_world: World) -> None:
    s1 = await any_world.http_server("s1")
    client = await any_world.client(s1.address)
    await client.send(GET)
    await client.read_response()
    await s1.stop_listening()
    await client.send(GET)
    assert (await client.read_response()).body == b"s1"


async def test_expecting_something_else_fails_and_says_what_came(any_world: World) -> None:
    s1 = await any_world.http_server("s1")
    client = await any_world.client(s1.address)
    await client.send(GET)
    with pytest.raises(AssertionError, match=r"client#1 expected b'HTTP/1.0 .*HTTP/1.1"):
        await client.expect(b"HTTP/1.0 200 OK")


async def test_expecting_more_than_comes_fails_and_says_where_it_ended(any_world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")

    server = await any_world.server("s1", script)
    client = await any_world.client(server.address)
    with pytest.raises(AssertionError, match="expected '100 bytes', but it ended after b'short'"):
        await client.read_response()


async def test_an_orderly_end_is_no_reset_and_bytes_are_no_end(any_world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.send(b"bytes")

    server = await any_world.server("s1", script)
    first, second = await any_world.client(server.address), await any_world.client(server.address)
    with pytest.raises(AssertionError, match="expected a reset, but an orderly end came"):
        await first.expect_reset()
    with pytest.raises(AssertionError, match="expected the end, but b'bytes' came"):
        await second.eof()


async def test_thinking_and_trickling_take_virtual_time(world: World) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 2.0
    world.front = s1.address
    world.net.link("client", "s1").set_latency(0.0)
    client = await world.client()
    await client.send_slowly(GET, seconds_a_byte=0.5)
    await client.read_response()
    assert trio.current_time() == 0.5 * len(GET) + 2.0


async def test_the_virtual_world_has_the_handles_of_a_simulation(world: World) -> None:
    s1 = await world.http_server("s1")
    assert isinstance(world.env, SimEnv)
    assert world.sim is world.env
    assert world.link("s1") is world.net.link("s1", "lb")
    assert world.net.host_at(s1.address.host) is world.net.host("s1")


async def test_the_loopback_world_has_none() -> None:
    async with open_world(LoopbackStage()) as world:
        with pytest.raises(AssertionError, match="no switches for faults"):
            _ = world.net


async def test_a_failing_script_fails_the_play(net: VirtualNetwork) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.expect(b"this")

    with pytest.RaisesGroup(
        pytest.RaisesExc(AssertionError, match="s1#1 expected b'this', but b'that' came"),
        flatten_subgroups=True,
    ):
        async with open_world(VirtualStage(net)) as world:
            server = await world.server("s1", script)
            client = await world.client(server.address)
            await client.send(b"that")
            await trio.sleep_forever()


async def test_a_play_in_which_everybody_waits_fails_instead_of_hanging(
    net: VirtualNetwork,
) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(AssertionError, match="has not ended after 21600 s")):
        async with open_world(VirtualStage(net)):
            await trio.sleep_forever()
