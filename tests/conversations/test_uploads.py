"""Requests with bodies: relayed as they come, answered early, refused, or made to wait."""

import pytest
import trio

from tests.conversations.play import (
    OK,
    answering,
    hang,
    limits,
    open_play,
    patient,
    quick_retries,
)
from tests.support.messages import Message
from tests.support.raw import RawPeer
from tests.support.servers import answer_of
from tests.support.world import World

HEAD = b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
EXPECTING = b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


def echo(request: Message) -> bytes:
    return answer_of(200, request.body)


@pytest.mark.parametrize("size", [1, 65536, 65537, 1_000_000])
async def test_a_body_reaches_the_server_whole(world: World, size: int) -> None:
    s1 = await world.http_server("s1")
    s1.answer = lambda request: answer_of(200, str(len(request.body)).encode())
    async with open_play(world, s1) as play:
        client = await play.client()
        head = b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
        await client.send(head + b"x" * size)
        answer = await client.read_response()
        assert answer.body == str(size).encode()
        assert s1.requests[0].body == b"x" * size


async def test_a_chunked_body_stays_chunked_and_keeps_its_trailers(world: World) -> None:
    s1 = await world.http_server("s1")
    s1.answer = echo
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(
            b"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"5;ext=1\r\nhello\r\n0\r\nX-Sum: 5\r\nContent-Length: 9\r\n\r\n"
        )
        assert (await client.read_response()).body == b"hello"
        request = s1.requests[0]
        assert request.header("content-length") is None
        assert request.trailers == [("X-Sum", "5")]


async def test_a_trickled_body_is_relayed_as_it_comes(world: World) -> None:
    s1 = await world.http_server("s1")
    s1.answer = echo
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        await client.send_slowly(b"hello", seconds_a_byte=59.0)
        answer = await client.read_response()
        assert (trio.current_time(), answer.body) == (5 * 59.0, b"hello")
        assert answer.header("connection") is None
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.read_response()).status == 200


