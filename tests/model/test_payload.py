"""A body as programs handle it: whole, or in pieces that come once."""

from collections.abc import AsyncGenerator

import pytest
import trio

from trio_lb.model.payload import Payload


async def pieces(*parts: bytes) -> AsyncGenerator[bytes, None]:
    for part in parts:
        await trio.lowlevel.checkpoint()
        yield part


async def test_all_bytes_may_be_read_and_iterated_again_and_again() -> None:
    payload = Payload(b"all")
    for _ in range(2):
        assert await payload.read() == b"all"
        assert [piece async for piece in payload] == [b"all"]


async def test_nothing_has_no_pieces() -> None:
    assert [piece async for piece in Payload(b"")] == []


async def test_pieces_come_one_by_one() -> None:
    assert [piece async for piece in Payload(pieces(b"a", b"b"))] == [b"a", b"b"]


async def test_what_was_read_is_kept() -> None:
    payload = Payload(pieces(b"a", b"b"))
    assert await payload.read() == b"ab"
    assert payload.body == b"ab"
    assert [piece async for piece in payload] == [b"ab"]


async def test_pieces_that_were_taken_can_not_be_had_again() -> None:
    source = pieces(b"a")
    payload = Payload(source)
    assert [piece async for piece in payload] == [b"a"]
    with pytest.raises(RuntimeError, match="streamed already"):
        await payload.read()


async def test_another_body_may_be_made_of_the_first_one_s_pieces() -> None:
    payload = Payload(pieces(b"a", b"b"))
    source = aiter(payload)

    async def louder() -> AsyncGenerator[bytes, None]:
        async for piece in source:
            yield piece.upper()

    payload.body = louder()
    assert await payload.read() == b"AB"


async def test_closing_happens_once_and_a_block_closes() -> None:
    closed: list[str] = []

    async def close() -> None:
        await trio.lowlevel.checkpoint()
        closed.append("closed")

    async with Payload(b"", close) as payload:
        assert closed == []
    await payload.aclose()
    assert closed == ["closed"]


async def test_closing_ends_the_generator_that_a_body_comes_from() -> None:
    left: list[str] = []

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"a"
        finally:
            left.append("closed")

    async with Payload(endless()) as payload:
        assert await anext(aiter(payload)) == b"a"
    assert left == ["closed"]


async def test_a_body_of_bytes_may_be_left_in_its_middle() -> None:
    async for piece in Payload(b"all"):
        assert piece == b"all"
        break
