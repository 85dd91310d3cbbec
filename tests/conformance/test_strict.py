"""The strict parser itself: for each rule a sample that is right and one that is wrong."""

from typing import Final

import pytest

from tests.conformance import strict
from tests.conformance.strict import Framing, Violation

HEAD: Final = b"GET / HTTP/1.1\r\nHost: a.test\r\n"
POST: Final = b"POST / HTTP/1.1\r\nHost: a.test\r\n"
CHUNKED: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n"

GOOD_REQUESTS: Final = {
    "origin form": HEAD + b"\r\n",
    "path that browsers send raw": b"GET /a|b?c=[1]&d=100% HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute form": b"GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "authority form": b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "own method": b"M-SEARCH / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "HTTP/1.0 without Host": b"GET / HTTP/1.0\r\n\r\n",
    "empty value and obs-text": HEAD + b"X-Empty:\r\nX-Text: caf\xe9\tlatte\r\n\r\n",
    "IPv6 host with port": b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    "length": POST + b"Content-Length: 5\r\n\r\nhello",
    "no length, no body": POST + b"\r\n",
    "chunked": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    "chunk extension": CHUNKED + b'5;a=b;c="d;\\"e"\r\nhello\r\n0;last\r\n\r\n',
    "trailer": CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    "size with leading zeros": CHUNKED + b"0005\r\nhello\r\n000\r\n\r\n",
}

