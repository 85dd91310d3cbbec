"""Bodies: one law for every framing, however the bytes come in pieces."""

from collections.abc import Sequence

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.net.wires import Recorded, inbox_of, split
from trio_lb.model.message import Framing, Length, Unsized
from trio_lb.net.body import LAST_CHUNK, BodyCut, BodyRefused, BodySource, open_body
from trio_lb.net.inbox import LARGEST_READ, Inbox

CHUNKED = Unsized.CHUNKED
UNTIL_CLOSE = Unsized.UNTIL_CLOSE
NO_BODY = Unsized.NO_BODY


async def read_all(source: BodySource) -> bytes:
    """The pieces and the tail, as a writer would send them."""
    out: list[bytes] = []
    await read_into(out, source)
    return b"".join(out) + source.tail()


async def read_into(out: list[bytes], source: BodySource) -> None:
    """The pieces, kept even when there is no end."""
    while not source.at_end():
        out.append(await source.receive())


async def read(
    pieces: Sequence[bytes], framing: Framing, *, wire: bool = True
) -> tuple[bytes, BodySource, Inbox]:
    inbox = inbox_of(*pieces)
    source = open_body(inbox, framing, wire=wire)
    return await read_all(source), source, inbox


def run_law(pieces: Sequence[bytes], framing: Framing, *, wire: bool) -> tuple[bytes, int, bytes]:
    """Read in a loop of its own, for laws that Hypothesis repeats."""
    out, source, inbox = trio.run(_read, pieces, framing, wire)
    return out, source.size, inbox.data


async def _read(
    pieces: Sequence[bytes], framing: Framing, wire: bool
) -> tuple[bytes, BodySource, Inbox]:
    return await read(pieces, framing, wire=wire)


CODED = b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 6\r\n\r\n"

TABLE = [
    (NO_BODY, True, b"next", b"", b"next"),
    (Length(5), True, b"hellonext", b"hello", b"next"),
    (CHUNKED, True, CODED + b"next", b"5\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 6\r\n\r\n", b"next"),
    (CHUNKED, False, CODED + b"next", b"hello!", b"next"),
    (CHUNKED, True, b"0\r\n\r\n", LAST_CHUNK, b""),
    (UNTIL_CLOSE, True, b"hello", b"5\r\nhello\r\n0\r\n\r\n", b""),
    (UNTIL_CLOSE, False, b"hello", b"hello", b""),
    (UNTIL_CLOSE, True, b"", LAST_CHUNK, b""),
]


@pytest.mark.parametrize(("framing", "wire", "data", "out", "rest"), TABLE)
async def test_a_body_is_passed_on_in_the_next_hop_s_coding(
    framing: Framing, wire: bool, data: bytes, out: bytes, rest: bytes
) -> None:
    got, _, inbox = await read([data], framing, wire=wire)
    if framing is NO_BODY:
        await inbox.fill()
    assert (got, inbox.data) == (out, rest)


def payload_of(coded: bytes) -> bytes:
    """Undo chunked coding, as a reader apart from the product does it."""
    payload = b""
    while True:
        size, _, coded = coded.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return payload
        payload, coded = payload + coded[:length], coded[length + 2 :]


CUTS = st.lists(st.integers(0, 80), max_size=8)


@given(CUTS)
def test_every_split_of_a_length_reads_the_same(cuts: list[int]) -> None:
    assert run_law(split(b"hello world, next", cuts), Length(11), wire=True)[:2] == (
        b"hello world",
        11,
    )


@given(CUTS, st.booleans())
def test_every_split_of_chunks_reads_the_same(cuts: list[int], wire: bool) -> None:
    out, size, _ = run_law(split(CODED, cuts), CHUNKED, wire=wire)
    assert (payload_of(out) if wire else out, size) == (b"hello!", 6)
    assert not wire or out.endswith(b"\r\n0\r\nX-Sum: 6\r\n\r\n")


@given(st.lists(st.binary(max_size=30), max_size=6), st.booleans())
def test_a_body_until_the_end_is_all_that_came(pieces: list[bytes], wire: bool) -> None:
    out, size, _ = run_law(pieces, UNTIL_CLOSE, wire=wire)
    whole = b"".join(pieces)
    assert (payload_of(out) if wire else out, size) == (whole, len(whole))


