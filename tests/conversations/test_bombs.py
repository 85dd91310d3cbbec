"""What never ends, or is much too large: refused at a bound, in bounded memory, by name."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import pytest
import trio

from tests.conversations.play import LAST_GET, OK, answering, open_play, timeouts
from tests.support.raw import RawClient, RawPeer
from tests.support.world import World

MOST_BYTES: int = 3 * 1024 * 1024
"""What a bomb may cost at its worst moment, both ends of the virtual wire included."""

UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def bounded_memory(most_bytes: int = MOST_BYTES) -> Iterator[None]:
    """Fail when the block ever holds more than so much beside what was there before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < most_bytes, f"{(peak - before) >> 10} KiB"


@attrs.define
class Bomb:
    """Bytes without an end, and how many of them were taken."""

    begins: bytes
    piece: bytes
    pause_seconds: float = 0.0
    taken: int = 0
    most: int = 64 * 1024 * 1024

    async def drop(self, peer: RawPeer) -> None:
        """Send until the other side has had enough."""
        try:
            await peer.send(self.begins)
            while self.taken < self.most:
                await peer.send(self.piece)
                self.taken += len(self.piece)
                await trio.sleep(self.pause_seconds)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def script(self, peer: RawPeer) -> None:
        """As a server: after one request."""
        await peer.read_request()
        await self.drop(peer)


async def throw(client: RawClient, bomb: Bomb, nursery: trio.Nursery) -> int:
    """Send the bomb and read the answer meanwhile; return its status."""
    nursery.start_soon(bomb.drop, client)
    answer = await client.read_response()
    assert answer.header("connection") == "close"
    return answer.status


@pytest.mark.parametrize(
    ("bomb", "status", "most_taken"),
    [
        (Bomb(b"GET /", b"a" * 4096), 414, 200_000),
        (Bomb(b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a" * 4096), 431, 200_000),
        (Bomb(b"GET / HTTP/1.1\r\nHost: a\r\n", b"X: a\r\n" * 100), 431, 200_000),
        (Bomb(b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a" * 7), 431, 34_000),
        (Bomb(b"", b"\r\n" * 2048), 400, 200_000),
        (Bomb(UPLOAD, b"1;x=" + b"y" * 4000 + b"\r\na\r\n"), 400, 200_000),
        (Bomb(UPLOAD + b"1;", b"y" * 4000), 400, 200_000),
        (Bomb(UPLOAD + b"1;a=\"", b"y"), 400, 6_000),
        (Bomb(UPLOAD + b"0\r\n", b"X: a\r\n" * 500), 400, 200_000),
        (Bomb(UPLOAD + b"0\r\nX: ", b"a" * 3000), 400, 200_000),
    ],
    ids=[
        "target", "field", "fields", "field in tiny pieces", "empty lines", "extensions",
        "extension", "extension byte by byte", "trailers", "trailer",
    ],
)  # fmt: skip
async def test_a_request_without_an_end_is_refused(
    world: World, bomb: Bomb, status: int, most_taken: int
) -> None:
    s1 = await world.http_server("s1")
    bomb = attrs.evolve(bomb, taken=0)
    async with open_play(world, s1) as play:
        client = await play.client()
        with bounded_memory():
            async with trio.open_nursery() as nursery:
                assert await throw(client, bomb, nursery) == status
                await client.close()
        assert bomb.taken < most_taken
        assert s1.requests == [], "nobody got it as a whole"
        assert (await play.ask()).status == 200


async def test_empty_lines_that_trickle_are_cut_like_a_head_that_does(world: World) -> None:
    s1 = await world.http_server("s1")
    bomb = Bomb(b"", b"\r\n", pause_seconds=0.5)
    async with open_play(world, s1) as play:
        client = await play.client()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bomb.drop, client)
            with trio.fail_after(80.0):
                await client.expect_rest()
            await client.close()
        assert trio.current_time() <= 10.0 + 1.0, "client_head, and not a line's time each"


@pytest.mark.parametrize(
    ("bomb", "most_taken"),
    [
        (Bomb(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), 200_000),
        (Bomb(b"", b"HTTP/1.1 103 Early Hints\r\nLink: " + b"a" * 3000 + b"\r\n\r\n"), 300_000),
        (Bomb(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 4096), 200_000),
        (Bomb(b"HTTP/1.1 200 OK\r\n", b"X: a\r\n" * 100), 200_000),
        (Bomb(b"HTTP/1.1 200 ", b"a" * 7), 34_000),
    ],
    ids=["interim", "large interim", "field", "fields", "reason in tiny pieces"],
)
async def test_a_head_without_an_end_is_the_server_s_fault(
    world: World, bomb: Bomb, most_taken: int
) -> None:
    bomb = attrs.evolve(bomb, taken=0)
    s1 = await world.server("s1", bomb.script)
    async with open_play(world, s1) as play:
        client = await play.client()
        with bounded_memory():
            await client.send(LAST_GET)
            while (answer := await client.read_response()).status < 200:
                pass
            await client.close()
        assert answer.status == 502
        assert bomb.taken < most_taken
        assert play.errors() == ["upstream_bad_response"]


@pytest.mark.parametrize(
    "bomb",
    [
        Bomb(CHUNKED, b"1;x=" + b"y" * 4000 + b"\r\na\r\n"),
        Bomb(CHUNKED + b"5\r\nhello\r\n1;", b"y" * 4000),
        Bomb(CHUNKED + b"5\r\nhello\r\n0\r\n", b"X: a\r\n" * 500),
        Bomb(CHUNKED + b"5\r\nhello\r\n0\r\nX: ", b"a" * 3000),
    ],
    ids=["extensions", "extension", "trailers", "trailer"],
)
async def test_coding_without_an_end_is_never_taken_for_a_complete_answer(
    world: World, bomb: Bomb
) -> None:
    bomb = attrs.evolve(bomb, taken=0)
    s1 = await world.server("s1", bomb.script)
    async with open_play(world, s1) as play:
        client = await play.client()
        with bounded_memory():
            await client.send(LAST_GET)
            told = await _everything(client)
            await client.close()
        assert not told.endswith(b"0\r\n\r\n")
        assert bomb.taken < 200_000
        assert play.errors() in (["upstream_truncated"], ["upstream_bad_response"])


async def _everything(client: RawClient) -> bytes:
    try:
        return await client.expect_rest()
    except trio.BrokenResourceError:
        return bytes(client.received)


async def test_a_hundred_thousand_chunks_of_one_byte_are_passed_on_in_bounded_memory(
    world: World,
) -> None:
    chunks = b"1\r\nx\r\n" * 10_000
    s1 = await world.server("s1", answering(CHUNKED, *[chunks] * 10, b"0\r\n\r\n"))
    async with open_play(world, s1) as play:
        client = await play.client()
        with bounded_memory():
            await client.send(LAST_GET)
            await client.expect_until(b"\r\n\r\n")
            size = 0
            while piece := await client.stream.receive_some(65536):
                size += len(piece)
        assert size + len(client.received) >= len(chunks) * 10
        await client.close()


async def test_a_server_that_talks_on_after_its_answer_is_cut_off(world: World) -> None:
    bomb = Bomb(OK, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nforged it")
    s1 = await world.server("s1", bomb.script)
    async with open_play(world, s1, timeouts=timeouts(upstream_keep_alive=4.0)) as play:
        with bounded_memory():
            answer = await play.ask()
            await trio.sleep(1.0)
        assert answer.body == b"ok"
        assert bomb.taken < 300_000
