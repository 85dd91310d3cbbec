"""Trailer fields, both ways (9110 §6.5, 9112 §7.1.2)."""

from typing import Final

from tests.conformance.expect import (
    Expect,
    body,
    broken_off,
    closed,
    cut,
    either,
    field,
    framed,
    has_field,
    kept,
    requests,
    sent,
    sent_body,
    silent,
    status,
    unsent,
)
from tests.conformance.script import (
    Case,
    case,
    chunked,
    head,
    post_chunked,
    reply,
    response_case,
)
from tests.conformance.strict import Framing

RULE: Final = "9110 6.5.1"
CODED: Final = b"Transfer-Encoding: chunked"


def _post(*trailers: bytes) -> bytes:
    last = b"\r\n".join([b"0", *trailers, b"", b""])
    return post_chunked(chunked(b"hello", last=last))


def _reply(*trailers: bytes) -> bytes:
    last = b"\r\n".join([b"0", *trailers, b"", b""])
    return reply(CODED, body=chunked(b"hello", last=last))


def _never_merged(name: bytes, line: bytes, *expect: Expect) -> Case:
    """A field that frames or routes: dropped, or the whole refused."""
    return case(
        f"trailers: {name.decode()} in a request",
        RULE,
        _post(line),
        either((status(200), requests(1), sent_body(b"hello"), *expect), broken_off()),
    )


def _broken(id: str, line: bytes, *codes: int) -> Case:
    return case(f"trailers: {id}", "9112 7.1.2", _post(line), broken_off(*(codes or (400,))))


def _never_back(name: bytes, line: bytes) -> Case:
    return response_case(
        f"trailers: {name.decode()} in a response",
        RULE,
        _reply(line),
        either((status(200), body(b"hello"), field(name)), cut()),
    )


CASES: Final = (
    case(
        "trailers: dropped or kept apart",
        RULE,
        _post(b"X-Sum: 1", b"X-More: 2"),
        status(200),
        requests(1),
        sent_body(b"hello"),
        sent(b"x-sum"),
        kept(),
    ),
    case(
        "trailers: announced",
        RULE,
        post_chunked(chunked(b"hello", last=b"0\r\nX-Sum: 1\r\n\r\n"), b"Trailer: X-Sum"),
        status(200),
        sent_body(b"hello"),
        sent(b"x-sum"),
        kept(),
    ),
    case(
        "trailers: one that its Connection nominates goes",
        "9110 7.6.1",
        post_chunked(chunked(b"hello", last=b"0\r\nX-Hop: secret\r\n\r\n"), b"Connection: X-Hop"),
        status(200),
        unsent(b"secret"),
    ),
    _never_merged(b"content-length", b"Content-Length: 3"),
    _never_merged(b"transfer-encoding", b"Transfer-Encoding: gzip"),
    _never_merged(b"host", b"Host: evil.test", unsent(b"evil.test")),
    _never_merged(b"x-forwarded-for", b"X-Forwarded-For: 203.0.113.66", unsent(b"203.0.113.66")),
    _never_merged(b"connection", b"Connection: close", unsent(b"0\r\nConnection")),
    _never_merged(b"authorization", b"Authorization: Basic c2VjcmV0", unsent(b"c2VjcmV0")),
    _broken("no colon", b"nonsense"),
    _broken("space before the colon", b"X-Sum : 1"),
    _broken("NUL in a value", b"X-Sum: a\x00b"),
    _broken("bare CR in a value", b"X-Sum: a\rb"),
    _broken("empty name", b": 1"),
    case(
        "trailers: fold",
        "9112 5.2",
        _post(b"X-Sum: a\r\n b"),
        either(broken_off(), (status(200), requests(1), sent_body(b"hello"))),
    ),
    _broken("20 KiB of one", b"X-Sum: " + b"a" * 40960, 400, 413, 431),
    _broken("two hundred of them", b"\r\n".join([b"X-T: 1"] * 200), 400, 413, 431),
    response_case(
        "trailers: of a response are dropped or kept apart",
        RULE,
        _reply(b"X-Sum: 1"),
        status(200),
        body(b"hello"),
        field(b"x-sum"),
        kept(),
    ),
    response_case(
        "trailers: of a response never reach HTTP/1.0",
        RULE,
        _reply(b"X-Sum: 1"),
        status(200),
        body(b"hello"),
        silent(b"X-Sum"),
        framed(Framing.LENGTH, Framing.CLOSE),
        closed(),
        client=head(version=b"HTTP/1.0"),
    ),
    _never_back(b"set-cookie", b"Set-Cookie: a=b"),
    _never_back(b"content-length", b"Content-Length: 3"),
    response_case(
        "trailers: a broken one in a response is visible",
        "9112 7.1.2",
        _reply(b"X-Sum : a\x00b"),
        either(
            cut(),
            (status(502), closed()),
            status(502),
            (status(200), body(b"hello"), silent(b"\x00")),
        ),
    ),
    response_case(
        "trailers: endless in a response",
        "9112 7.1.2",
        _reply(*[b"X-Sum: " + b"a" * 1000] * 64),
        either(cut(), status(502), (status(200), body(b"hello"), has_field(b"date"))),
        must=False,
    ),
)
