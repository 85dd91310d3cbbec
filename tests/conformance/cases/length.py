"""Content-Length of a request (9110 §8.6, 9112 §6.3)."""

from typing import Final

from tests.conformance.expect import (
    answers_to,
    either,
    kept,
    refused,
    requests,
    sent,
    sent_body,
    status,
    unsent,
)
from tests.conformance.script import Case, case, head, post

RULE: Final = "9112 6.3"
HIDDEN: Final = b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"


def _bad(id: str, value: bytes, *codes: int, body: bytes = b"hello") -> Case:
    data = head(b"Content-Length: " + value, method=b"POST") + body
    return case(f"length: {id}", RULE, data, refused(*codes))


CASES: Final = (
    case("length: fits", RULE, post(b"hello"), status(200), sent_body(b"hello"), kept()),
    case("length: zero", RULE, post(b""), status(200), sent_body(b""), kept()),
    case(
        "length: leading zeros",
        RULE,
        head(b"Content-Length: 0005", method=b"POST") + b"hello",
        either((status(200), sent_body(b"hello")), refused()),
    ),
    case(
        "length: spaces around it",
        RULE,
        head(b"Content-Length: \t 5 \t", method=b"POST") + b"hello",
        status(200),
        sent_body(b"hello"),
    ),
    _bad("plus sign", b"+5"),
    _bad("minus sign", b"-5"),
    _bad("minus zero", b"-0", body=b""),
    _bad("underscore", b"0_5"),
    _bad("hexadecimal", b"0x5"),
    _bad("exponent", b"5e0"),
    _bad("fraction", b"5.0"),
    _bad("letters after it", b"5a"),
    _bad("space inside", b"5 5"),
    _bad("semicolon", b"5;"),
    _bad("empty", b""),
    _bad("a word", b"five"),
    _bad("quoted", b'"5"'),
    _bad("digits of another script", b"\xd9\xa5"),
    _bad("vertical tab before it", b"\x0b5"),
    _bad("two to the 64th and five", b"18446744073709551621", 400, 413),
    _bad("two to the 32nd, 32 times over", b"5" * 32, 400, 413),
    _bad("a thousand digits", b"1" * 1000, 400, 413),
    _bad("a list of two values", b"5, 6"),
    _bad("a list that begins empty", b", 5"),
    _bad("a list that ends empty", b"5,"),
    case(
        "length: a list of equal values is one value or an error",
        RULE,
        head(b"Content-Length: 5, 5", method=b"POST") + b"hello",
        either((status(200), sent(b"content-length", b"5"), sent_body(b"hello")), refused()),
    ),
    case(
        "length: equal lines are one or an error",
        RULE,
        head(b"Content-Length: 5", b"Content-Length: 5", method=b"POST") + b"hello",
        either((status(200), sent(b"content-length", b"5"), sent_body(b"hello")), refused()),
    ),
    case(
        "length: different lines",
        RULE,
        head(b"Content-Length: 5", b"Content-Length: 6", method=b"POST") + b"hello!",
        refused(),
    ),
    case(
        "length: a good line and a bad one",
        RULE,
        head(b"Content-Length: 5", b"Content-Length: x", method=b"POST") + b"hello",
        refused(),
    ),
    case(
        "length: zero and a hidden request",
        RULE,
        head(b"Content-Length: 0", b"Content-Length: %d" % len(HIDDEN), method=b"POST") + HIDDEN,
        refused(),
        unsent(b"/smuggled"),
    ),
    case("length: bad in a GET", RULE, head(b"Content-Length: x"), refused()),
    case(
        "length: bad in HTTP/1.0",
        RULE,
        head(b"Content-Length: +5", method=b"POST", version=b"HTTP/1.0") + b"hello",
        refused(),
    ),
    case(
        "length: what follows the body is the next request",
        RULE,
        post(HIDDEN) + head(target=b"/next"),
        answers_to(b"/p", b"/next"),
        requests(2),
        sent_body(HIDDEN),
        answers=2,
    ),
    case(
        "length: none is no body",
        RULE,
        head(method=b"POST", target=b"/p") + head(target=b"/next"),
        answers_to(b"/p", b"/next"),
        requests(2),
        answers=2,
    ),
)
