"""An answer that was cut short is never taken for a complete one, whatever its framing."""

import contextlib

import pytest
import trio

from tests.conversations.play import GET, OLD_GET, answering, hang, open_play, reset
from tests.support.raw import RawClient
from tests.support.world import World

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
MID_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nhalf"

ENDS = [
    pytest.param(LENGTH, False, id="short of its length, FIN"),
    pytest.param(LENGTH, True, id="short of its length, RST"),
    pytest.param(CHUNKED, False, id="no last chunk, FIN"),
    pytest.param(CHUNKED, True, id="no last chunk, RST"),
    pytest.param(MID_CHUNK, False, id="half a chunk, FIN"),
    pytest.param(UNTIL_CLOSE, True, id="no length, RST"),
]


@pytest.mark.parametrize(("part", "broken"), ENDS)
async def test_a_client_of_1_1_sees_that_the_end_is_missing(
    world: World, part: bytes, broken: bool
) -> None:
    s1 = await world.server("s1", answering(part, then=reset if broken else None))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        received = await _until_the_end(client)
        assert b"half" in received
        assert not received.endswith(b"0\r\n\r\n")
        assert (b"Content-Length: 10\r\n" in received) != (b"chunked" in received)
        await play.settle()
        assert play.errors() == ["upstream_truncated"]
        assert play.server("s1").failures == 1


@pytest.mark.parametrize(("part", "broken"), ENDS)
async def test_a_client_of_1_0_sees_a_reset(world: World, part: bytes, broken: bool) -> None:
    s1 = await world.server("s1", answering(part, then=reset if broken else None))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(OLD_GET)
        await client.expect_reset()
        assert b"chunked" not in client.received
        await play.settle()
        assert play.errors() == ["upstream_truncated"]


async def _until_the_end(client: RawClient) -> bytes:
    with contextlib.suppress(trio.BrokenResourceError):
        await client.expect_rest()
    return bytes(client.received)


async def test_a_body_that_lasts_until_the_end_is_complete_at_the_end(world: World) -> None:
    s1 = await world.server("s1", answering(UNTIL_CLOSE))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        answer = await client.read_response()
        assert (answer.body, answer.header("transfer-encoding")) == (b"half", "chunked")
        assert answer.header("connection") is None
        old = await play.client()
        await old.send(OLD_GET)
        assert (await old.read_response()).body == b"half"
        assert play.errors() == [None, None]


async def test_a_chunked_answer_reaches_a_client_of_1_0_bare(world: World) -> None:
    whole = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nhalf\r\n0\r\nT: t\r\n\r\n"
    )
    s1 = await world.server("s1", answering(whole, then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(OLD_GET)
        answer = await client.read_response()
        assert (answer.body, answer.header("transfer-encoding")) == (b"half", None)
        await client.eof()


BAD_BODY = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"


async def test_a_body_that_is_malformed_from_its_first_byte_is_a_502(world: World) -> None:
    s1 = await world.server("s1", answering(BAD_BODY, then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        assert (await client.read_response()).status == 502
        assert play.errors() == ["upstream_bad_response"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
    ],
)
async def test_an_answer_that_is_none_is_a_502_and_the_connection_is_dropped(
    world: World, answer: bytes
) -> None:
    s1 = await world.server("s1", answering(answer, then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        for _ in range(2):
            await client.send(GET)
            assert (await client.read_response()).status == 502
        assert len(s1.peers) == 2
        assert play.errors() == ["upstream_bad_response"] * 2
