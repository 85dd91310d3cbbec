"""Status line, fields and framing of an answer (9112 §4, §5, §6.3)."""

from typing import Final

from tests.conformance.expect import (
    Expect,
    bad_gateway,
    body,
    either,
    field,
    framed,
    kept,
    silent,
    status,
    upstream_dropped,
)
from tests.conformance.script import (
    Case,
    Close,
    Gone,
    Send,
    answer,
    byte_by_byte,
    chunked,
    reply,
    response_case,
)
from tests.conformance.strict import Framing

RULE: Final = "9112 6.3"
LENGTH_5: Final = b"Content-Length: 5"
CODED: Final = b"Transfer-Encoding: chunked"


def _good(id: str, raw: bytes, *expect: Expect, rule: str = RULE, must: bool = True) -> Case:
    return response_case(
        f"response-framing: {id}", rule, raw, status(200), body(b"hello"), *expect, must=must
    )


def _bad(id: str, *lines: bytes, raw: bytes = b"hello") -> Case:
    """The answer's end is unknown: 502, and the connection to the server goes."""
    return response_case(
        f"response-framing: {id}",
        RULE,
        answer(reply(*lines, body=raw), Close()),
        bad_gateway(),
        upstream_dropped(),
    )


def _line(id: str, line: bytes, *, must: bool = True) -> Case:
    """A status line that is none: 502."""
    raw = line + b"\r\nContent-Length: 5\r\n\r\nhello"
    return response_case(
        f"response-framing: {id}", "9112 4", raw, bad_gateway(), must=must, repeat=True
    )


def _repaired(id: str, line: bytes, secret: bytes, rule: str = "9110 5.5") -> Case:
    """A wrong field: 502, or set right; never relayed as it is."""
    raw = reply(LENGTH_5, line, body=b"hello")
    return response_case(
        f"response-framing: {id}",
        rule,
        raw,
        either(bad_gateway(), (status(200), body(b"hello"))),
        silent(secret),
        repeat=True,
    )


FRAMING: Final = (
    _good("a length", reply(LENGTH_5, body=b"hello"), framed(Framing.LENGTH), kept()),
    _good("chunks", reply(CODED, body=chunked(b"he", b"llo")), framed(Framing.CHUNKED), kept()),
    _good(
        "chunks with extensions and zeros",
        reply(CODED, body=b'05;a="b"\r\nhello\r\n00;c\r\n\r\n'),
        kept(),
    ),
    _good(
        "chunks in capitals", reply(b"transfer-encoding: CHUNKED", body=chunked(b"hello")), kept()
    ),
    response_case(
        "response-framing: until close",
        RULE,
        answer(reply(body=b"hello"), Close()),
        status(200),
        body(b"hello"),
    ),
    response_case(
        "response-framing: until close, empty",
        RULE,
        answer(reply(), Close()),
        status(200),
        body(b""),
    ),
    response_case(
        "response-framing: HTTP/1.0 until close",
        RULE,
        answer(b"HTTP/1.0 200 OK\r\n\r\nhello", Close()),
        status(200),
        body(b"hello"),
    ),
    _good(
        "HTTP/1.0 with a length",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        rule="9112 2.3",
    ),
    response_case(
        "response-framing: byte by byte",
        RULE,
        answer(byte_by_byte(reply(CODED, body=chunked(b"he", b"llo")))),
        status(200),
        body(b"hello"),
        kept(),
    ),
    _bad("different lengths", LENGTH_5, b"Content-Length: 6"),
    _bad("a list of different lengths", b"Content-Length: 5, 6"),
    _bad("a good length and a bad one", LENGTH_5, b"Content-Length: x"),
    _bad("length with a plus", b"Content-Length: +5"),
    _bad("length with a minus", b"Content-Length: -5"),
    _bad("length in hexadecimal", b"Content-Length: 0x5"),
    _bad("length with a letter", b"Content-Length: 5a"),
    _bad("length with a space inside", b"Content-Length: 0 5"),
    _bad("empty length", b"Content-Length:"),
    _bad("length of two to the 64th and five", b"Content-Length: 18446744073709551621"),
    response_case(
        "response-framing: equal lengths are one or an error",
        RULE,
        reply(LENGTH_5, LENGTH_5, body=b"hello"),
        either(bad_gateway(), (status(200), body(b"hello"), field(b"content-length", b"5"))),
    ),
    response_case(
        "response-framing: a list of equal lengths is one or an error",
        RULE,
        reply(b"Content-Length: 5, 5", body=b"hello"),
        either(bad_gateway(), (status(200), body(b"hello"), field(b"content-length", b"5"))),
    ),
    response_case(
        "response-framing: the coding wins over a length, or 502",
        RULE,
        reply(LENGTH_5, CODED, body=chunked(b"hello")),
        either(bad_gateway(), (status(200), body(b"hello"))),
        upstream_dropped(),
    ),
    response_case(
        "response-framing: the coding wins over a length that hides bytes",
        RULE,
        reply(CODED, b"Content-Length: 0", body=chunked(b"hello")),
        either(bad_gateway(), (status(200), body(b"hello"))),
        upstream_dropped(),
    ),
    _bad("coding and a bad length", CODED, b"Content-Length: x", raw=chunked(b"hello")),
    _bad("unknown coding", b"Transfer-Encoding: xchunked"),
    _bad("gzip, chunked", b"Transfer-Encoding: gzip, chunked", raw=chunked(b"hello")),
    _bad("chunked is not final", b"Transfer-Encoding: chunked, gzip"),
    _bad("identity", b"Transfer-Encoding: identity"),
    _bad("chunked twice", b"Transfer-Encoding: chunked, chunked", raw=chunked(b"hello")),
    _bad("two lines of chunked", CODED, CODED, raw=chunked(b"hello")),
    _bad("unknown coding and a length", b"Transfer-Encoding: x", LENGTH_5),
    _bad("empty coding", b"Transfer-Encoding:", raw=chunked(b"hello")),
    response_case(
        "response-framing: a coding in HTTP/1.0 is faulty",
        "9112 6.1",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello"),
        either(bad_gateway(), (status(200), body(b"hello"))),
        upstream_dropped(),
    ),
)

