"""What a response's fields mean; any doubt about its end is a 502."""

import pytest

from trio_lb.model.message import Length, Reject, RequestHead, ResponseHead, Unsized
from trio_lb.net.h1_upstream import ResponseReader
from trio_lb.net.h11_codec import H11Codec

READER = ResponseReader(H11Codec(), head_size=32768, header_count=100)


def request(method: bytes = b"GET", upgrade: bytes | None = None) -> RequestHead:
    return RequestHead(method, b"/", 1, [], b"a", Unsized.NO_BODY, frozenset(), upgrade=upgrade)


def parse(
    line: str, *fields: str, method: bytes = b"GET", upgrade: bytes | None = None
) -> ResponseHead | Reject:
    head = "\r\n".join([line, *fields, "", ""]).encode("latin-1")
    return READER.parse(head, request(method, upgrade))


def good(line: str, *fields: str, method: bytes = b"GET") -> ResponseHead:
    head = parse(line, *fields, method=method)
    assert isinstance(head, ResponseHead), head
    return head


OK = "HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    ("line", "fields", "method", "framing"),
    [
        (OK, ["Content-Length: 5"], b"GET", Length(5)),
        (OK, ["Content-Length: 0"], b"GET", Unsized.NO_BODY),
        (OK, ["Transfer-Encoding: chunked"], b"GET", Unsized.CHUNKED),
        (OK, [], b"GET", Unsized.UNTIL_CLOSE),
        (OK, ["Content-Length: 5"], b"HEAD", Unsized.NO_BODY),
        (OK, ["Transfer-Encoding: chunked"], b"HEAD", Unsized.NO_BODY),
        ("HTTP/1.1 204 No Content", ["Content-Length: 5"], b"GET", Unsized.NO_BODY),
        ("HTTP/1.1 304 Not Modified", ["Content-Length: 5"], b"GET", Unsized.NO_BODY),
        ("HTTP/1.1 103 Early Hints", [], b"GET", Unsized.NO_BODY),
        ("HTTP/1.0 200 OK", ["Content-Length: 5"], b"GET", Length(5)),
        ("HTTP/1.1 200", ["Content-Length: 5"], b"GET", Length(5)),
        ("HTTP/1.1 200 ", ["Content-Length: 5"], b"GET", Length(5)),
    ],
)
def test_framing_by_status_method_and_fields(
    line: str, fields: list[str], method: bytes, framing: object
) -> None:
    assert good(line, *fields, method=method).framing == framing


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (OK, ["Content-Length: 5", "Content-Length: 6"]),
        (OK, ["Content-Length: -5"]),
        (OK, ["Content-Length: five"]),
        (OK, ["Content-Length: 5", "Transfer-Encoding: chunked"]),
        (OK, ["Transfer-Encoding: gzip"]),
        (OK, ["Transfer-Encoding: chunked, gzip"]),
        (OK, ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]),
        ("HTTP/1.0 200 OK", ["Transfer-Encoding: chunked"]),
        ("HTTP/2.0 200 OK", []),
        ("HTTP/1.1 20 OK", []),
        ("HTTP/1.1 2000 OK", []),
        ("HTTP/1.1 099 OK", []),
        ("HTTP/1.1 600 OK", []),
        ("HTTP/1.1200 OK", []),
        ("200 OK", []),
        (OK, ["A : b"]),
        (OK, ["A: b", " folded"]),
        (OK, ["A: \x00"]),
        (OK, ["nonsense"]),
        ("HTTP/1.1 101 Switching Protocols", ["Connection: upgrade", "Upgrade: websocket"]),
        (OK, ["A: b"] * 101),
    ],
)
def test_anything_in_doubt_is_a_502(line: str, fields: list[str]) -> None:
    head = parse(line, *fields)
    assert isinstance(head, Reject)
    assert head.status == 502


def test_a_head_answer_with_a_nonsense_length_is_refused_too() -> None:
    assert isinstance(parse(OK, "Content-Length: 5, 6", method=b"HEAD"), Reject)


def test_a_101_answers_only_what_was_asked_for() -> None:
    line = "HTTP/1.1 101 Switching Protocols"
    asked = parse(line, "Connection: Upgrade", "Upgrade: WebSocket", upgrade=b"websocket")
    assert isinstance(asked, ResponseHead)
    assert asked.upgrade == b"WebSocket"
    for fields in (["Connection: upgrade", "Upgrade: other"], ["Upgrade: websocket"]):
        assert isinstance(parse(line, *fields, upgrade=b"websocket"), Reject)


@pytest.mark.parametrize(
    ("fields", "upgrade"),
    [
        (["Connection: upgrade", "Upgrade: websocket"], b"websocket"),
        (["Upgrade: TLS/1.0", "Upgrade: websocket"], b"TLS/1.0, websocket"),
        (["Connection: upgrade", "Upgrade: HTTP/2.0, websocket, h2c, "], b"websocket"),
        (["Connection: upgrade", "Upgrade: h2c"], None),
        (["Connection: upgrade"], None),
    ],
)
def test_a_426_names_what_could_be_relayed(fields: list[str], upgrade: bytes | None) -> None:
    assert good("HTTP/1.1 426 Upgrade Required", *fields).upgrade == upgrade
    assert good(OK, *fields).upgrade is None


@pytest.mark.parametrize(
    ("line", "fields", "reusable"),
    [
        (OK, ["Content-Length: 1"], True),
        (OK, ["Content-Length: 1", "Connection: close"], False),
        (OK, [], False),
        ("HTTP/1.0 200 OK", ["Content-Length: 1", "Connection: keep-alive"], False),
    ],
)
def test_whether_the_connection_may_be_reused(line: str, fields: list[str], reusable: bool) -> None:
    assert good(line, *fields).reusable is reusable


@pytest.mark.parametrize(
    ("line", "method", "fields", "speaks"),
    [
        (OK, b"HEAD", ["Content-Length: 5"], True),
        (OK, b"HEAD", ["Transfer-Encoding: chunked"], True),
        (OK, b"HEAD", ["Content-Length: 0"], False),
        (OK, b"HEAD", [], False),
        ("HTTP/1.1 204 No Content", b"GET", ["Content-Length: 5"], True),
        ("HTTP/1.1 304 Not Modified", b"GET", ["Content-Length: 5"], True),
        ("HTTP/1.1 304 Not Modified", b"GET", [], False),
        (OK, b"GET", ["Content-Length: 5"], False),
        (OK, b"GET", ["Transfer-Encoding: chunked"], False),
    ],
)
def test_a_head_that_speaks_of_a_body_where_there_is_none_ends_its_connection(
    line: str, method: bytes, fields: list[str], speaks: bool
) -> None:
    head = good(line, *fields, method=method)
    assert (head.speaks_of_body, head.reusable) == (speaks, not speaks)
