"""Keeping and closing the client's connection (9112 §9.3, §9.6)."""

from typing import Final

from tests.conformance.expect import (
    answers_to,
    body,
    closed,
    either,
    kept,
    requests,
    status,
    unsent,
    upstream_dropped,
)
from tests.conformance.script import (
    Answers,
    Case,
    Close,
    Ending,
    Gone,
    Heard,
    Played,
    Reset,
    answer,
    case,
    head,
    post,
    reply,
    response_case,
    send,
    sized,
)

RULE: Final = "9112 9.3"


def _closes(id: str, *lines: bytes, version: bytes = b"HTTP/1.1") -> Case:
    """Answered, then closed; what comes behind is not served."""
    data = head(*lines, version=version, target=b"/first") + head(target=b"/second")
    return case(
        f"connection: {id}", "9112 9.6", data, answers_to(b"/first"), closed(), unsent(b"/second")
    )


def _keeps(id: str, *lines: bytes, must: bool = False) -> Case:
    return case(f"connection: {id}", RULE, head(*lines), status(200), kept(), must=must)


CASES: Final = (
    _keeps("persists by default"),
    _keeps("persists with keep-alive", b"Connection: keep-alive"),
    _keeps("persists with other options", b"Connection: X-Other"),
    _keeps("empty option is none", b"Connection: ,"),
    _closes("close", b"Connection: close"),
    _closes("close in capitals", b"Connection: CLOSE"),
    _closes("close in a list", b"Connection: X-A, close ,X-B"),
    _closes("close on the second line", b"Connection: X-A", b"Connection: close"),
    _closes("close wins over keep-alive", b"Connection: keep-alive, close"),
    _closes("HTTP/1.0 closes", version=b"HTTP/1.0"),
    _closes("close with HTTP/1.0", b"Connection: close", version=b"HTTP/1.0"),
    case(
        "connection: HTTP/1.0 with keep-alive is kept or closed",
        "9112 9.3",
        head(b"Connection: keep-alive", version=b"HTTP/1.0"),
        status(200),
        either(closed(), kept()),
    ),
    case(
        "connection: a word that begins with close is another option",
        RULE,
        head(b"Connection: closed"),
        status(200),
        kept(),
        must=False,
    ),
    case(
        "connection: close after a POST",
        "9112 9.6",
        post(b"hello", b"Connection: close") + head(target=b"/second"),
        answers_to(b"/p"),
        closed(),
        unsent(b"/second"),
    ),
    case(
        "connection: twenty requests, one after the other",
        RULE,
        tuple(step for n in range(20) for step in (send(head(target=b"/%d" % n)), Answers(n + 1))),
        answers_to(*(b"/%d" % n for n in range(20))),
        kept(),
        answers=20,
        must=False,
    ),
    response_case(
        "connection: the server's close is its own hop's",
        "9110 7.6.1",
        answer(sized(b"ok", b"Connection: close"), Close()),
        status(200),
        kept(),
        must=False,
    ),
    response_case(
        "connection: the server's close in HTTP/1.0",
        "9110 7.6.1",
        answer(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", Close()),
        status(200),
        kept(),
        must=False,
    ),
    response_case(
        "connection: a server that closes each time",
        RULE,
        [
            answer(sized(b"1", b"Connection: close"), Close()),
            answer(sized(b"2", b"Connection: close"), Close()),
        ],
        status(200),
        requests(2),
        client=(send(head()), Answers(1), send(head()), Answers(2)),
        answers=2,
    ),
    response_case(
        "connection: a server that says close and goes on talking",
        "9112 9.6",
        [
            answer(sized(b"1", b"Connection: close"), sized(b"poison")),
        ],
        status(200),
        kept(),
        must=False,
    ),
    case(
        "connection: an option that is no token",
        "9110 7.6.1",
        head(b'Connection: "close", (x)'),
        status(200, 400),
        must=False,
    ),
    response_case(
        "connection: the server's answer has HTTP/1.0 and keep-alive, no length",
        RULE,
        answer(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello", Close()),
        status(200),
        body(b"hello"),
    ),
    response_case(
        "connection: the client leaves in the middle of a long answer",
        "9112 9.5",
        answer(reply(b"Content-Length: 3000000"), b"x" * 65536, Gone()),
        upstream_dropped(),
        client=(send(head()), Heard(b"xxx"), Reset(), Played()),
        answers=0,
        ending=Ending.NOTHING,
    ),
)
