"""Bodies of requests and answers pass as they are (9110 §9.3, 9112 §6)."""

from typing import Final

from tests.conformance.expect import (
    body,
    broken_off,
    either,
    field,
    framed,
    kept,
    refused,
    requests,
    sent_body,
    sent_method,
    status,
)
from tests.conformance.script import (
    Case,
    HalfClose,
    byte_by_byte,
    case,
    chunked,
    head,
    post,
    reply,
    response_case,
    send,
    sized,
    split,
)
from tests.conformance.strict import Framing

RULE: Final = "9110 9.3.1"
NOISE: Final = bytes(range(256)) * 40
BIG: Final = NOISE * 40


def _with_body(method: bytes) -> Case:
    """A method whose body means nothing still has one: one request, body intact, or 4xx."""
    return case(
        f"bodies: {method.decode()} with a length",
        RULE,
        post(b"hello", method=method),
        either(
            (status(200), requests(1), sent_body(b"hello"), sent_method(method)),
            refused(400, 405, 411, 413, 501),
        ),
    )


def _with_chunks(method: bytes) -> Case:
    return case(
        f"bodies: {method.decode()} in chunks",
        RULE,
        head(b"Transfer-Encoding: chunked", method=method) + chunked(b"hello"),
        either((status(200), requests(1), sent_body(b"hello")), refused(400, 405, 411, 413, 501)),
    )


CASES: Final = (
    *(_with_body(m) for m in (b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"PUT", b"PATCH")),
    *(_with_chunks(m) for m in (b"HEAD", b"OPTIONS", b"DELETE", b"PUT")),
    case("bodies: every byte value", RULE, post(NOISE), status(200), sent_body(NOISE), kept()),
    case("bodies: 400 KiB with a length", RULE, post(BIG), status(200), sent_body(BIG), kept()),
    case(
        "bodies: head and body byte by byte",
        RULE,
        (byte_by_byte(post(b"hello")),),
        status(200),
        requests(1),
        sent_body(b"hello"),
        kept(),
    ),
    case(
        "bodies: cut at the end of the head",
        RULE,
        (split(post(b"hello"), -5),),
        status(200),
        requests(1),
        sent_body(b"hello"),
        kept(),
    ),
    case(
        "bodies: cut inside the empty line",
        RULE,
        (split(post(b"hello"), -8, -7, -6),),
        status(200),
        requests(1),
        sent_body(b"hello"),
        kept(),
    ),
    case(
        "bodies: that ends too early is complete nowhere",
        "9112 8",
        (send(head(b"Content-Length: 9", method=b"POST"), b"hello"), HalfClose()),
        broken_off(400, 408, 499),
    ),
    case(
        "bodies: a request that is half closed behind is whole",
        "9112 9.6",
        (send(post(b"hello")), HalfClose()),
        status(200),
        body(b"answer to /p"),
        must=False,
    ),
    response_case(
        "bodies: answer of every byte value", RULE, sized(NOISE), status(200), body(NOISE), kept()
    ),
    response_case(
        "bodies: answer of 400 KiB with a length",
        RULE,
        sized(BIG),
        status(200),
        body(BIG),
        framed(Framing.LENGTH),
        kept(),
    ),
    response_case(
        "bodies: answer of 400 KiB in chunks",
        RULE,
        reply(b"Transfer-Encoding: chunked", body=chunked(*[NOISE] * 40)),
        status(200),
        body(BIG),
        kept(),
    ),
    response_case(
        "bodies: coded content is not touched",
        "9110 7.7",
        sized(
            b"\x1f\x8b\x08\x00",
            b"Content-Encoding: gzip",
            b"Cache-Control: no-transform",
            b'ETag: "a"',
        ),
        body(b"\x1f\x8b\x08\x00"),
        field(b"content-encoding", b"gzip"),
        field(b"cache-control", b"no-transform"),
        field(b"etag", b'"a"'),
    ),
)
