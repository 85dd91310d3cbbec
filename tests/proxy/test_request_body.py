"""The client's body: kept while it is small, streamed when it is large, bounded always."""

from collections.abc import Sequence

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.net.wires import inbox_of, split
from trio_lb.model.message import Framing, Length, Unsized
from trio_lb.net.body import BodyRefused
from trio_lb.proxy.request_body import RequestBody

CODED = b"4\r\nbody\r\n4\r\nmore\r\n0\r\n\r\n"


def body_of(
    *pieces: bytes,
    framing: Framing | None = None,
    replay_limit: int = 100,
    limit: int | None = None,
) -> RequestBody:
    shape = framing or Length(len(b"".join(pieces)))
    return RequestBody(inbox_of(*pieces), shape, replay_limit=replay_limit, limit=limit)


async def drain(body: RequestBody) -> bytes:
    out = b""
    while not body.ended:
        out += await body.receive()
    return out


async def test_a_request_without_a_body_has_ended_before_it_began() -> None:
    body = body_of(framing=Unsized.NO_BODY)
    assert (body.ended, body.so_far(), body.size, body.is_replayable) == (True, b"", 0, True)
    assert await body.receive() == b""


async def test_a_small_body_is_kept_whole() -> None:
    body = body_of(b"hello, ", b"world")
    assert await drain(body) == b"hello, world"
    assert (body.so_far(), body.is_replayable, body.size) == (b"hello, world", True, 12)


async def test_a_large_body_is_streamed_and_forgotten() -> None:
    body = body_of(b"x" * 60, b"y" * 60, replay_limit=100)
    assert await body.receive() == b"x" * 60
    assert body.is_replayable
    assert await body.receive() == b"y" * 60
    assert not body.is_replayable
    assert body.size == 120


async def test_a_body_of_just_the_limit_is_kept() -> None:
    body = body_of(b"x" * 50, b"y" * 50, replay_limit=100)
    await drain(body)
    assert body.is_replayable


async def test_what_was_kept_of_chunks_ends_with_the_last_chunk() -> None:
    body = body_of(CODED, framing=Unsized.CHUNKED)
    await body.gather(Unsized.CHUNKED, 0.0)
    assert not body.ended, "nothing was there yet, and chunks are not awaited"
    assert await drain(body) == CODED
    assert body.so_far() == CODED


async def test_gathering_waits_a_moment_for_a_small_body_of_known_length() -> None:
    body = body_of(b"hel", b"lo")
    await body.gather(Length(5), 1.0)
    assert body.ended
    assert body.so_far() == b"hello"


@pytest.mark.parametrize(
    ("framing", "replay_limit", "patience_seconds"),
    [(Length(5), 4, 1.0), (Unsized.CHUNKED, 100, 1.0), (Length(5), 100, 0.0)],
)
async def test_gathering_does_not_wait_for_what_is_large_unknown_or_not_to_be_awaited(
    framing: Framing, replay_limit: int, patience_seconds: float
) -> None:
    body = body_of(b"hello", framing=framing, replay_limit=replay_limit)
    await body.gather(framing, patience_seconds)
    assert (body.ended, body.size) == (False, 0)


async def test_gathering_takes_what_is_here_of_a_large_body() -> None:
    body = body_of(b"lo", framing=Length(5), replay_limit=2)
    body._source._inbox.data = b"hel"
    await body.gather(Length(5), 1.0)
    assert (body.so_far(), body.ended) == (b"hel", False)
    assert await body.receive() == b"lo"


@pytest.mark.parametrize("limit", [0, 7])
async def test_a_body_above_its_limit_is_refused_where_it_shows(limit: int) -> None:
    body = body_of(CODED[:9], CODED[9:], framing=Unsized.CHUNKED, limit=limit)
    with pytest.raises(BodyRefused) as caught:
        await drain(body)
    assert caught.value.reject.status == 413


async def test_a_body_at_its_limit_is_not() -> None:
    body = body_of(CODED, framing=Unsized.CHUNKED, limit=8)
    assert await drain(body) == CODED


@given(st.lists(st.integers(0, len(CODED)), max_size=6), st.integers(0, 30))
def test_whatever_was_sent_once_or_is_kept_is_the_body(cuts: list[int], replay_limit: int) -> None:
    sent, kept = trio.run(_send_once, split(CODED, cuts), replay_limit)
    assert sent == CODED
    assert kept in (None, CODED)


async def _send_once(pieces: Sequence[bytes], replay_limit: int) -> tuple[bytes, bytes | None]:
    body = body_of(*pieces, framing=Unsized.CHUNKED, replay_limit=replay_limit)
    await body.gather(Unsized.CHUNKED, 0.0)
    sent = body.so_far() + await drain(body)
    return sent, body.so_far() if body.is_replayable else None
