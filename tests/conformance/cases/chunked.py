"""The chunked coding of a request body (9112 §7.1)."""

from typing import Final

from tests.conformance.expect import (
    answers_to,
    broken_off,
    either,
    kept,
    requests,
    sent_body,
    status,
    unsent,
)
from tests.conformance.script import (
    Case,
    HalfClose,
    byte_by_byte,
    case,
    chunked,
    head,
    post_chunked,
    send,
    split,
)

RULE: Final = "9112 7.1"
EXTENSION: Final = "9112 7.1.1"
END: Final = b"0\r\n\r\n"
DONE: Final = (status(200), requests(1), sent_body(b"hello"))


def _good(id: str, raw: bytes, rule: str = RULE) -> Case:
    return case(f"chunked: {id}", rule, post_chunked(raw), *DONE, kept())


def _bad(id: str, raw: bytes, rule: str = RULE, *codes: int, must: bool = True) -> Case:
    """Refused, and the message never becomes complete at a server."""
    expect = broken_off(*(codes or (400,)))
    return case(f"chunked: {id}", rule, post_chunked(raw), expect, must=must)


def _cut(id: str, raw: bytes) -> Case:
    """The client ends in the middle: nothing is complete anywhere."""
    script = (send(post_chunked(raw)), HalfClose())
    return case(f"chunked: {id}", "9112 8", script, broken_off(400, 408, 499))


