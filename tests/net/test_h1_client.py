"""HTTP/1.1 as the program's own requests speak it, byte for byte."""

from collections.abc import AsyncGenerator

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.address import Address
from trio_lb.model.errors import RequestCut
from trio_lb.model.headers import Headers
from trio_lb.model.message import Length, Reject, RequestHead, Unsized
from trio_lb.model.payload import Payload
from trio_lb.model.request import Request
from trio_lb.model.response import Response
from trio_lb.net.h1_client import framing_of, read_answer, response_of, send_body, write_request
from trio_lb.net.h1_downstream import RequestReader
from trio_lb.net.h1_upstream import ResponseReader
from trio_lb.net.h11_codec import H11Codec
from trio_lb.net.inbox import Inbox
from trio_lb.net.memory import MemoryStream, memory_stream_pair

A, B = Address("10.0.0.1", 1), Address("10.0.0.2", 2)
REQUESTS = RequestReader(H11Codec(), head_size=65536, target_size=32768, header_count=100)
ANSWERS = ResponseReader(H11Codec(), head_size=65536, header_count=100)
GET = write_request(Request("GET", "/"))[1]


async def pieces(*parts: bytes) -> AsyncGenerator[bytes, None]:
    for part in parts:
        await trio.lowlevel.checkpoint()
        yield part


def test_a_request_is_written_with_what_http_wants() -> None:
    head, _ = write_request(Request("GET", "/a?b", {"X-A": "1"}))
    assert head == (b"GET /a?b HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://a.example:8080/x", b"a.example:8080"),
        ("https://a.example?q=/", b"a.example"),
        ("/?u=http://b.example/", b"localhost"),
    ],
)
def test_the_host_is_the_target_s_unless_it_is_given(target: str, host: bytes) -> None:
    assert b"\r\nHost: " + host + b"\r\n" in write_request(Request("GET", target))[0]
    given_one = write_request(Request("GET", target, {"host": "mine"}))[0]
    assert given_one.count(b"ost:") == 1
    assert b"\r\nHost: mine\r\n" in given_one


def test_a_body_is_framed_by_what_it_is() -> None:
    nothing = Headers()
    assert framing_of(b"", nothing) is Unsized.NO_BODY
    assert framing_of(b"abc", Headers({"Content-Length": "9"})) == Length(3)
    assert framing_of(pieces(), nothing) is Unsized.CHUNKED
    assert framing_of(pieces(), Headers({"content-length": "9"})) == Length(9)
    assert framing_of(pieces(), Headers({"content-length": "0"})) is Unsized.NO_BODY
    with pytest.raises(ValueError, match="'-1' is not a number"):
        framing_of(pieces(), Headers({"content-length": "-1"}))


METHODS = st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "M-SEARCH"])
FIELDS = st.lists(
    st.tuples(
        st.sampled_from(
            ["X-A", "Connection", "content-length", "Transfer-Encoding", "Expect", "TE"]
        ),
        st.sampled_from(["1", "close", "chunked", "x-a", "100-continue", "GET / HTTP/1.1"]),
    ),
    max_size=4,
)


@given(METHODS, FIELDS, st.binary(max_size=9))
def test_whatever_is_asked_for_is_read_back_as_one_whole_request(
    method: str, fields: list[tuple[str, str]], body: bytes
) -> None:
    data, _ = write_request(Request(method, "/x", fields, body))
    read = REQUESTS.parse(data)
    assert isinstance(read, RequestHead), read
    assert (read.method, read.target) == (method.encode(), b"/x")
    assert read.framing == (Length(len(body)) if body else Unsized.NO_BODY)
    assert not read.keep_alive


async def sent(body: Payload, framing: Length | Unsized) -> bytes:
    ours, theirs = memory_stream_pair(A, B)
    await send_body(ours, body, framing)
    return theirs.receive_nowait(65536) or b""


async def test_pieces_are_chunks_and_a_declared_length_is_kept() -> None:
    assert await sent(Payload(pieces(b"ab", b"", b"c")), Unsized.CHUNKED) == (
        b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    )
    assert await sent(Payload(pieces(b"ab", b"c")), Length(3)) == b"abc"
    assert await sent(Payload(b""), Unsized.NO_BODY) == b""
    for wrong in (2, 4):
        with pytest.raises(ValueError, match=f"declared {wrong} bytes"):
            await sent(Payload(pieces(b"abc")), Length(wrong))


def answered(data: bytes) -> tuple[Inbox, MemoryStream]:
    ours, theirs = memory_stream_pair(A, B)
    theirs.send_nowait(data)
    return Inbox(ours, 4096), theirs


async def test_interim_answers_are_passed_over() -> None:
    inbox, _ = answered(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
    assert (await read_answer(inbox, ANSWERS, GET)).status == 204


@pytest.mark.parametrize(
    ("data", "match"),
    [(b"", "before it was answered"), (b"HTTP/1.1 2", "before it was"), (b"nonsense", "not valid")],
)
async def test_an_end_before_an_answer_is_a_cut(data: bytes, match: str) -> None:
    inbox, theirs = answered(data)
    theirs.close()
    with pytest.raises(RequestCut, match=match):
        await read_answer(inbox, ANSWERS, GET)


async def read(data: bytes) -> tuple[Response, list[str], MemoryStream]:
    inbox, theirs = answered(data)
    ends: list[str] = []

    async def close() -> None:
        await trio.lowlevel.checkpoint()
        ends.append("closed")

    answer = await read_answer(inbox, ANSWERS, GET)
    assert not isinstance(answer, Reject)
    return response_of(answer, inbox, end=lambda: ends.append("ended"), close=close), ends, theirs


async def test_a_response_has_its_fields_but_those_of_the_hop() -> None:
    data = b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nConnection: close\r\nX: \xe9\r\n"
    response, ends, _ = await read(data + b"Content-Length: 0\r\n\r\n")
    assert response.headers.get_all("set-cookie") == ["a", "b"]
    assert (response.headers["x"], response.headers.get("connection")) == ("é", None)
    assert (await response.read(), ends) == (b"", ["ended"])


async def test_chunks_come_as_bare_pieces_and_the_end_is_told_once() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    response, ends, theirs = await read(head + b"2\r\nab\r\n")
    body = aiter(response)
    assert (await anext(body), ends) == (b"ab", [])
    theirs.send_nowait(b"1\r\nc\r\n0\r\n\r\n")
    assert [piece async for piece in body] == [b"c"]
    assert ends == ["ended"]


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_body_that_ends_early_is_a_cut_and_the_end(how: str) -> None:
    response, ends, theirs = await read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
    getattr(theirs, how)()
    with pytest.raises(RequestCut, match="cut short"):
        await response.read()
    assert ends == ["ended"]
    await response.aclose()
    assert ends == ["ended", "closed"]
