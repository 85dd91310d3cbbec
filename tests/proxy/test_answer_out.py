"""Answers as clients see them, byte for byte."""

import json

import pytest

from tests.proxy.stage import GET, OLD_GET
from trio_lb.model.message import Field, Framing, Length, ResponseHead, Unsized
from trio_lb.proxy.answer_out import DateLine, error_answer, final_head, interim_head, own_answer

DATE = b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"


def answer(
    *fields: tuple[bytes, bytes],
    status: int = 200,
    framing: Framing = Unsized.NO_BODY,
    connection: frozenset[bytes] = frozenset(),
    declared: int | None = None,
    upgrade: bytes | None = None,
) -> ResponseHead:
    named: list[Field] = [(name.lower(), name, value) for name, value in fields]
    return ResponseHead(status, b"Because", 1, named, framing, connection, declared, upgrade)


@pytest.mark.parametrize(
    ("framing", "declared", "status", "line"),
    [
        (Length(5), 5, 200, b"Content-Length: 5\r\n"),
        (Unsized.CHUNKED, None, 200, b"Transfer-Encoding: chunked\r\n"),
        (Unsized.UNTIL_CLOSE, None, 200, b"Transfer-Encoding: chunked\r\n"),
        (Unsized.NO_BODY, 0, 200, b"Content-Length: 0\r\n"),
        (Unsized.NO_BODY, 9, 304, b"Content-Length: 9\r\n"),
        (Unsized.NO_BODY, 9, 204, b""),
        (Unsized.NO_BODY, None, 304, b""),
    ],
)
def test_the_framing_is_written_anew(
    framing: Framing, declared: int | None, status: int, line: bytes
) -> None:
    head = final_head(
        answer(framing=framing, declared=declared, status=status), GET, date=DATE, close=False
    )
    assert head == b"HTTP/1.1 %d Because\r\n" % status + line + DATE + b"\r\n"


@pytest.mark.parametrize("framing", [Unsized.CHUNKED, Unsized.UNTIL_CLOSE])
def test_a_client_of_1_0_is_told_no_coding(framing: Framing) -> None:
    head = final_head(answer(framing=framing), OLD_GET, date=DATE, close=True)
    assert head == b"HTTP/1.1 200 Because\r\n" + DATE + b"Connection: close\r\n\r\n"


def test_end_to_end_fields_keep_order_spelling_and_lines() -> None:
    head = final_head(
        answer((b"sEt-cOOkie", b"a=1"), (b"X", b""), (b"Set-Cookie", b"b=2, c=3")),
        GET,
        date=DATE,
        close=False,
        extra=b"X-Load-Balanced: true\r\n",
    )
    assert head == (
        b"HTTP/1.1 200 Because\r\nsEt-cOOkie: a=1\r\nX: \r\nSet-Cookie: b=2, c=3\r\n"
        + DATE
        + b"X-Load-Balanced: true\r\n\r\n"
    )


@pytest.mark.parametrize(
    "name", [b"Connection", b"Keep-Alive", b"Proxy-Connection", b"TE", b"Upgrade",
             b"Transfer-Encoding", b"Content-Length", b"X-Hop"]
)  # fmt: skip
def test_hop_by_hop_fields_stay_here(name: bytes) -> None:
    relayed = answer((name, b"5"), connection=frozenset({b"x-hop"}))
    assert final_head(relayed, GET, date=b"", close=False) == b"HTTP/1.1 200 Because\r\n\r\n"


def test_the_server_s_own_date_stays_and_another_is_not_added() -> None:
    head = final_head(answer((b"Date", b"yesterday")), GET, date=DATE, close=False)
    assert head == b"HTTP/1.1 200 Because\r\nDate: yesterday\r\n\r\n"


def test_an_interim_answer_has_neither_date_nor_framing() -> None:
    hints = answer((b"Link", b"</a>"), (b"Content-Length", b"5"), status=103)
    assert interim_head(hints) == b"HTTP/1.1 103 Because\r\nLink: </a>\r\n\r\n"


def test_a_101_names_the_protocol_that_was_chosen() -> None:
    switch = answer((b"Upgrade", b"websocket"), status=101, upgrade=b"websocket")
    assert interim_head(switch) == (
        b"HTTP/1.1 101 Because\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )


def test_a_426_says_what_to_upgrade_to() -> None:
    """RFC 9110 section 15.5.22: it must."""
    required = answer((b"Upgrade", b"websocket"), status=426, upgrade=b"websocket")
    assert final_head(required, GET, date=b"", close=False) == (
        b"HTTP/1.1 426 Because\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    assert b"Connection: upgrade\r\nUpgrade: websocket\r\nConnection: close\r\n" in final_head(
        required, GET, date=b"", close=True
    )
    assert b"pgrade:" not in final_head(required, OLD_GET, date=b"", close=True)


def test_an_error_is_text() -> None:
    assert error_answer(502, "upstream_reset", "it closed", request_id="r1", date=DATE) == (
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 25\r\n" + DATE + b"Connection: close\r\n\r\n502 it closed\nrequest r1\n"
    )


@pytest.mark.parametrize("accept", [b"application/json", b"text/html, application/JSON;q=0.1"])
def test_an_error_is_json_for_who_asks_for_it(accept: bytes) -> None:
    data = error_answer(
        503, "no_healthy_server", "nobody", request_id="r1", date=b"", accept=accept, close=False
    )
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"Content-Type: application/json\r\n" in head
    assert b"Content-Length: %d" % len(body) in head
    assert b"Connection" not in head
    assert json.loads(body) == {
        "error": {"code": "no_healthy_server", "message": "nobody", "request_id": "r1"}
    }


def test_a_head_request_s_error_has_its_length_and_no_body() -> None:
    whole = error_answer(502, "x", "y", request_id="r", date=b"")
    bare = error_answer(502, "x", "y", request_id="r", date=b"", bodiless=True)
    assert whole.partition(b"\r\n\r\n")[:2] == bare.partition(b"\r\n\r\n")[:2]
    assert bare.endswith(b"\r\n\r\n")


def test_retry_after_and_allow_come_where_they_belong() -> None:
    busy = error_answer(503, "x", "y", request_id="r", date=b"", retry_after_seconds=7)
    assert b"\r\nRetry-After: 7\r\n" in busy
    refused = error_answer(405, "x", "y", request_id="r", date=b"")
    assert b"\r\nAllow: GET, HEAD, POST, " in refused
    assert b"Allow" not in busy


def test_an_answer_of_ours_is_whole() -> None:
    data = own_answer(200, b"text/plain", b"hi", date=DATE, bodiless=False, close=False)
    assert data == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n" + DATE + b"\r\nhi"
    )


def test_the_date_is_gmt_and_changes_with_the_second() -> None:
    line = DateLine()
    first = line.at(1_767_225_600.0)
    assert first == b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    assert line.at(1_767_225_600.999) is first
    assert line.at(1_767_225_601.0) == b"Date: Thu, 01 Jan 2026 00:00:01 GMT\r\n"
    assert line.at(1_767_225_600.0) == first
