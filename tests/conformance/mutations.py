"""Streams of HTTP/1.1 bytes for the fuzz: from the grammar, from its edges, and then broken.

Random bytes are refused at the first line and find nothing. What finds faults are
messages that are almost right: a valid stream into which a few odd lines were put,
or a few bytes changed, cut into segments at any place.
"""

from collections.abc import Callable
from typing import Final

import attrs
from hypothesis import strategies as st

from tests.conformance.script import DATE, chunked, head

ODD_LINES: Final = (
    b"Content-Length: 0",
    b"Content-Length: 5",
    b"Content-Length: 5, 5",
    b"Content-Length: +5",
    b"Content-Length : 5",
    b"Content-Length:",
    b"Content-Length: 18446744073709551621",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: CHUNKED",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding:\tchunked ,",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"X-A: b\r\n Content-Length: 7",
    b"X-A: b\rContent-Length: 7",
    b"X-A: b\nContent-Length: 7",
    b"X-A: \x00",
    b"X-A: \xff\t\x7f",
    b" X-A: b",
    b"X A: b",
    b": b",
    b"nonsense",
    b"Host: b.test",
    b"Connection: close",
    b"Connection: Content-Length, Transfer-Encoding, Host",
    b"Connection: X-A, upgrade",
    b"Keep-Alive: timeout=5",
    b"TE: trailers, gzip",
    b"Trailer: Content-Length",
    b"Expect: 100-continue",
    b"X-A:",
    b"x-a: b",
)
CHUNK_NOISE: Final = (
    b"5;a=b\r\nhello\r\n",
    b"5 \r\nhello\r\n",
    b"05\r\nhello\r\n",
    b"5\nhello\n",
    b"5\nhello\r\n",
    b"5\r\nhello",
    b"5\r\nhelloXX",
    b"0x5\r\nhello\r\n",
    b"-1\r\n",
    b"ffffffffffffffff0\r\n",
    b"5;\r\nhello\r\n",
    b";a\r\n",
    b"\r\n",
    b"0\r\nContent-Length: 5\r\n\r\n",
    b"0\r\nX-T : a\r\n\r\n",
    b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n",
)
_ODD_BYTES: Final = b"\x00\r\n\t :;,\x0b\x7f\x80/0ax"


@attrs.frozen(slots=True)
class Stream:
    """Bytes as one side sends them, whole, and the segments in which it does."""

    data: bytes
    pieces: tuple[bytes, ...]
    broken: bool
    """Whether anything was put in or changed after the grammar had its say."""


def _bodies() -> st.SearchStrategy[bytes]:
    return st.sampled_from([b"", b"hello", b"0\r\n\r\n", b"GET /in HTTP/1.1\r\nHost: a\r\n\r\n"])


@st.composite
def _request(draw: st.DrawFn, number: int) -> bytes:
    """A valid request; its target tells it from the others of the stream."""
    method = draw(st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE"]))
    target = b"/%d" % number
    lines = draw(st.lists(st.sampled_from([b"X-A: b", b"Accept: */*", b"Cookie: a=b"]), max_size=2))
    body = draw(_bodies())
    if draw(st.booleans()):
        whole = chunked(body[:2], body[2:]) if len(body) > 2 else chunked(*filter(None, [body]))
        return head(*lines, b"Transfer-Encoding: chunked", method=method, target=target) + whole
    return head(*lines, b"Content-Length: %d" % len(body), method=method, target=target) + body


@st.composite
def _response(draw: st.DrawFn) -> bytes:
    """A valid answer to GET, framed in one of the three ways."""
    status = draw(st.sampled_from([b"200 OK", b"200 ", b"404 Not Found", b"299 Odd", b"500 Oops"]))
    lines = draw(st.lists(st.sampled_from([b"X-A: b", b"Set-Cookie: a=b", DATE]), max_size=3))
    body = draw(_bodies())
    match draw(st.sampled_from(["length", "chunked", "close"])):
        case "length":
            lines.append(b"Content-Length: %d" % len(body))
        case "chunked":
            lines.append(b"Transfer-Encoding: chunked")
            body = chunked(*filter(None, [body[:3], body[3:]]))
    early = draw(st.sampled_from([b"", b"", b"", b"HTTP/1.1 103 Early\r\nX-A: b\r\n\r\n"]))
    return early + b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"", body])


def _put_line(data: bytes, at: int, choice: int) -> bytes:
    """An odd line behind one of the first lines."""
    edges = [i + 2 for i in range(len(data)) if data[i : i + 2] == b"\r\n"]
    edge = edges[at % len(edges)] if edges else 0
    return data[:edge] + ODD_LINES[choice % len(ODD_LINES)] + b"\r\n" + data[edge:]


def _put_chunk(data: bytes, at: int, choice: int) -> bytes:
    """Chunk noise behind a line end: in a head it is a wrong field, in a body a wrong chunk."""
    edges = [i + 2 for i in range(len(data)) if data[i : i + 2] == b"\r\n"]
    edge = edges[-1 - at % len(edges)] if edges else 0
    return data[:edge] + CHUNK_NOISE[choice % len(CHUNK_NOISE)] + data[edge:]


def _flip(data: bytes, at: int, choice: int) -> bytes:
    at %= max(len(data), 1)
    return data[:at] + bytes([(data[at] ^ (1 << choice % 8)) if data else 0]) + data[at + 1 :]


def _put_byte(data: bytes, at: int, choice: int) -> bytes:
    at %= len(data) + 1
    return data[:at] + bytes([_ODD_BYTES[choice % len(_ODD_BYTES)]]) + data[at:]


def _drop(data: bytes, at: int, choice: int) -> bytes:
    at %= max(len(data), 1)
    return data[:at] + data[at + 1 + choice % 3 :]


def _double_line(data: bytes, at: int, choice: int) -> bytes:
    lines = data.split(b"\r\n")
    at %= len(lines)
    return b"\r\n".join(lines[: at + 1] + lines[at : at + 1 + choice % 2] + lines[at + 1 :])


def _cut_end(data: bytes, at: int, choice: int) -> bytes:
    return data[: len(data) - at % 12]


_MUTATIONS: Final[tuple[Callable[[bytes, int, int], bytes], ...]] = (
    _put_line,
    _put_line,
    _put_chunk,
    _put_chunk,
    _flip,
    _put_byte,
    _drop,
    _double_line,
    _cut_end,
)


@st.composite
def _sent(draw: st.DrawFn, whole: bytes, *, most_mutations: int) -> Stream:
    data = whole
    places = st.integers(0, 400)
    for mutate in draw(st.lists(st.sampled_from(_MUTATIONS), max_size=most_mutations)):
        data = mutate(data, draw(places), draw(places))
    cuts = sorted(draw(st.sets(st.integers(1, max(len(data), 1)), max_size=4)))
    pieces = tuple(
        piece for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if (piece := data[a:b])
    )
    return Stream(data, pieces, data != whole)


@st.composite
def request_streams(draw: st.DrawFn, *, most_mutations: int = 3) -> Stream:
    """One to three pipelined requests, mutated."""
    count = draw(st.integers(1, 3))
    whole = b"".join(draw(_request(number)) for number in range(count))
    return draw(_sent(whole, most_mutations=most_mutations))


@st.composite
def response_streams(draw: st.DrawFn, *, most_mutations: int = 3) -> Stream:
    """One answer, sometimes with a 103 before it, mutated."""
    return draw(_sent(draw(_response()), most_mutations=most_mutations))