async def test_an_early_answer_reaches_the_client_and_ends_its_connection(world: World) -> None:
    async def refuse_early(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(answer_of(413, b"too large"))
        await peer.expect_rest()

    s1 = await world.server("s1", patient(refuse_early))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(HEAD + b"x" * 50)
        answer = await client.read_response()
        # A client that pauses is waited for: the answer is looked for within 50 ms.
        assert (trio.current_time(), answer.status) == (0.05, 413)
        assert answer.header("connection") == "close"
        await client.send(b"x" * 99_950 + SMUGGLED)
        await client.expect_rest()
        await play.settle()
        assert [record.target for record in play.records()] == ["/up"]
        assert b"smuggled" not in b"".join(peer.received for peer in s1.peers)
        assert len(s1.peers) == 1


async def test_an_early_answer_followed_by_a_cut_still_reaches_the_client(world: World) -> None:
    async def refuse_and_leave(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(answer_of(401, b"who are you?"))

    s1 = await world.server("s1", refuse_and_leave)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(HEAD)
        await trio.sleep(1.0)
        answer = await client.read_response()
        assert (answer.status, answer.body) == (401, b"who are you?")
        assert play.server("s1").failures == 0


async def test_a_client_that_stops_sending_keeps_the_early_answer_that_goes_on(
    world: World,
) -> None:
    async def answer_early(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            await trio.sleep(5.0)
            await peer.send(b"5\r\nhello\r\n")
        await peer.send(b"0\r\n\r\n")

    s1 = await world.server("s1", patient(answer_early))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(HEAD + b"half")
        answer = await client.read_response()
        assert (trio.current_time(), answer.body) == (100.0, b"hello" * 20)
        assert answer.header("connection") == "close"
        await play.settle()
        assert play.errors() == [None]


async def test_a_hundred_continue_is_relayed_and_then_the_body(world: World) -> None:
    async def invite(peer: RawPeer) -> None:
        head = await peer.expect_until(b"\r\n\r\n")
        assert b"Expect: 100-continue\r\n" in head
        await trio.sleep(2.0)
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.expect(b"body")
        await peer.send(OK)
        await hang(peer)

    s1 = await world.server("s1", patient(invite))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(EXPECTING)
        assert (await client.read_response()).status == 100
        assert trio.current_time() == 2.0
        await client.send(b"body")
        answer = await client.read_response()
        assert (answer.status, answer.header("connection")) == (200, None)


async def test_a_server_that_never_invites_is_blamed_and_not_the_client_that_waits(
    world: World,
) -> None:
    s1 = await world.server("s1", patient(hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(EXPECTING)
        answer = await client.read_response()
        assert (trio.current_time(), answer.status) == (30.0, 504)
        assert play.errors() == ["upstream_timeout"]
        assert play.server("s1").failures == 1


@pytest.mark.parametrize("invitation", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_once_the_server_invites_or_the_body_comes_the_client_has_its_own_time(
    world: World, invitation: bytes
) -> None:
    async def listen(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(invitation)
        await peer.expect(b"body")
        await peer.send(OK)
        await hang(peer)

    s1 = await world.server("s1", patient(listen))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(EXPECTING)
        if invitation:
            assert (await client.read_response()).status == 100
        else:
            await trio.sleep(20.0)
            await client.send(b"b")
        await trio.sleep(50.0)
        await client.send(b"body" if invitation else b"ody")
        assert (await client.read_response()).status == 200
        assert trio.current_time() == (50.0 if invitation else 70.0)


async def test_a_refused_expectation_ends_the_connection_without_the_body(world: World) -> None:
    async def refuse(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(answer_of(417))
        await peer.expect_rest()

    s1 = await world.server("s1", patient(refuse))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(EXPECTING)
        answer = await client.read_response()
        assert (answer.status, answer.header("connection")) == (417, "close")
        await client.send(SMUGGLED)
        await client.expect_rest()
        await play.settle()
        assert len(play.records()) == 1


async def test_an_expectation_of_http_1_0_is_ignored(world: World) -> None:
    s1 = await world.http_server("s1")
    s1.answer = echo
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(EXPECTING.replace(b"1.1", b"1.0", 1) + b"body")
        assert (await client.read_response()).body == b"body"
        assert s1.requests[0].header("expect") is None


async def test_a_declared_body_above_the_limit_is_refused_before_it_comes(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, limits=limits(body_size=1000)) as play:
        client = await play.client()
        await client.send(HEAD)
        answer = await client.read_response()
        assert (answer.status, answer.header("connection")) == (413, "close")
        await client.send(SMUGGLED)
        await client.expect_rest()
        assert s1.peers == []
        assert play.errors() == ["content_too_large"]


async def test_a_chunked_body_above_the_limit_is_cut_off_at_the_server(world: World) -> None:
    received: list[bytes] = []

    async def listen(peer: RawPeer) -> None:
        try:
            await peer.expect_rest()
        except trio.BrokenResourceError:
            received.append(bytes(peer.received))

    s1 = await world.server("s1", listen)
    async with open_play(world, s1, limits=limits(body_size=1000)) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(11):
            await trio.sleep(1.0)
            await client.send(b"64\r\n" + b"x" * 100 + b"\r\n")
        answer = await client.read_response()
        assert (trio.current_time(), answer.status) == (11.0, 413)
        await play.settle()
        assert received[0].count(b"64\r\n") == 10


async def test_a_malformed_chunk_is_a_400_and_the_request_never_ends(world: World) -> None:
    received: list[bytes] = []

    async def listen(peer: RawPeer) -> None:
        try:
            await peer.expect_rest()
        except trio.BrokenResourceError:
            received.append(bytes(peer.received))

    s1 = await world.server("s1", listen)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        await trio.sleep(1.0)
        await client.send(b"5\r\nhello\r\nxyz\r\n0\r\n\r\n" + SMUGGLED)
        answer = await client.read_response()
        assert (answer.status, answer.header("connection")) == (400, "close")
        await client.expect_rest()
        await play.settle()
        assert len(play.records()) == 1
        assert b"\r\n0\r\n" not in received[0]


@pytest.mark.parametrize("max_forwards", [b"OPTIONS * HTTP/1.1", b"OPTIONS / HTTP/1.1"])
async def test_a_body_that_nobody_wants_is_never_read_as_a_request(
    world: World, max_forwards: bytes
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(
            max_forwards + b"\r\nHost: a\r\nMax-Forwards: 0\r\nContent-Length: 100000\r\n\r\n"
        )
        answer = await client.read_response()
        assert (answer.status, answer.header("connection")) == (200, "close")
        await client.send(SMUGGLED)
        await client.expect_rest()
        assert s1.peers == []
        assert len(play.records()) == 1


async def test_a_small_body_is_sent_again_to_another_server(world: World) -> None:
    s1 = await world.server("s1", answering())
    s2 = await world.http_server("s2")
    s2.answer = echo
    async with open_play(world, s1, s2, retry=quick_retries()) as play:
        client = await play.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n")
        await client.send(b"x" * 65536)
        assert (await client.read_response()).body == b"x" * 65536


async def test_a_large_body_is_not_sent_again(world: World) -> None:
    async def take_and_leave(peer: RawPeer) -> None:
        await peer.expect_bytes(150_000)
        peer.reset()

    s1 = await world.server("s1", take_and_leave)
    s2 = await world.http_server("s2")
    async with open_play(world, s1, s2, retry=quick_retries()) as play:
        client = await play.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
        await client.send(b"x" * 200_000)
        assert (await client.read_response()).status == 502
        assert s2.peers == []