BAD_REQUESTS: Final = {
    "two spaces": ("request line", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "no version": ("request line", b"GET /\r\n\r\n"),
    "method is no token": ("method", b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "major version": ("version", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    "version in lower case": ("version", b"GET / http/1.1\r\nHost: a\r\n\r\n"),
    "fragment": ("target", b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
    "relative target": ("target", b"GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
    "raw byte in target": ("target", b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"),
    "asterisk with GET": ("target", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    "origin form with CONNECT": ("target", b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "bare LF": ("bare LF", b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
    "bare CR": ("bare CR", HEAD + b"X: a\rb\r\n\r\n"),
    "NUL in a value": ("field value", HEAD + b"X: a\0b\r\n\r\n"),
    "control in a value": ("field value", HEAD + b"X: a\x1bb\r\n\r\n"),
    "DEL in a value": ("field value", HEAD + b"X: a\x7fb\r\n\r\n"),
    "space before the colon": ("field name", HEAD + b"X : a\r\n\r\n"),
    "no colon": ("field name", HEAD + b"nonsense\r\n\r\n"),
    "empty name": ("field name", HEAD + b": a\r\n\r\n"),
    "fold": ("obs-fold", HEAD + b"X: a\r\n b\r\n\r\n"),
    "no Host": ("host count", b"GET / HTTP/1.1\r\n\r\n"),
    "two Hosts": ("host count", HEAD + b"Host: b\r\n\r\n"),
    "Host with a path": ("host", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    "Host with user": ("host", b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    "length with sign": ("content-length", POST + b"Content-Length: +5\r\n\r\nhello"),
    "length list": ("content-length", POST + b"Content-Length: 5, 5\r\n\r\nhello"),
    "two lengths": ("content-length", POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
    "both": (
        "content-length with transfer-encoding",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    "unknown coding": ("transfer-encoding", POST + b"Transfer-Encoding: xchunked\r\n\r\n"),
    "coding twice": ("transfer-encoding", POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n"),
    "coding in 1.0": (
        "transfer-encoding in HTTP/1.0",
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    "chunk size with 0x": ("chunk line", CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n"),
    "chunk size with space": ("chunk line", CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n"),
    "chunk size of seventeen digits": ("chunk line", CHUNKED + b"0" * 16 + b"5\r\nhello\r\n"),
    "no CRLF after the data": ("chunk data without CRLF", CHUNKED + b"5\r\nhelloX\r\n0\r\n\r\n"),
    "LF after the size": ("bare LF", CHUNKED + b"5\nhello\r\n0\r\n\r\n"),
    "CR in an extension": ("bare CR", CHUNKED + b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    "framing in a trailer": ("trailer field", CHUNKED + b"0\r\nContent-Length: 1\r\n\r\n"),
    "broken trailer": ("field name", CHUNKED + b"0\r\nno colon\r\n\r\n"),
    "a line that is wrong before the head is whole": ("field name", HEAD + b"X : a\r\n"),
}

OK: Final = b"HTTP/1.1 200 OK\r\n"
GOOD_RESPONSES: Final = {
    "length": (b"GET", OK + b"Content-Length: 2\r\n\r\nok", Framing.LENGTH),
    "chunked": (b"GET", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Framing.CHUNKED),
    "until close": (b"GET", OK + b"\r\nabc", Framing.CLOSE),
    "empty reason": (b"GET", b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", Framing.LENGTH),
    "HEAD with length": (b"HEAD", OK + b"Content-Length: 9\r\n\r\n", Framing.NONE),
    "304 with length": (
        b"GET",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        Framing.NONE,
    ),
    "204": (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", Framing.NONE),
}

BAD_RESPONSES: Final = {
    "no space after the status": ("status line", b"HTTP/1.1 200\r\n\r\n"),
    "status of two digits": ("status line", b"HTTP/1.1 20 OK\r\n\r\n"),
    "status 600": ("status line", b"HTTP/1.1 600 Odd\r\n\r\n"),
    "version": ("version", b"HTTP/1.2 200 OK\r\n\r\n"),
    "control in the reason": ("reason phrase", b"HTTP/1.1 200 O\0K\r\n\r\n"),
    "204 with length": ("content-length in 204", b"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n"),
    "100 with coding": (
        "transfer-encoding in 100",
        b"HTTP/1.1 100 Go\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    "both": (
        "content-length with transfer-encoding",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    "stray bytes": ("bytes after the last answer", OK + b"Content-Length: 0\r\n\r\nstray"),
}


@pytest.mark.parametrize("name", GOOD_REQUESTS)
def test_a_right_request_is_read_whole_and_every_prefix_of_it_waits(name: str) -> None:
    data = GOOD_REQUESTS[name]
    message = strict.read_request(data + b"GET /next")
    assert message is not None
    assert message.size == len(data)
    assert [strict.read_request(data[:end]) for end in range(len(data))] == [None] * len(data)


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_wrong_request_is_a_violation_of_its_rule(name: str) -> None:
    rule, data = BAD_REQUESTS[name]
    with pytest.raises(Violation) as caught:
        strict.read_request(data)
    assert caught.value.rule == rule


@pytest.mark.parametrize("name", GOOD_RESPONSES)
def test_a_right_response_is_read_with_its_framing(name: str) -> None:
    method, data, framing = GOOD_RESPONSES[name]
    message = strict.read_response(data, method, ended=True)
    assert message is not None
    assert (message.framing, message.size) == (framing, len(data))


@pytest.mark.parametrize("name", BAD_RESPONSES)
def test_a_wrong_response_is_a_violation_of_its_rule(name: str) -> None:
    rule, data = BAD_RESPONSES[name]
    flow = strict.read_responses(data, [b"GET"], ended=True)
    assert flow.violation is not None
    assert flow.violation.rule == rule


def test_a_body_until_close_is_complete_only_by_an_orderly_end() -> None:
    assert strict.read_response(OK + b"\r\nabc", ended=False) is None


def test_a_short_length_or_a_missing_last_chunk_is_never_complete() -> None:
    short = OK + b"Content-Length: 9\r\n\r\nabc"
    cut = OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    assert strict.read_response(short, ended=True) is None
    assert strict.read_response(cut, ended=True) is None


def test_trailers_and_body_are_kept_apart() -> None:
    message = strict.read_request(CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 9\r\n\r\n")
    assert message is not None
    assert (message.body, message.trailers) == (b"abc", ((b"X-Sum", b"9"),))


def test_pipelined_messages_are_told_apart_and_the_rest_is_kept() -> None:
    flow = strict.read_requests(GOOD_REQUESTS["length"] + HEAD + b"\r\n" + b"GET /thi")
    assert [m.body for m in flow.messages] == [b"hello", b""]
    assert (flow.rest, flow.violation) == (b"GET /thi", None)


def test_interim_answers_use_up_no_request_and_a_101_opens_a_tunnel() -> None:
    data = b"HTTP/1.1 103 Early\r\n\r\n" + b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n\x81\x00"
    flow = strict.read_responses(data, [b"GET"])
    assert [m.status for m in flow.messages] == [103, 101]
    assert flow.tunnel == b"\x81\x00"
