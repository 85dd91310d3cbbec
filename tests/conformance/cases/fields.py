"""Field lines of a request (9110 §5, 9112 §2.2, §5)."""

from typing import Final

from tests.conformance.expect import (
    Expect,
    either,
    refused,
    requests,
    sent,
    sent_body,
    sent_matching,
    status,
    unsent,
)
from tests.conformance.script import Case, case, head, post

NAME: Final = "9110 5.1"
VALUE: Final = "9110 5.5"


def _folded(got: list[bytes]) -> bool:
    """A fold becomes one or more spaces."""
    return [value.split() for value in got] == [[b"a", b"b"]]


def _bad(id: str, line: bytes, rule: str, *, must: bool = True) -> Case:
    """A line that must not reach a server as it is: refused."""
    return case(f"fields: {id}", rule, head(line), refused(), must=must)


def _dropped_or_refused(id: str, line: bytes, secret: bytes) -> Case:
    return case(f"fields: {id}", NAME, head(line), either(refused(), (status(200), unsent(secret))))


def _value(id: str, raw: bytes, secret: bytes) -> Case:
    """An invalid byte in a value: refused, or replaced; never relayed."""
    return case(
        f"fields: {id}",
        VALUE,
        head(b"X-Raw: a" + raw + b"b"),
        either(refused(), (status(200), unsent(secret))),
    )


def _kept(id: str, lines: list[bytes], *expect: Expect, must: bool = True) -> Case:
    return case(f"fields: {id}", VALUE, head(*lines), status(200), *expect, must=must)


CASES: Final = (
    _bad("space before the colon", b"X-A : b", "9112 5.1"),
    _bad("tab before the colon", b"X-A\t: b", "9112 5.1"),
    case(
        "fields: space before the colon of Content-Length",
        "9112 5.1",
        head(b"Content-Length : 5", method=b"POST") + b"hello",
        refused(),
    ),
    case(
        "fields: space before the colon of Transfer-Encoding",
        "9112 5.1",
        head(b"Transfer-Encoding : chunked", b"Content-Length: 5", method=b"POST") + b"0\r\n\r\n",
        refused(),
    ),
    case(
        "fields: space before the first name",
        "9112 2.2",
        b"GET / HTTP/1.1\r\n X-Evil: a\r\nHost: a.test\r\n\r\n",
        either(refused(), (status(200), unsent(b"X-Evil"))),
    ),
    case(
        "fields: fold with a space",
        "9112 5.2",
        head(b"X-Fold: a\r\n b"),
        either(refused(), (status(200), sent_matching(b"x-fold", _folded, "spaces only"))),
    ),
    case(
        "fields: fold with a tab",
        "9112 5.2",
        head(b"X-Fold: a\r\n\tb"),
        either(refused(), (status(200), requests(1))),
    ),
    case(
        "fields: fold of the transfer coding",
        "9112 5.2",
        head(b"Transfer-Encoding:\r\n chunked", method=b"POST") + b"5\r\nhello\r\n0\r\n\r\n",
        either(refused(), (status(200), requests(1), sent_body(b"hello"))),
    ),
    case(
        "fields: fold of the length",
        "9112 5.2",
        head(b"Content-Length: 5\r\n 0", method=b"POST") + b"hello",
        refused(),
    ),
    case(
        "fields: fold of Host",
        "9112 5.2",
        b"GET / HTTP/1.1\r\nHost: a.test\r\n evil.test\r\n\r\n",
        refused(),
    ),
    case(
        "fields: a line of one space is a fold, not the end",
        "9112 5.2",
        head(b"X-A: b\r\n ") + b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n",
        either(refused(), (requests(1, 2), status(200))),
        answers=2,
        must=False,
    ),
    _dropped_or_refused("no colon", b"nonsense", b"nonsense"),
    _dropped_or_refused("empty name", b": secret", b"secret"),
    _dropped_or_refused("space in a name", b"X A: secret", b"secret"),
    _dropped_or_refused("bracket in a name", b"X(A): secret", b"secret"),
    _dropped_or_refused("byte above 127 in a name", b"X\xe9: secret", b"secret"),
    _dropped_or_refused("NUL in a name", b"X\x00A: secret", b"secret"),
    _dropped_or_refused("control in a name", b"X\x01A: secret", b"secret"),
    _dropped_or_refused("quote in a name", b'"X": secret', b"secret"),
    _dropped_or_refused("separator in a name", b"X/A: secret", b"secret"),
    _value("NUL in a value", b"\x00", b"\x00"),
    _value("bare CR in a value", b"\r", b"a\rb"),
    _value("CR before the end of a value", b"c\r", b"\r\r"),
    _value("escape in a value", b"\x1b[31m", b"\x1b"),
    _value("DEL in a value", b"\x7f", b"\x7f"),
    _value("vertical tab in a value", b"\x0b", b"\x0b"),
    _value("backspace in a value", b"\x08", b"\x08"),
    case(
        "fields: bare LF in a value begins a new line or nothing",
        "9110 5.5",
        head(b"X-Raw: a\nX-Evil: b"),
        either(refused(), (status(200), unsent(b"a\nX"))),
    ),
    case(
        "fields: bare CR before a hidden field",
        "9112 2.2",
        head(b"X-Raw: a\rTransfer-Encoding: chunked", method=b"POST"),
        either(refused(), (status(200), unsent(b"\rTransfer"))),
    ),
    _kept("values above 127 pass", [b"X-Text: caf\xe9"], sent(b"x-text", b"caf\xe9"), must=False),
    _kept("empty value passes", [b"X-Empty:"], sent(b"x-empty", b"")),
    _kept("spaces around a value go", [b"X-A: \t b c \t"], sent(b"x-a", b"b c")),
    _kept("no space after the colon", [b"X-A:b"], sent(b"x-a", b"b")),
    _kept("colons in a value", [b"X-A: b:c: d"], sent(b"x-a", b"b:c: d")),
    _kept(
        "lines of one name keep their order",
        [b"X-A: 1", b"X-B: 2", b"x-a: 3"],
        sent(b"x-a", b"1", b"3"),
    ),
    _kept(
        "cookies stay apart",
        [b"Cookie: a=1", b"Cookie: b=2"],
        sent(b"cookie", b"a=1", b"b=2"),
        must=False,
    ),
    _kept("a comma is no separator to us", [b'X-A: "a,b", c'], sent(b"x-a", b'"a,b", c')),
    case(
        "fields: names of framing in odd case",
        NAME,
        b"POST / HTTP/1.1\r\nhOsT: a.test\r\ntRANSFER-eNCODING: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        status(200),
        sent_body(b"hi"),
    ),
    case(
        "fields: an underscore is no hyphen",
        NAME,
        head(b"Content_Length: 5", b"Transfer_Encoding: chunked", method=b"POST"),
        status(200, 400, 411),
        requests(0, 1),
    ),
    case(
        "fields: Content-Length hidden by a form feed",
        NAME,
        post(b"hello").replace(b"Content-Length", b"\x0cContent-Length"),
        refused(),
    ),
)