@pytest.mark.parametrize(
    ("framing", "data"),
    [
        (Length(5), b"hell"),
        (Length(5), b""),
        (CHUNKED, b"5\r\nhell"),
        (CHUNKED, b"5\r\nhello\r\n"),
        (CHUNKED, b"5\r\nhello\r\n0\r\n"),
        (CHUNKED, b""),
    ],
)
async def test_an_early_end_is_a_cut(framing: Framing, data: bytes) -> None:
    source = open_body(inbox_of(data), framing)
    with pytest.raises(BodyCut):
        await read_all(source)
    assert not source.at_end()


@pytest.mark.parametrize("wire", [True, False])
@pytest.mark.parametrize(("framing", "data"), [(Length(11), b"hello world"), (CHUNKED, CODED)])
async def test_an_end_at_any_offset_is_a_cut_and_what_came_is_passed_on(
    framing: Framing, data: bytes, wire: bool
) -> None:
    whole, _, _ = await read([data], framing, wire=wire)
    for size in range(len(data)):
        source = open_body(inbox_of(data[:size]), framing, wire=wire)
        out: list[bytes] = []
        with pytest.raises(BodyCut):
            await read_into(out, source)
        assert whole.startswith(b"".join(out))
        assert (source.at_end(), source.size <= 11) == (False, True)


@given(st.lists(st.integers(0, 40), max_size=4), st.integers(0, len(CODED) - 1))
def test_a_cut_in_chunks_never_looks_like_their_end(cuts: list[int], size: int) -> None:
    with pytest.raises(BodyCut):
        run_law(split(CODED[:size], cuts), CHUNKED, wire=True)


@pytest.mark.parametrize("framing", [Length(5), CHUNKED, UNTIL_CLOSE])
async def test_a_reset_is_told(framing: Framing) -> None:
    source = open_body(inbox_of(b"5\r\n", broken=True), framing)
    with pytest.raises(trio.BrokenResourceError):
        await read_all(source)


async def test_a_malformed_chunk_is_refused_with_its_reason() -> None:
    source = open_body(inbox_of(b"xyz\r\n"), CHUNKED)
    with pytest.raises(BodyRefused, match=r"begin with its size|size line") as caught:
        await read_all(source)
    assert caught.value.reject.status == 400


FORBIDDEN = [b"Content-Length: 9", b"Host: b", b"Set-Cookie: a=b", b"X-Forwarded-For: evil",
             b"Authorization: x", b"transfer-encoding: x", b"X-Real-IP: 1"]  # fmt: skip


@pytest.mark.parametrize("field", FORBIDDEN)
async def test_a_trailer_that_would_steer_something_is_dropped(field: bytes) -> None:
    out, _, _ = await read([b"0\r\nGood: 1\r\n" + field + b"\r\n\r\n"], CHUNKED)
    assert out == b"0\r\nGood: 1\r\n\r\n"


async def test_a_trailer_that_the_head_nominated_stays_here() -> None:
    inbox = inbox_of(b"0\r\nGood: 1\r\nX-Hop: 1\r\n\r\n")
    source = open_body(inbox, CHUNKED, nominated=frozenset({b"x-hop"}))
    assert await read_all(source) == b"0\r\nGood: 1\r\n\r\n"


async def test_a_body_of_known_length_is_read_in_large_pieces_from_the_start() -> None:
    stream = Recorded([bytes(1_000_000)])
    inbox = Inbox(stream, 4096)
    inbox.data = bytes(100)
    assert len(await read_all(open_body(inbox, Length(900_100)))) == 900_100
    assert stream.asked == [LARGEST_READ, LARGEST_READ]


async def test_taking_waits_for_nothing() -> None:
    inbox = inbox_of(b"llo")
    source = open_body(inbox, Length(5))
    inbox.data = b"he"
    assert (source.take(), source.take(), source.at_end()) == (b"he", b"", False)
    assert (await source.receive(), source.at_end()) == (b"llo", True)
    assert await source.receive() == b""


def test_what_was_read_behind_a_body_stays_in_its_order() -> None:
    inbox = inbox_of()
    pipelined = bytes(LARGEST_READ) + b"and more"
    inbox.data = CODED + pipelined
    source = open_body(inbox, CHUNKED)
    assert source.take() == b"5\r\nhello\r\n1\r\n!\r\n"
    assert (source.at_end(), inbox.data == pipelined) == (True, True)


async def test_a_cancelled_wait_loses_nothing() -> None:
    inbox = inbox_of(b"he", b"llo")
    source = open_body(inbox, Length(5))
    assert await source.receive() == b"he"
    with trio.CancelScope() as scope:
        scope.cancel()
        await source.receive()
    assert await source.receive() == b"llo"
