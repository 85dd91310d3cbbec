"""HTTP/1.1 as the actors speak it: bytes in any pieces, framing that is exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.actors.http1 import (
    Framing,
    Garbled,
    Head,
    MessageReader,
    answer_head,
    body_of,
    chunk,
    request_head,
)

Message = tuple[bytes, bytes]


def read(pieces: list[bytes]) -> list[Message]:
    """Return (first line, body) of each message, fed in these pieces."""
    reader, messages = MessageReader(), []
    expected = False
    for piece in pieces:
        reader.feed(piece)
        while (head := reader.read_head()) is not None:
            if not expected:
                reader.expect(*head.framing())
                expected = True
            if not reader.is_whole:
                break
            messages.append((head.line, reader.body))
            reader.next_message()
            expected = False
    return messages


def written(line: bytes, parts: list[bytes], *, chunked: bool) -> Message:
    """Return a message's bytes, and its body."""
    body = b"".join(parts)
    if chunked:
        framed = b"".join(chunk(part) for part in parts if part) + chunk(b"")
        return line + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + framed, body
    return line + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body, body


MESSAGES = st.lists(
    st.tuples(st.lists(st.binary(max_size=9), max_size=4), st.booleans()), min_size=1, max_size=4
)


@given(MESSAGES, st.lists(st.integers(1, 40), max_size=30))
def test_messages_are_the_same_however_their_bytes_are_cut(
    wanted: list[tuple[list[bytes], bool]], sizes: list[int]
) -> None:
    lines = [b"HTTP/1.1 200 No%d" % number for number in range(len(wanted))]
    whole = [
        written(line, parts, chunked=chunked)
        for line, (parts, chunked) in zip(lines, wanted, strict=True)
    ]
    stream, pieces = b"".join(data for data, _ in whole), []
    for size in sizes:
        pieces.append(stream[:size])
        stream = stream[size:]
    messages = read([*pieces, stream])
    assert messages == [(line, body) for line, (_, body) in zip(lines, whole, strict=True)]


def test_a_field_is_found_by_its_name_and_keeps_its_case() -> None:
    head = Head(b"HTTP/1.1 200 OK\r\nX-Other: x-served-by: no\r\nX-SERVED-BY:  Server-A \t")
    assert head.get(b"x-served-by") == b"Server-A"
    assert head.get(b"x-served") is None


def test_the_number_of_a_request_is_that_of_its_user_agent() -> None:
    assert Head(request_head(17, "GET", "/", "h", 0)[:-4]).number == 17
    assert Head(b"GET / HTTP/1.1\r\nUser-Agent: sim/x").number == 0
    assert Head(b"GET / HTTP/1.1\r\nUser-Agent: curl/8").number == 0


@pytest.mark.parametrize(
    ("fields", "framing"),
    [
        (b"", (Framing.NONE, 0)),
        (b"\r\nContent-Length: 12", (Framing.LENGTH, 12)),
        (b"\r\nTransfer-Encoding: Chunked", (Framing.CHUNKED, 0)),
    ],
)
def test_a_head_says_how_the_body_ends(fields: bytes, framing: tuple[Framing, int]) -> None:
    assert Head(b"HTTP/1.1 200 OK" + fields).framing() == framing


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: -1",
        b"Content-Length: 1, 1",
        b"Content-Length: 1\r\nContent-Length: 1",
        b"Content-Length: 1\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
    ],
)
def test_what_could_be_framed_in_two_ways_is_garbled(fields: bytes) -> None:
    with pytest.raises(Garbled):
        Head(b"HTTP/1.1 200 OK\r\n" + fields).framing()


@pytest.mark.parametrize(
    ("line", "method"), [(b"GET / HTTP/1.1", "GET"), (b"M-SEARCH * HTTP/1.1", "M-SEARCH")]
)
def test_a_method_is_a_token(line: bytes, method: str) -> None:
    assert Head(line + b"\r\nHost: sim").method == method


@pytest.mark.parametrize("line", [b"", b"\x00", b"\x16\x03\x01 x", b"G\xc3 / HTTP/1.1", b" / x"])
def test_whatever_else_a_line_begins_with_is_garbled(line: bytes) -> None:
    with pytest.raises(Garbled, match="request line b"):
        _ = Head(line).method


@pytest.mark.parametrize("size", [b"-1", b"0x5", b"1_0", b"", b"+5", b"g"])
def test_a_chunk_size_is_digits_only(size: bytes) -> None:
    with pytest.raises(Garbled, match="chunk size"):
        read([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\n"])


def test_a_chunk_that_is_longer_than_it_says_is_garbled() -> None:
    with pytest.raises(Garbled, match="longer than it says"):
        read([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n"])


def test_the_line_of_a_chunk_and_a_head_have_an_end() -> None:
    with pytest.raises(Garbled, match="line of a chunk's size has no end"):
        read([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5000])
    with pytest.raises(Garbled, match="head without an end"):
        read([b"x" * (1024 * 1024 + 1)])


def test_a_body_without_a_length_ends_with_the_stream() -> None:
    reader = MessageReader()
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\nab")
    assert reader.read_head() is not None
    reader.expect(Framing.UNTIL_CLOSE)
    reader.feed(b"cd")
    assert not reader.is_whole
    reader.end_of_stream()
    assert (reader.is_whole, reader.body) == (True, b"abcd")


def test_a_message_has_begun_with_its_first_byte_and_until_it_is_whole() -> None:
    reader = MessageReader()
    begun = [reader.has_begun]
    for piece in (b"H", b"TTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", b"a"):
        reader.feed(piece)
        if (head := reader.read_head()) is not None and not reader.body:
            reader.expect(*head.framing())
        begun.append(reader.has_begun)
    assert begun == [False, True, True, False]


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(0, 500))
def test_a_body_belongs_to_its_request_and_is_as_long_as_was_said(
    one: int, other: int, size: int
) -> None:
    body = body_of(one, size)
    assert len(body) == size
    if one != other and size > 10:
        assert body != body_of(other, size)


def test_heads_are_written_as_they_are_read() -> None:
    assert request_head(3, "POST", "/a", "h", 5, "X-A: b\r\n") == (
        b"POST /a HTTP/1.1\r\nHost: h\r\nUser-Agent: sim/3\r\nAccept: */*\r\n"
        b"Content-Length: 5\r\nX-A: b\r\n\r\n"
    )
    assert b"Content-Length" not in request_head(3, "GET", "/", "h", 0)
    assert answer_head(503, 4, "s1", "Retry-After: 5\r\n") == (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nX-Served-By: s1\r\n"
        b"Retry-After: 5\r\n\r\n"
    )
    assert b"Transfer-Encoding: chunked" in answer_head(200, None, "s1")
