"""An answer that stops in the middle never looks complete (9112 §8)."""

from typing import Final

from tests.conformance.expect import (
    bad_gateway,
    body,
    cut,
    either,
    requests,
    status,
)
from tests.conformance.script import (
    Case,
    Close,
    Reset,
    Step,
    answer,
    chunked,
    head,
    reply,
    response_case,
)

RULE: Final = "9112 8"
CODED: Final = b"Transfer-Encoding: chunked"
SHORT: Final = reply(b"Content-Length: 100", body=b"hello")
UNENDED: Final = reply(CODED, body=chunked(b"hello", last=b""))
OLD: Final = head(version=b"HTTP/1.0")
POST: Final = head(b"Content-Length: 0", method=b"POST")


def _cut(id: str, raw: bytes, end: Step, client: bytes = head()) -> Case:
    """Cut visibly, or 502 when nothing was relayed yet."""
    return response_case(
        f"truncated: {id}", RULE, answer(raw, end), either(cut(), status(502)), client=client
    )


def _nothing(id: str, end: Step, raw: bytes = b"", client: bytes = POST) -> Case:
    """No head came: 502."""
    steps = (raw, end) if raw else (end,)
    return response_case(
        f"truncated: {id}", RULE, answer(*steps), bad_gateway(), requests(1), client=client
    )


CASES: Final = (
    _cut("short of its length, closed", SHORT, Close()),
    _cut("short of its length, reset", SHORT, Reset()),
    _cut("one byte short", reply(b"Content-Length: 6", body=b"hello"), Close()),
    _cut("a length and no body, closed", reply(b"Content-Length: 5"), Close()),
    _cut("a length and no body, reset", reply(b"Content-Length: 5"), Reset()),
    _cut("no last chunk, closed", UNENDED, Close()),
    _cut("no last chunk, reset", UNENDED, Reset()),
    _cut("inside a chunk, closed", reply(CODED, body=b"9\r\nhello"), Close()),
    _cut("inside a chunk's size", reply(CODED, body=b"5\r\nhello\r\n1"), Close()),
    _cut("behind a chunk's data", reply(CODED, body=b"5\r\nhello"), Close()),
    _cut("inside the last chunk", reply(CODED, body=b"5\r\nhello\r\n0\r\n"), Close()),
    _cut("inside a trailer", reply(CODED, body=b"5\r\nhello\r\n0\r\nX-A: b\r\n"), Close()),
    _cut("no chunk at all", reply(CODED), Close()),
    _cut("until close, reset", reply(body=b"hello"), Reset()),
    _cut("wrong chunk size", reply(CODED, body=b"5\r\nhello\r\nzz\r\n"), Close()),
    _cut("negative chunk size", reply(CODED, body=b"5\r\nhello\r\n-1\r\n"), Close()),
    _cut(
        "chunk size too large", reply(CODED, body=b"5\r\nhello\r\n" + b"f" * 20 + b"\r\n"), Close()
    ),
    _cut("chunk size with 0x", reply(CODED, body=b"0x5\r\nhello\r\n0\r\n\r\n"), Close()),
    _cut("no CRLF behind a chunk", reply(CODED, body=b"5\r\nhelloXX0\r\n\r\n"), Close()),
    _cut("chunk longer than its size", reply(CODED, body=b"3\r\nhello\r\n0\r\n\r\n"), Close()),
    _cut("to HTTP/1.0, no last chunk", UNENDED, Close(), OLD),
    _cut("to HTTP/1.0, no last chunk, reset", UNENDED, Reset(), OLD),
    _cut("to HTTP/1.0, wrong chunk size", reply(CODED, body=b"5\r\nhello\r\nzz\r\n"), Close(), OLD),
    _cut("to HTTP/1.0, short of its length", SHORT, Close(), OLD),
    _cut("to HTTP/1.0, until close, reset", reply(body=b"hello"), Reset(), OLD),
    _nothing("no answer, closed", Close()),
    _nothing("no answer, reset", Reset()),
    _nothing("half a status line", Close(), b"HTTP/1.1 20"),
    _nothing("half a head", Close(), b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
    _nothing("half a head, reset", Reset(), b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
    _nothing("an empty line and no more", Close(), b"\r\n"),
    response_case(
        "truncated: an answer to HEAD cannot be short",
        RULE,
        answer(reply(b"Content-Length: 5"), Close()),
        status(200),
        client=head(method=b"HEAD"),
    ),
    response_case(
        "truncated: until close is whole by an orderly end",
        RULE,
        answer(reply(body=b"hello"), Close()),
        status(200),
        body(b"hello"),
    ),
)
