"""What may be sent twice (9110 §9.2.2, 9112 §9.3.1)."""

from typing import Final

from tests.conformance.expect import (
    bad_gateway,
    body,
    cut,
    either,
    field,
    requests,
    status,
)
from tests.conformance.script import (
    Answers,
    Case,
    Close,
    Ending,
    Heard,
    Played,
    Reset,
    Script,
    Step,
    Whole,
    answer,
    head,
    post,
    reply,
    response_case,
    send,
    sized,
)

RULE: Final = "9110 9.2.2"
STALE: Final = "9112 9.3.1"
DEAD: Final = answer(Close())
RESET: Final = answer(Reset())
MOST: Final = (1, 2, 3, 4)
"""One try, two retries, and one replay of a stale connection."""


def _once(id: str, method: bytes, *scripts: Script, data: bytes | None = None) -> Case:
    """Not idempotent: at the servers at most once."""
    sent = data if data is not None else post(b"hello", method=method)
    return response_case(f"retry: {id}", RULE, scripts, bad_gateway(), requests(1), client=sent)


def _again(id: str, method: bytes, *scripts: Script) -> Case:
    """Idempotent: tried again or 502, but never without an answer."""
    data = head(method=method)
    return response_case(
        f"retry: {id}",
        STALE,
        scripts,
        either(status(200), status(502)),
        requests(*MOST),
        client=data,
    )


def _stale(id: str, second: bytes, end: Step, *, idempotent: bool) -> Case:
    """The connection dies as the second request comes on it."""
    client = (send(head()), Answers(1), send(second), Answers(2))
    expect = (
        (either(status(200, at=1), status(502, at=1)), requests(2, 3, 4))
        if idempotent
        else (status(502, at=1), requests(2))
    )
    # The first request leaves an idle connection; the second gets no answer on it.
    return response_case(
        f"retry: {id}", STALE, [answer(sized(b"1")), answer(end)], *expect, client=client, answers=2
    )


CASES: Final = (
    _once("POST, closed without an answer", b"POST", DEAD, DEAD),
    _once("POST, reset without an answer", b"POST", RESET, RESET),
    _once("PATCH, closed without an answer", b"PATCH", DEAD, DEAD),
    _once("PATCH, reset without an answer", b"PATCH", RESET, RESET),
    _once("an unknown method, closed without an answer", b"FROBNICATE", DEAD, DEAD),
    _once(
        "POST without a body, reset",
        b"POST",
        RESET,
        RESET,
        data=head(b"Content-Length: 0", method=b"POST"),
    ),
    _once(
        "POST in chunks, reset",
        b"POST",
        RESET,
        RESET,
        data=head(b"Transfer-Encoding: chunked", method=b"POST") + b"5\r\nhello\r\n0\r\n\r\n",
    ),
    _once("POST, half a head", b"POST", answer(b"HTTP/1.1 200 OK\r\nCont", Close()), DEAD),
    response_case(
        "retry: POST, reset in the middle of its body",
        RULE,
        [(Heard(b"hello"), Reset()), (Whole(), send(sized(b"again")))],
        bad_gateway(),
        client=(send(head(b"Content-Length: 10", method=b"POST"), b"hello", b"world"),),
        ending=Ending.NOTHING,
    ),
    _stale("POST on a connection that closes under it", post(b"hello"), Close(), idempotent=False),
    _stale("POST on a connection that resets under it", post(b"hello"), Reset(), idempotent=False),
    _stale("GET on a connection that closes under it", head(), Close(), idempotent=True),
    _stale("GET on a connection that resets under it", head(), Reset(), idempotent=True),
    _stale(
        "PUT on a connection that closes under it",
        post(b"hello", method=b"PUT"),
        Close(),
        idempotent=True,
    ),
    _stale(
        "DELETE on a connection that resets under it",
        head(method=b"DELETE"),
        Reset(),
        idempotent=True,
    ),
    _again("GET, closed without an answer", b"GET", DEAD),
    _again("GET, reset without an answer", b"GET", RESET),
    _again("HEAD, closed without an answer", b"HEAD", DEAD),
    _again("DELETE, reset without an answer", b"DELETE", RESET),
    _again("GET, closed again and again", b"GET", *[DEAD] * 8),
    response_case(
        "retry: not once a byte was relayed",
        RULE,
        [answer(reply(b"Content-Length: 9", body=b"hello"), Close())],
        either((cut(), requests(1)), status(502), (status(200), body(b"answer to /"))),
        client=head(),
    ),
    response_case(
        "retry: an idle connection that was closed is not used",
        STALE,
        [answer(sized(b"1"), Close())],
        status(200, at=1),
        requests(2),
        client=(send(head()), Answers(1), Played(), send(post(b"hello")), Answers(2)),
        answers=2,
    ),
    response_case(
        "retry: an idle connection that was reset is not used",
        STALE,
        [answer(sized(b"1"), Reset())],
        status(200, at=1),
        requests(2),
        client=(send(head()), Answers(1), Played(), send(post(b"hello")), Answers(2)),
        answers=2,
    ),
    response_case(
        "retry: the server's own 500 is its answer",
        RULE,
        sized(b"oops", status=b"500 Internal Server Error"),
        status(500),
        body(b"oops"),
        requests(1),
    ),
    response_case(
        "retry: the server's own 503 is its answer",
        RULE,
        sized(b"later", b"Retry-After: 7", status=b"503 Service Unavailable"),
        status(503),
        body(b"later"),
        field(b"retry-after", b"7"),
        requests(1),
        client=post(b"hello"),
    ),
)
