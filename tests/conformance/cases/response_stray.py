"""Bytes that no answer holds are nobody's answer (9112 §6.3, §9.2)."""

from typing import Final

from tests.conformance.expect import (
    body,
    requests,
    silent,
    status,
    upstream_dropped,
)
from tests.conformance.script import (
    Answers,
    Case,
    Played,
    Send,
    Whole,
    answer,
    chunked,
    head,
    post,
    reply,
    response_case,
    send,
    sized,
)

RULE: Final = "9112 6.3"
POISON: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
CODED: Final = b"Transfer-Encoding: chunked"


def _stray(id: str, *raw: bytes, client: bytes = head()) -> Case:
    """The answer is whole; what follows it is dropped with its connection."""
    return response_case(
        f"response-stray: {id}",
        RULE,
        answer(Send(raw)),
        status(200),
        body(b"ok"),
        silent(b"poison"),
        upstream_dropped(),
        client=(send(client), Answers(1), Played()),
    )


CASES: Final = (
    _stray("noise behind a length", sized(b"ok") + b"poison"),
    _stray("one byte behind a length", sized(b"ok") + b"\n"),
    _stray("CRLF behind a length", sized(b"ok") + b"\r\n"),
    _stray("a second answer behind a length", sized(b"ok") + POISON),
    _stray("a second answer in its own segment", sized(b"ok"), POISON),
    _stray("a second answer behind chunks", reply(CODED, body=chunked(b"ok")) + POISON),
    _stray("a second answer behind chunks, later", reply(CODED, body=chunked(b"ok")), POISON),
    _stray("noise behind chunks", reply(CODED, body=chunked(b"ok")) + b"poison"),
    _stray("a second answer to a POST", sized(b"ok") + POISON, client=post(b"hello")),
    _stray("an interim answer behind", sized(b"ok") + b"HTTP/1.1 100 Continue\r\n\r\n" + POISON),
    _stray("the length is shorter than the body", reply(b"Content-Length: 2", body=b"okpoison")),
    _stray("a hundred answers behind", sized(b"ok") + POISON * 100),
    response_case(
        "response-stray: an answer of an idle connection",
        "9112 9.2",
        [answer(sized(b"1")), (Whole(), send(sized(b"2")))],
        status(200),
        body(b"2", at=1),
        requests(2),
        client=(send(head()), Answers(1), send(head(target=b"/2")), Answers(2)),
        answers=2,
    ),
    response_case(
        "response-stray: a timeout notice of an idle connection",
        "9112 9.2",
        answer(
            Send(
                (
                    sized(b"ok"),
                    sized(b"poison", b"Connection: close", status=b"408 Request Timeout"),
                )
            )
        ),
        status(200),
        body(b"ok"),
        silent(b"poison"),
        client=(send(head()), Answers(1), Played()),
    ),
    response_case(
        "response-stray: never another client's",
        RULE,
        [answer(sized(b"ok") + POISON), answer(sized(b"fine"))],
        status(200),
        body(b"fine", at=1),
        silent(b"poison"),
        client=(send(head()), Answers(1), Played(), send(head(target=b"/2")), Answers(2)),
        answers=2,
    ),
)