GOOD: Final = (
    _good("several chunks", chunked(b"he", b"l", b"lo")),
    _good("sizes in capitals and small letters", b"5\r\nhello\r\n" + END),
    case(
        "chunked: size A and a",
        RULE,
        post_chunked(b"A\r\n0123456789\r\na\r\n0123456789\r\n" + END),
        status(200),
        sent_body(b"0123456789" * 2),
    ),
    _good("leading zeros", b"00005\r\nhello\r\n" + END),
    _good("several zeros at the end", b"5\r\nhello\r\n0000\r\n\r\n"),
    _good("extension without a value", b"5;a\r\nhello\r\n" + END, EXTENSION),
    _good("extension with a value", b"5;a=b;c=d\r\nhello\r\n" + END, EXTENSION),
    _good("extension with a quoted value", b'5;a="b;\\"c\\""\r\nhello\r\n' + END, EXTENSION),
    _good("extension of the last chunk", b"5\r\nhello\r\n0;a=b\r\n\r\n", EXTENSION),
    case(
        "chunked: empty body",
        RULE,
        post_chunked(END),
        status(200),
        requests(1),
        sent_body(b""),
        kept(),
    ),
    case(
        "chunked: byte by byte",
        RULE,
        (byte_by_byte(post_chunked(chunked(b"he", b"llo"))),),
        *DONE,
        kept(),
    ),
    case(
        "chunked: cut inside size, data and CRLF",
        RULE,
        (split(post_chunked(b"00a\r\n0123456789\r\n" + END), -22, -19, -13, -8, -6, -3, -1),),
        status(200),
        sent_body(b"0123456789"),
        kept(),
    ),
    case(
        "chunked: what follows the last chunk is the next request",
        RULE,
        post_chunked(chunked(b"hello")) + head(target=b"/next"),
        answers_to(b"/p", b"/next"),
        sent_body(b"hello"),
        answers=2,
    ),
    case(
        "chunked: data that looks like framing",
        RULE,
        post_chunked(chunked(b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")),
        status(200),
        requests(1),
        sent_body(b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"),
        kept(),
    ),
    case(
        "chunked: two hundred chunks of one byte",
        RULE,
        post_chunked(chunked(*[b"x"] * 200)),
        status(200),
        sent_body(b"x" * 200),
        kept(),
    ),
    case(
        "chunked: 256 KiB in one chunk",
        RULE,
        post_chunked(chunked(b"x" * 262144)),
        status(200),
        sent_body(b"x" * 262144),
        kept(),
    ),
)

SIZES: Final = (
    _bad("size with 0x", b"0x5\r\nhello\r\n" + END),
    _bad("size with a plus", b"+5\r\nhello\r\n" + END),
    _bad("size with a minus", b"-5\r\nhello\r\n" + END),
    _bad("size with an underscore", b"0_5\r\nhello\r\n" + END),
    _bad("size after a space", b" 5\r\nhello\r\n" + END),
    _bad("size before a space", b"5 \r\nhello\r\n" + END, must=False),
    _bad("size before a tab", b"5\t\r\nhello\r\n" + END, must=False),
    _bad("two sizes", b"5 5\r\nhello\r\n" + END),
    _bad("size is no number", b"g\r\nhello\r\n" + END),
    _bad("size is missing", b"\r\nhello\r\n" + END),
    _bad("size with a letter after it", b"5g\r\nhello\r\n" + END),
    _bad("size with NUL", b"5\x00\r\nhello\r\n" + END),
    _bad("size in another script", b"\xd9\xa5\r\nhello\r\n" + END),
    _bad(
        "size of two to the 64th and five", b"10000000000000005\r\nhello\r\n" + END, RULE, 400, 413
    ),
    _bad("size of sixteen F and more", b"fffffffffffffffff\r\nhello\r\n" + END, RULE, 400, 413),
    _bad("size of twenty digits", b"f" * 20 + b"\r\nhello\r\n" + END, RULE, 400, 413),
    case(
        "chunked: size with a thousand leading zeros",
        RULE,
        post_chunked(b"0" * 1000 + b"5\r\nhello\r\n" + END),
        either(DONE, broken_off(400, 413)),
        must=False,
    ),
    _cut("size of two to the 63rd", b"7fffffffffffffff\r\nhello"),
)

LINES: Final = (
    _bad("data longer than its size", b"5\r\nhello!\r\n" + END),
    _bad("data shorter than its size", b"6\r\nhello\r\n" + END),
    _bad("two other bytes after the data", b"5\r\nhelloXX" + END),
    _bad("nothing after the data", b"5\r\nhello" + END),
    _bad("LF after the data", b"5\r\nhello\n" + END, must=False),
    _bad("CR after the data", b"5\r\nhello\r" + END),
    _bad("LF CR after the data", b"5\r\nhello\n\r" + END),
    _bad("LF after the size", b"5\nhello\r\n" + END, must=False),
    _bad("CR after the size", b"5\rhello\r\n" + END),
    _bad("CR CR LF after the size", b"5\r\r\nhello\r\n" + END),
    _bad("LF after the last chunk", b"5\r\nhello\r\n0\n\n", must=False),
    _bad("other bytes instead of the last empty line", b"5\r\nhello\r\n0\r\nXX\r\n\r\n"),
    _cut("ended without the last chunk", b"5\r\nhello\r\n"),
    _cut("ended inside a chunk", b"5\r\nhel"),
    _cut("ended inside the size", b"5"),
    _cut("ended before the last CRLF", b"5\r\nhello\r\n0\r\n"),
)

EXTENSIONS: Final = (
    _bad("extension with a bare CR", b"5;a\rb\r\nhello\r\n" + END, EXTENSION),
    _bad("extension with a bare LF hides a chunk", b"5;\nhello\r\n" + END, EXTENSION),
    _bad("extension with NUL", b"5;a\x00\r\nhello\r\n" + END, EXTENSION),
    _bad("extension with a control", b"5;a\x01\r\nhello\r\n" + END, EXTENSION, must=False),
    _bad("extension without a name", b"5;\r\nhello\r\n" + END, EXTENSION, must=False),
    _bad("extension with an empty value", b"5;a=\r\nhello\r\n" + END, EXTENSION, must=False),
    _bad("extension that is no token", b"5;(a)\r\nhello\r\n" + END, EXTENSION, must=False),
    _bad("extension with an open quote", b'5;a="b\r\nhello\r\n' + END, EXTENSION, must=False),
    _bad(
        "extension of 20 KiB",
        b"5;" + b"a" * 20480 + b"\r\nhello\r\n" + END,
        EXTENSION,
        400,
        413,
        431,
    ),
    _bad(
        "extensions of 64 KiB in all",
        (b"1;" + b"a" * 1022 + b"\r\nx\r\n") * 64 + END,
        EXTENSION,
        400,
        413,
        431,
        must=False,
    ),
    case(
        "chunked: extension with spaces around is read, and not relayed so",
        EXTENSION,
        post_chunked(b"5 ; a = b\r\nhello\r\n" + END),
        either(DONE, broken_off()),
    ),
    case(
        "chunked: TERM.EXT hides no request",
        EXTENSION,
        post_chunked(b"5;\nxxxxx\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        broken_off(),
        unsent(b"/smuggled"),
    ),
)

CASES: Final = (*GOOD, *SIZES, *LINES, *EXTENSIONS)