LINES: Final = (
    _line("status of two digits", b"HTTP/1.1 20 OK"),
    _line("status of four digits", b"HTTP/1.1 2000 OK"),
    _line("status of letters", b"HTTP/1.1 abc OK"),
    _line("status 000", b"HTTP/1.1 000 Odd"),
    _line("status 099", b"HTTP/1.1 099 Odd"),
    _line("status 600", b"HTTP/1.1 600 Odd", must=False),
    _line("status with a sign", b"HTTP/1.1 +200 OK"),
    _line("two spaces", b"HTTP/1.1  200 OK"),
    _line("no status", b"HTTP/1.1"),
    _line("version 2.0", b"HTTP/2.0 200 OK"),
    _line("version 9.9", b"HTTP/9.9 200 OK"),
    _line("version 1.x", b"HTTP/1.x 200 OK"),
    _line("version of ICY", b"ICY 200 OK"),
    _line("version in lower case", b"http/1.1 200 OK"),
    _line("a request instead of an answer", b"GET / HTTP/1.1"),
    _line("noise", bytes(range(128, 200))),
    _line("NUL in the reason", b"HTTP/1.1 200 O\x00K"),
    _line("CR in the reason", b"HTTP/1.1 200 O\rK"),
    _good("no reason", b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello", rule="9112 4"),
    response_case(
        "response-framing: no reason and no space",
        "9112 4",
        b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
        either(bad_gateway(), (status(200), body(b"hello"))),
        repeat=True,
    ),
    response_case(
        "response-framing: LF alone",
        "9112 2.2",
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
        either(bad_gateway(), status(504), (status(200), body(b"hello"))),
        repeat=True,
    ),
    _good(
        "a long reason",
        b"HTTP/1.1 200 " + b"x" * 500 + b"\r\nContent-Length: 5\r\n\r\nhello",
        rule="9112 4",
    ),
    response_case(
        "response-framing: status 299 passes",
        "9110 15",
        reply(LENGTH_5, status=b"299 Odd", body=b"hello"),
        status(299),
        body(b"hello"),
    ),
    response_case(
        "response-framing: status 418 passes",
        "9110 15",
        reply(LENGTH_5, status=b"418 I'm a teapot", body=b"hello"),
        status(418),
    ),
    response_case(
        "response-framing: status 599 passes",
        "9110 15",
        reply(LENGTH_5, status=b"599 Odd", body=b"hello"),
        status(599),
    ),
)

FIELDS: Final = (
    _repaired("space before a colon", b"X-A : secret", b"X-A :", "9112 5.1"),
    _repaired("space before the colon of a coding", CODED.replace(b":", b" :"), b"g :", "9112 5.1"),
    _repaired("fold", b"X-A: b\r\n c", b"b\r\n c", "9112 5.2"),
    _repaired("NUL in a value", b"X-A: a\x00b", b"\x00"),
    _repaired("CR in a value", b"X-A: a\rb", b"a\rb"),
    _repaired("escape in a value", b"X-A: a\x1bb", b"\x1b"),
    _repaired("no colon", b"nonsense", b"nonsense", "9110 5.1"),
    _repaired("empty name", b": secret", b": secret", "9110 5.1"),
    _repaired("space in a name", b"X A: secret", b"X A", "9110 5.1"),
    _repaired("LF in a value", b"X-A: a\nX-Evil: b", b"a\nX"),
    _good(
        "cookies stay apart and in order",
        reply(LENGTH_5, b"Set-Cookie: a=1, x", b"X-A: b", b"Set-Cookie: b=2", body=b"hello"),
        field(b"set-cookie", b"a=1, x", b"b=2"),
        rule="9110 5.3",
    ),
    _good(
        "values above 127 pass",
        reply(LENGTH_5, b"X-A: caf\xe9", body=b"hello"),
        field(b"x-a", b"caf\xe9"),
        must=False,
    ),
    response_case(
        "response-framing: a head of 200 KiB",
        "9110 5.4",
        answer(Send((reply(*[b"X-A: " + b"a" * 1000] * 200, LENGTH_5),)), Gone()),
        bad_gateway(),
        upstream_dropped(),
        repeat=True,
    ),
    response_case(
        "response-framing: a thousand fields",
        "9110 5.4",
        reply(*[b"X-A: b"] * 1000, LENGTH_5, body=b"hello"),
        either(bad_gateway(), (status(200), body(b"hello"))),
        must=False,
        repeat=True,
    ),
)

CASES: Final = (*FRAMING, *LINES, *FIELDS)
