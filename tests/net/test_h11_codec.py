"""The h11 codec: what comes out is what stood there, and h11's own reading agrees with it."""

from typing import Final

import h11
import pytest
from hypothesis import given

from tests.net.heads import request_heads, response_heads, steered
from trio_lb.model.message import Field, Reject
from trio_lb.net.codec import RawRequest, RawResponse
from trio_lb.net.grammar import REQUEST_HEAD, RESPONSE_HEAD
from trio_lb.net.h11_codec import H11Codec

CODEC = H11Codec()

ASKING: Final = h11.Request(
    method="GET",
    target="/",
    headers=[("Host", "a"), ("Connection", "upgrade"), ("Upgrade", "any")],
)
"""Puts h11's client side into the state in which it reads any answer, a 101 too."""

NORMALISED: Final = {b"content-length", b"transfer-encoding"}
"""h11 writes these anew (one number of several that are equal, lower case)."""


def split_fields(lines: list[bytes]) -> list[Field]:
    """What a splitter that trusts the grammar makes of field lines."""
    pairs = [line.partition(b":")[::2] for line in lines]
    return [(name.lower(), name, value.strip(b" \t")) for name, value in pairs]


def as_written(fields: list[Field]) -> list[Field]:
    """Only the fields whose values h11 leaves as they are."""
    return [field for field in fields if field[0] not in NORMALISED]


def read_by_connection(connection: h11.Connection, head: bytes) -> h11.Event | str:
    """What a whole h11 connection makes of a head: an event, or why it refuses it."""
    connection.receive_data(head)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        return str(error)
    assert isinstance(event, h11.Event)
    return event


def fields_of(event: h11.Event) -> list[Field]:
    assert isinstance(event, (h11.Request, h11.Response, h11.InformationalResponse))
    return as_written([(raw.lower(), raw, value) for raw, value in event.headers.raw_items()])


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
    ("fields", "status", "message"),
    [
        ([], 400, "Missing mandatory Host: header"),
        (["Host: a", "hOST: b"], 400, "Found multiple Host: headers"),
        (["Host: a", "Content-Length: x"], 400, "bad Content-Length"),
        (["Host: a", "Content-Length: 5, 6"], 400, "conflicting Content-Length headers"),
        (["Host: a", "Transfer-Encoding: gzip"], 501, "Only Transfer-Encoding: chunked"),
    ],
)
def test_what_h11_refuses_is_refused_with_its_status(
    fields: list[str], status: int, message: str
) -> None:
    head = "\r\n".join(["GET / HTTP/1.1", *fields, "", ""]).encode()
    refused = CODEC.parse_request(head)
    assert isinstance(refused, Reject)
    code = "not_implemented" if status == 501 else "bad_request"
    assert (refused.status, refused.code) == (status, code)
    assert refused.message.startswith(message)


@pytest.mark.parametrize("interim", [False, True])
def test_an_answer_that_h11_refuses_is_a_502(interim: bool) -> None:
    line = b"HTTP/1.1 103 Hints\r\n" if interim else b"HTTP/1.1 200 OK\r\n"
    refused = CODEC.parse_response(line + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n")
    assert refused == Reject(502, "bad_response", "conflicting Content-Length headers")


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


@given(steered(request_heads()))
def test_any_request_that_passes_the_grammar_is_what_an_h11_connection_reads(head: bytes) -> None:
    if not REQUEST_HEAD.fullmatch(head):
        return  # No codec ever sees it.
    ours, theirs = CODEC.parse_request(head), read_by_connection(h11.Connection(h11.SERVER), head)
    if isinstance(ours, Reject):
        assert ours.message == theirs
        return
    assert isinstance(theirs, h11.Request), theirs
    version = b"1.%d" % ours.minor
    assert (theirs.method, theirs.target, theirs.http_version) == (
        ours.method,
        ours.target,
        version,
    )
    assert fields_of(theirs) == as_written(ours.fields)


@given(steered(response_heads()))
def test_any_answer_that_passes_the_grammar_is_what_an_h11_connection_reads(head: bytes) -> None:
    if not RESPONSE_HEAD.fullmatch(head):
        return
    connection = h11.Connection(h11.CLIENT)
    connection.send(ASKING)
    ours, theirs = CODEC.parse_response(head), read_by_connection(connection, head)
    if isinstance(ours, Reject):
        assert ours.message == theirs
        return
    assert isinstance(theirs, (h11.Response, h11.InformationalResponse)), theirs
    version = b"1.%d" % ours.minor
    assert (theirs.status_code, theirs.reason, theirs.http_version) == (
        *(ours.status, ours.reason),
        version,
    )
    assert fields_of(theirs) == as_written(ours.fields)


@pytest.mark.parametrize(
    ("fields", "is_refused"),
    [
        (["Content-Length: 5"], False),
        (["Content-Length: 5", "Content-Length: 6"], True),
        (["Content-Length: 6"], False),
        (["Content-Length: 6", "Content-Length: 6"], False),
        (["Content-Length: 6, 6"], False),
        (["Content-Length: 5, 6"], True),
        (["Content-Length: " + "9" * 20], False),
        (["Content-Length: " + "9" * 21], True),
        (["Content-Length: 5", "Transfer-Encoding: chunked"], False),
        (["Content-Length: 5", "Transfer-Encoding: x"], True),
    ],
)
def test_a_verdict_that_is_remembered_is_that_of_the_same_fields(
    fields: list[str], is_refused: bool
) -> None:
    head = "\r\n".join(["POST / HTTP/1.1", "Host: a", *fields, "", ""]).encode()
    answer = "\r\n".join(["HTTP/1.1 200 OK", *fields, "", ""]).encode()
    for _ in range(2):
        for plain in (b"1", b"5", b"123456789012345678"):  # What is asked of h11 in its name.
            ordinary = b"POST / HTTP/1.1\r\nHost: b\r\nContent-Length: " + plain + b"\r\n\r\n"
            assert isinstance(CODEC.parse_request(ordinary), RawRequest)
        assert isinstance(CODEC.parse_request(head), Reject) is is_refused
        assert isinstance(CODEC.parse_response(answer), Reject) is is_refused
