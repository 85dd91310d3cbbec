"""Answers that come before the request is whole (9112 §9.3, §9.5)."""

from typing import Final

from tests.conformance.expect import (
    body,
    either,
    requests,
    status,
    statuses,
    unsent,
)
from tests.conformance.script import (
    Answers,
    Case,
    Close,
    Ending,
    Gone,
    Heard,
    Reset,
    Script,
    Usual,
    Whole,
    head,
    response_case,
    send,
    sized,
)

RULE: Final = "9112 9.5"
HIDDEN: Final = b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
ASKED: Final = Heard(b"\r\n\r\n")
TOO_LARGE: Final = sized(b"no", status=b"413 Content Too Large")
LAST: Final = sized(b"no", b"Connection: close", status=b"413 Content Too Large")


def _half(*lines: bytes) -> bytes:
    return head(b"Content-Length: 100000", *lines, method=b"POST", target=b"/p")


CODED_HALF: Final = head(b"Transfer-Encoding: chunked", method=b"POST", target=b"/p")


def _early(id: str, first: bytes, server: Script, *, later: bytes = b"") -> Case:
    """The client gets the answer though its own body is not out; then all ends or is drained."""
    client: Script = (send(first), Answers(1), *([send(later)] if later else []))
    return response_case(
        f"early-response: {id}",
        RULE,
        [server],
        status(413),
        body(b"no"),
        unsent(b"\r\n\r\nGET /smuggled"),
        client=client,
        ending=Ending.NOTHING,
    )


CASES: Final = (
    _early("before the body, then close", _half(), (ASKED, send(LAST), Close())),
    _early("before the body, kept open", _half(), (ASKED, send(TOO_LARGE), Gone())),
    _early(
        "in the middle of the body, then close",
        _half() + b"x" * 1000,
        (Heard(b"xxx"), send(LAST), Close()),
    ),
    _early(
        "in the middle of the body, kept open",
        _half() + b"x" * 1000,
        (Heard(b"xxx"), send(TOO_LARGE), Gone()),
    ),
    _early("before the chunks, then close", CODED_HALF, (ASKED, send(LAST), Close())),
    _early(
        "between chunks, then close",
        CODED_HALF + b"5\r\nhello\r\n",
        (Heard(b"hello"), send(LAST), Close()),
    ),
    _early(
        "between chunks, kept open",
        CODED_HALF + b"5\r\nhello\r\n",
        (Heard(b"hello"), send(TOO_LARGE), Gone()),
    ),
    _early(
        "what comes later is never a request",
        _half(),
        (ASKED, send(LAST), Close()),
        later=HIDDEN * 4,
    ),
    _early(
        "what comes later in chunks is never a request",
        CODED_HALF,
        (ASKED, send(LAST), Close()),
        later=b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN),
    ),
    response_case(
        "early-response: the rest of the body is no request",
        RULE,
        [(ASKED, send(LAST), Close())],
        status(413),
        either(statuses(413), statuses(413, 200)),
        client=(
            send(head(b"Content-Length: %d" % len(HIDDEN), method=b"POST")),
            Answers(1),
            send(HIDDEN),
        ),
        ending=Ending.CLOSED,
    ),
    response_case(
        "early-response: 413 to a body that keeps coming",
        RULE,
        [(ASKED, send(LAST), Close())],
        status(413, 502),
        client=(send(head(b"Content-Length: 4000000", method=b"POST"), *[b"x" * 65536] * 8),),
        ending=Ending.NOTHING,
    ),
    response_case(
        "early-response: then reset",
        RULE,
        [(ASKED, send(TOO_LARGE), Reset())],
        status(413, 502),
        client=(send(_half()),),
        ending=Ending.NOTHING,
    ),
    response_case(
        "early-response: 200 early, the body still arrives whole",
        RULE,
        [(ASKED, send(sized(b"ok")), Whole())],
        status(200),
        body(b"ok"),
        client=(send(head(b"Content-Length: 5", method=b"POST"), b"hello"),),
        must=False,
    ),
    response_case(
        "early-response: to a GET's end is just an answer",
        RULE,
        [(ASKED, Whole(), Usual())],
        status(200),
        requests(1),
    ),
)
