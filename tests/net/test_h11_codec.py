"""The h11 codec only splits: what comes out is what stood there, byte for byte."""

import pytest
from hypothesis import given

from tests.net.heads import request_heads, response_heads
from trio_lb.model.message import Field, Reject
from trio_lb.net.codec import RawRequest, RawResponse
from trio_lb.net.h11_codec import H11Codec

CODEC = H11Codec()


def split_fields(lines: list[bytes]) -> list[Field]:
    """What a splitter that trusts the grammar makes of field lines."""
    pairs = [line.partition(b":")[::2] for line in lines]
    return [(name.lower(), name, value.strip(b" \t")) for name, value in pairs]


def test_a_request_is_split_into_its_parts() -> None:
    head = b"POST /a?b HTTP/1.1\r\nHOST: a\r\nX-y:\t z \r\nx-Y:\r\n\r\n"
    fields = [(b"host", b"HOST", b"a"), (b"x-y", b"X-y", b"z"), (b"x-y", b"x-Y", b"")]
    assert CODEC.parse_request(head) == RawRequest(b"POST", b"/a?b", 1, fields)


def test_an_old_request_needs_no_host() -> None:
    assert CODEC.parse_request(b"GET / HTTP/1.0\r\n\r\n") == RawRequest(b"GET", b"/", 0, [])


@pytest.mark.parametrize(
    ("line", "status", "reason", "minor"),
    [
        (b"HTTP/1.1 200 OK", 200, b"OK", 1),
        (b"HTTP/1.0 404 Not Found", 404, b"Not Found", 0),
        (b"HTTP/1.1 200 ", 200, b"", 1),
        (b"HTTP/1.1 200", 200, b"", 1),
        (b"HTTP/1.1 599 \xe9", 599, b"\xe9", 1),
        (b"HTTP/1.1 999 x", 999, b"x", 1),
        (b"HTTP/1.1 100 Continue", 100, b"Continue", 1),
        (b"HTTP/1.1 103 Early Hints", 103, b"Early Hints", 1),
        (b"HTTP/1.1 101 Switching Protocols", 101, b"Switching Protocols", 1),
    ],
)
def test_an_answer_is_split_into_its_parts_an_interim_one_too(
    line: bytes, status: int, reason: bytes, minor: int
) -> None:
    head = line + b"\r\nA: b\r\n\r\n"
    assert CODEC.parse_response(head) == RawResponse(status, reason, minor, [(b"a", b"A", b"b")])


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", 400),
        (b"", 400),
    ],
)
def test_what_h11_refuses_is_refused_with_its_status(head: bytes, status: int) -> None:
    refused = CODEC.parse_request(head)
    assert isinstance(refused, Reject)
    code = "not_implemented" if status == 501 else "bad_request"
    assert (refused.status, refused.code) == (status, code)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_h11_refuses_is_a_502(head: bytes) -> None:
    refused = CODEC.parse_response(head)
    assert isinstance(refused, Reject)
    assert (refused.status, refused.code) == (502, "bad_response")


def test_a_head_beyond_every_buffer_of_h11_s_own_is_still_split() -> None:
    value = b"v" * 1_000_000
    split = CODEC.parse_request(b"GET / HTTP/1.1\r\nHost: a\r\nA: " + value + b"\r\n\r\n")
    assert isinstance(split, RawRequest)
    assert split.fields[1] == (b"a", b"A", value)


@given(request_heads())
def test_any_request_is_what_a_plain_split_finds(head: bytes) -> None:
    line, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, version = line.split(b" ")
    minor = int(version[-1:])
    assert CODEC.parse_request(head) == RawRequest(method, target, minor, split_fields(lines))


@given(response_heads())
def test_any_answer_is_what_a_plain_split_finds(head: bytes) -> None:
    line, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    reason, minor = line[13:], int(line[7:8])
    split = RawResponse(int(line[9:12]), reason, minor, split_fields(lines))
    assert CODEC.parse_response(head) == split
