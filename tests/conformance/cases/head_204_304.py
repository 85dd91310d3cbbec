"""Answers that have no body, whatever they declare (9110 §8.6, 9112 §6.3)."""

from typing import Final

from tests.conformance.expect import (
    Expect,
    body,
    closed,
    either,
    field,
    framed,
    kept,
    silent,
    status,
    upstream_dropped,
)
from tests.conformance.script import (
    Answers,
    Case,
    Close,
    answer,
    chunked,
    head,
    reply,
    response_case,
    send,
    sized,
)
from tests.conformance.strict import Framing

RULE: Final = "9112 6.3"
ASK_HEAD: Final = head(method=b"HEAD")
POISON: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"


def _to_head(id: str, raw: bytes, *expect: Expect, must: bool = True) -> Case:
    return response_case(
        f"head-204-304: {id}", "9110 9.3.2", raw, status(200), *expect, client=ASK_HEAD, must=must
    )


def _stray(id: str, raw: bytes, code: int, client: bytes = head()) -> Case:
    """Body bytes where none may be: never the next answer, never another client's."""
    return response_case(
        f"head-204-304: {id}", RULE, raw,
        either((status(code), silent(b"poison"), upstream_dropped()), (status(502),)),
        silent(b"poison"), client=client,
    )  # fmt: skip


CASES: Final = (
    _to_head(
        "HEAD keeps the length", reply(b"Content-Length: 9"), field(b"content-length", b"9"), kept()
    ),
    _to_head(
        "HEAD of a chunked answer",
        reply(b"Transfer-Encoding: chunked"),
        framed(Framing.NONE),
        kept(),
    ),
    _to_head("HEAD without a length", reply(), framed(Framing.NONE), kept(), must=False),
    _to_head("HEAD of a length of zero", reply(b"Content-Length: 0"), kept()),
    response_case(
        "head-204-304: HEAD in HTTP/1.0",
        RULE,
        reply(b"Content-Length: 9"),
        status(200),
        framed(Framing.NONE),
        closed(),
        client=head(method=b"HEAD", version=b"HTTP/1.0"),
    ),
    response_case(
        "head-204-304: HEAD, then the server closes",
        RULE,
        answer(reply(b"Content-Length: 9", b"Connection: close"), Close()),
        status(200),
        kept(),
        client=ASK_HEAD,
        must=False,
    ),
    response_case(
        "head-204-304: HEAD, then GET on the same connection",
        RULE,
        [answer(reply(b"Content-Length: 2")), answer(sized(b"ok"))],
        status(200),
        body(b"ok", at=1),
        client=(send(ASK_HEAD), Answers(1), send(head()), Answers(2)),
        answers=2,
    ),
    _stray("HEAD with a body", sized(b"poison"), 200, ASK_HEAD),
    _stray(
        "HEAD with a chunked body",
        reply(b"Transfer-Encoding: chunked", body=chunked(b"poison")),
        200,
        ASK_HEAD,
    ),
    _stray("HEAD with another answer behind", reply(b"Content-Length: 0") + POISON, 200, ASK_HEAD),
    response_case(
        "head-204-304: HEAD with conflicting lengths",
        RULE,
        reply(b"Content-Length: 5", b"Content-Length: 6"),
        status(502),
        client=ASK_HEAD,
    ),
    response_case(
        "head-204-304: 204",
        RULE,
        reply(status=b"204 No Content"),
        status(204),
        framed(Framing.NONE),
        kept(),
    ),
    response_case(
        "head-204-304: 204 loses its length of zero",
        "9110 8.6",
        reply(b"Content-Length: 0", status=b"204 No Content"),
        either((status(204), field(b"content-length"), kept()), status(502)),
    ),
    response_case(
        "head-204-304: 204 loses its coding",
        "9112 6.1",
        reply(b"Transfer-Encoding: chunked", status=b"204 No Content"),
        either((status(204), field(b"transfer-encoding")), status(502)),
    ),
    _stray("204 with a body", sized(b"poison", status=b"204 No Content"), 204),
    _stray(
        "204 with a chunked body",
        reply(b"Transfer-Encoding: chunked", status=b"204 No Content", body=chunked(b"poison")),
        204,
    ),
    _stray("204 with another answer behind", reply(status=b"204 No Content") + POISON, 204),
    response_case(
        "head-204-304: 304 keeps its length",
        "9110 8.6",
        reply(b"Content-Length: 9", b'ETag: "a"', status=b"304 Not Modified"),
        status(304),
        framed(Framing.NONE),
        field(b"etag", b'"a"'),
        kept(),
    ),
    response_case(
        "head-204-304: 304 without a length",
        RULE,
        reply(status=b"304 Not Modified"),
        status(304),
        framed(Framing.NONE),
        kept(),
    ),
    response_case(
        "head-204-304: 304 with a coding",
        RULE,
        reply(b"Transfer-Encoding: chunked", status=b"304 Not Modified"),
        status(304),
        framed(Framing.NONE),
        kept(),
        must=False,
    ),
    _stray("304 with a body", sized(b"poison", status=b"304 Not Modified"), 304),
    _stray("304 with another answer behind", reply(status=b"304 Not Modified") + POISON, 304),
    response_case(
        "head-204-304: 205 has an empty body",
        "9110 15.3.6",
        reply(b"Content-Length: 0", status=b"205 Reset Content"),
        status(205),
        body(b""),
        kept(),
    ),
    response_case("head-204-304: empty 200", RULE, sized(b""), status(200), body(b""), kept()),
    response_case(
        "head-204-304: empty chunked 200",
        RULE,
        reply(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        status(200),
        body(b""),
        kept(),
    ),
    response_case(
        "head-204-304: 204 to HTTP/1.0",
        RULE,
        reply(status=b"204 No Content"),
        status(204),
        framed(Framing.NONE),
        closed(),
        client=head(version=b"HTTP/1.0"),
    ),
    response_case(
        "head-204-304: HEAD of an answer until close",
        RULE,
        answer(reply(), Close()),
        status(200),
        framed(Framing.NONE),
        client=ASK_HEAD,
    ),
    response_case(
        "head-204-304: an error of the server to HEAD",
        RULE,
        reply(b"Content-Length: 9", status=b"500 Oops"),
        status(500),
        kept(),
        client=ASK_HEAD,
    ),
    response_case(
        "head-204-304: our own error to HEAD has no body",
        "9110 9.3.2",
        answer(Close()),
        status(502),
        framed(Framing.NONE),
        client=ASK_HEAD,
        repeat=True,
    ),
)
