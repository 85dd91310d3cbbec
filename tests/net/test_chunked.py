"""The chunked reader: strict, bounded, and of one mind with h11 wherever h11 is strict."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.message import Reject
from trio_lb.net.chunked import MAX_EXTENSIONS, MAX_SIZE_LINE, MAX_TRAILERS, ChunkedReader

SIMPLE = b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"


def read(data: bytes, *, wire: bool, step: int | None = None) -> tuple[bytes, ChunkedReader]:
    """Feed ``data`` in pieces of ``step`` bytes; fail on a refusal."""
    reader = ChunkedReader(wire=wire)
    out = b""
    for piece in pieces(data, step or len(data)):
        got = reader.feed(piece)
        assert not isinstance(got, Reject), got
        out += b"".join(got)
    return out, reader


def pieces(data: bytes, step: int) -> list[bytes]:
    return [data[at : at + step] for at in range(0, len(data), step)]


def refusal(data: bytes, step: int | None = None) -> Reject | None:
    reader = ChunkedReader(wire=True)
    for piece in pieces(data, step or len(data)):
        got = reader.feed(piece)
        if isinstance(got, Reject):
            return got
    return None


@pytest.mark.parametrize("step", [1, 2, 3, 5, 1000])
def test_payload_mode_yields_the_bare_body(step: int) -> None:
    out, reader = read(SIMPLE, wire=False, step=step)
    assert (out, reader.done, reader.payload) == (b"hello!", True, 6)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 1000])
def test_wire_mode_yields_the_coding_without_its_last_chunk(step: int) -> None:
    out, reader = read(SIMPLE, wire=True, step=step)
    assert (out, reader.done) == (b"5\r\nhello\r\n1\r\n!\r\n", True)


@pytest.mark.parametrize("step", [1, 4, 1000])
def test_wire_mode_strips_extensions(step: int) -> None:
    out, _ = read(b'5;a=b;c="d;\\" e" ; f\r\nhello\r\n0;last\r\n\r\n', wire=True, step=step)
    assert out == b"5\r\nhello\r\n"


def test_wire_mode_passes_the_peers_bytes_on_without_a_copy() -> None:
    reader = ChunkedReader(wire=True)
    data = b"400\r\n" + b"x" * 1024 + b"\r\n"
    got = reader.feed(data)
    assert isinstance(got, list)
    assert got[0] is data


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_trailers_are_kept_apart_and_what_follows_is_the_rest(step: int) -> None:
    data = b"1\r\na\r\n0\r\nX-Sum: 7 \r\nB: c\r\n\r\n"
    out, reader = read(data, wire=False, step=step)
    assert out == b"a"
    assert reader.trailers == [(b"x-sum", b"X-Sum", b"7"), (b"b", b"B", b"c")]
    assert reader.rest == b""


def test_what_follows_the_body_is_left_alone() -> None:
    _, reader = read(SIMPLE + b"GET / HTTP/1.1\r\n", wire=True)
    assert reader.rest == b"GET / HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n5\r\nhello\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhelloX",
        b"5\r\nhello\rX",
        b"5 5\r\nhello\r\n",
        b"5 \r\nhello\r\n",
        b" 5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"-5\r\nhello\r\n",
        b"5_0\r\nhello\r\n",
        b"g\r\n",
        b";a=b\r\n",
        b"5;\r\nhello\r\n",
        b"5;a=\r\nhello\r\n",
        b"5;a\rb\r\nhello\r\n",
        b"5;a\nb\r\nhello\r\n",
        b"5;a=\x00\r\nhello\r\n",
        b"00000000000000005\r\nhello\r\n",
        b"fffffffffffffffff\r\n",
        b"ffffffffffffffff\r\n",
        b"0\r\nbad trailer\r\n\r\n",
        b"0\r\nA : b\r\n\r\n",
        b"0\r\n folded\r\n\r\n",
        b"0\r\nA: \x00\r\n\r\n",
        b"0\r\n\n",
        b"0\r\nA: b\n\n",
    ],
)
@pytest.mark.parametrize("step", [1, 1000])
def test_anything_that_the_grammar_does_not_draw_is_refused(data: bytes, step: int) -> None:
    reject = refusal(data, step)
    assert reject is not None
    assert reject.status == 400


def test_every_part_that_is_not_payload_is_bounded() -> None:
    assert refusal(b"5;" + b"a" * MAX_SIZE_LINE, 100) is not None
    line = b"1;" + b"a" * 1000 + b"\r\nx\r\n"
    assert refusal(line * (MAX_EXTENSIONS // 1000 + 1)) is not None
    assert refusal(b"0\r\nA: " + b"b" * MAX_TRAILERS + b"\r\n\r\n", 1000) is not None
    assert refusal(b"0\r\n" + b"A: b\r\n" * 101 + b"\r\n") is not None


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A payload and one of its codings."""
    chunks = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
    coded = b"".join(
        draw(st.sampled_from([b"%x", b"%X", b"0%x"])) % len(chunk) + b"\r\n" + chunk + b"\r\n"
        for chunk in chunks
    )
    return b"".join(chunks), coded + draw(st.sampled_from([b"0", b"000"])) + b"\r\n\r\n"


@given(bodies(), st.integers(1, 50), st.booleans())
def test_any_split_of_any_coding_reads_the_same(
    body: tuple[bytes, bytes], step: int, wire: bool
) -> None:
    payload, coded = body
    out, reader = read(coded, wire=wire, step=step)
    assert reader.done
    assert reader.payload == len(payload)
    if wire:
        out, _ = read(out + b"0\r\n\r\n", wire=False)
    assert out == payload


def h11_reads(coded: bytes) -> bytes | None:
    """The body as h11 understands it, or None when it refuses or wants more."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + coded
    )
    body = b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return body
            elif not isinstance(event, h11.Request):
                return None
    except h11.RemoteProtocolError:
        return None


@given(
    st.lists(
        st.sampled_from(
            [b"0", b"1", b"5", b"a", b"\r\n", b"\n", b"\r", b";", b"=", b'"', b" ", b"x", b"A: b"]
        ),
        max_size=14,
    ).map(b"".join)
)
def test_whatever_is_accepted_means_the_same_to_h11(coded: bytes) -> None:
    reader = ChunkedReader(wire=False)
    got = reader.feed(coded)
    if isinstance(got, Reject) or not reader.done:
        return
    read_here = len(coded) - len(reader.rest)
    assert h11_reads(coded[:read_here]) == b"".join(got)
