"""Transfer-Encoding of a request (9112 §6.1, §6.3, §7)."""

from typing import Final

from tests.conformance.expect import (
    broken_off,
    closed,
    either,
    refused,
    requests,
    sent,
    sent_body,
    status,
    unsent,
)
from tests.conformance.script import Case, case, chunked, head, post_chunked

RULE: Final = "9112 6.1"
CODES: Final = (400, 422, 501)
"""501 is what 9112 §6.1 prefers for a coding that is not understood; it is no must."""
BODY: Final = chunked(b"hello")
HIDDEN: Final = b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
DONE: Final = (status(200), requests(1), sent_body(b"hello"))


def _post(*lines: bytes, body: bytes = BODY, version: bytes = b"HTTP/1.1") -> bytes:
    return head(*lines, method=b"POST", version=version) + body


def _bad(id: str, value: bytes) -> Case:
    """A coding that nobody here understands, or that leaves the end of the body unknown."""
    data = _post(b"Transfer-Encoding: " + value)
    return case(f"transfer-encoding: {id}", RULE, data, refused(*CODES))


def _clean_or_bad(id: str, value: bytes) -> Case:
    """Readable as `chunked`; then it is relayed as just that."""
    data = _post(b"Transfer-Encoding: " + value)
    way = (*DONE, sent(b"transfer-encoding", b"chunked"))
    relayed_by_length = (*DONE, sent(b"transfer-encoding"))
    return case(
        f"transfer-encoding: {id}", RULE, data, either(way, relayed_by_length, refused(*CODES))
    )


def _both(id: str, *lines: bytes, body: bytes = BODY, version: bytes = b"HTTP/1.1") -> Case:
    """With a length: refused, or the coding wins, the length goes, and the connection ends."""
    return case(
        f"transfer-encoding: {id}",
        "9112 6.3",
        _post(*lines, body=body, version=version),
        either(
            refused(*CODES),
            (status(200), requests(1), sent(b"content-length"), closed()),
            (status(200), requests(1), sent(b"transfer-encoding"), sent_body(b"hello"), closed()),
        ),
        unsent(b"GET /smuggled"),
    )


CASES: Final = (
    case("transfer-encoding: chunked", RULE, post_chunked(BODY), *DONE),
    case("transfer-encoding: in capitals", RULE, _post(b"Transfer-Encoding: CHUNKED"), *DONE),
    case("transfer-encoding: after a tab", RULE, _post(b"Transfer-Encoding:\tchunked"), *DONE),
    case(
        "transfer-encoding: with a GET",
        "9110 9.3.1",
        head(b"Transfer-Encoding: chunked") + BODY,
        either(DONE, refused(400, 411, 413)),
    ),
    _both("and a length that fits", b"Transfer-Encoding: chunked", b"Content-Length: 15"),
    _both("and a length before it", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    _both("and a length of zero", b"Transfer-Encoding: chunked", b"Content-Length: 0"),
    _both(
        "CL.TE: a hidden request after the last chunk",
        b"Content-Length: %d" % (5 + len(HIDDEN)),
        b"Transfer-Encoding: chunked",
        body=b"0\r\n\r\n" + HIDDEN,
    ),
    _both(
        "TE.CL: a hidden request in a chunk",
        b"Content-Length: 4",
        b"Transfer-Encoding: chunked",
        body=chunked(b"hello"),
    ),
    _both(
        "and a length in HTTP/1.0",
        b"Content-Length: 5",
        b"Transfer-Encoding: chunked",
        version=b"HTTP/1.0",
    ),
    case(
        "transfer-encoding: unknown and a length",
        RULE,
        _post(b"Transfer-Encoding: xchunked", b"Content-Length: 5", body=b"hello"),
        refused(*CODES),
    ),
    case(
        "transfer-encoding: a broken length beside it",
        RULE,
        _post(b"Transfer-Encoding: chunked", b"Content-Length: x"),
        refused(*CODES),
    ),
    _bad("identity", b"identity"),
    _bad("gzip", b"gzip"),
    _bad("gzip, chunked", b"gzip, chunked"),
    _bad("chunked is not final", b"chunked, gzip"),
    _bad("chunked, identity", b"chunked, identity"),
    _bad("identity, chunked", b"identity, chunked"),
    _bad("chunked twice", b"chunked, chunked"),
    _bad("xchunked", b"xchunked"),
    _bad("chunkedx", b"chunkedx"),
    _bad("a parameter", b"chunked;q=1"),
    _bad("quoted", b'"chunked"'),
    _bad("split by a space", b"chun ked"),
    _bad("with a vertical tab", b"\x0bchunked"),
    _bad("with NUL", b"chunked\x00"),
    _bad("a bare CR after it", b"chunked\r"),
    _bad("empty", b""),
    _bad("in another script", b"\xef\xbd\x83hunked"),
    _clean_or_bad("an empty element after it", b"chunked,"),
    _clean_or_bad("an empty element before it", b", chunked"),
    case(
        "transfer-encoding: two lines of chunked",
        RULE,
        _post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        refused(*CODES),
    ),
    case(
        "transfer-encoding: two lines, the last unknown",
        RULE,
        _post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"),
        refused(*CODES),
    ),
    case(
        "transfer-encoding: two lines, the first unknown",
        RULE,
        _post(b"Transfer-Encoding: x", b"Transfer-Encoding: chunked"),
        refused(*CODES),
    ),
    case(
        "transfer-encoding: two lines, one empty",
        RULE,
        _post(b"Transfer-Encoding:", b"Transfer-Encoding: chunked"),
        either(DONE, refused(*CODES)),
    ),
    case(
        "transfer-encoding: in HTTP/1.0 is faulty framing",
        RULE,
        _post(b"Transfer-Encoding: chunked", version=b"HTTP/1.0"),
        either(refused(*CODES), (*DONE, closed()), broken_off(*CODES)),
    ),
    case(
        "transfer-encoding: in HTTP/1.0 with keep-alive ends the connection",
        RULE,
        _post(b"Transfer-Encoding: chunked", b"Connection: keep-alive", version=b"HTTP/1.0")
        + HIDDEN,
        either(refused(*CODES), (*DONE, closed())),
        unsent(b"GET /smuggled"),
    ),
    case(
        "transfer-encoding: several in HTTP/1.0",
        RULE,
        _post(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked", version=b"HTTP/1.0")
        + HIDDEN,
        refused(*CODES),
        unsent(b"GET /smuggled"),
    ),
)
