"""Max-Forwards of TRACE and OPTIONS (9110 §7.6.2, §9.3.8)."""

from typing import Final

from tests.conformance.expect import (
    either,
    nothing_sent,
    one_answer,
    refused,
    requests,
    sent,
    status,
    unsent,
)
from tests.conformance.script import Case, case, head, post

RULE: Final = "9110 7.6.2"
NO_TRACE: Final = (status(400, 403, 405, 501), nothing_sent())


def _here(id: str, method: bytes, value: bytes = b"0") -> Case:
    """The last one that may see it answers it."""
    data = head(b"Max-Forwards: " + value, method=method)
    return case(
        f"max-forwards: {id}",
        RULE,
        data,
        status(200, 204, 400, 403, 405, 501),
        nothing_sent(),
        one_answer(),
    )


def _passed(id: str, method: bytes, value: bytes, left: bytes) -> Case:
    data = head(b"Max-Forwards: " + value, method=method)
    return case(
        f"max-forwards: {id}",
        RULE,
        data,
        either((status(200), requests(1), sent(b"max-forwards", left)), NO_TRACE),
    )


CASES: Final = (
    _here("OPTIONS with 0 is answered here", b"OPTIONS"),
    _here("TRACE with 0 is answered here", b"TRACE"),
    _here("OPTIONS with 000 is answered here", b"OPTIONS", b"000"),
    _passed("OPTIONS with 3 goes on with 2", b"OPTIONS", b"3", b"2"),
    _passed("OPTIONS with 1 goes on with 0", b"OPTIONS", b"1", b"0"),
    _passed("TRACE with 5 goes on with 4", b"TRACE", b"5", b"4"),
    case(
        "max-forwards: OPTIONS * with 0 is answered here",
        RULE,
        head(b"Max-Forwards: 0", method=b"OPTIONS", target=b"*"),
        status(200, 204, 400, 405, 501),
        nothing_sent(),
    ),
    case(
        "max-forwards: means nothing to GET",
        RULE,
        head(b"Max-Forwards: 0"),
        status(200),
        requests(1),
    ),
    case(
        "max-forwards: that is no number is ignored or refused",
        RULE,
        head(b"Max-Forwards: x", method=b"OPTIONS"),
        either((status(200), requests(1)), (status(400), nothing_sent())),
        must=False,
    ),
    case(
        "max-forwards: TRACE answered here shows no secrets",
        "9110 9.3.8",
        head(
            b"Max-Forwards: 0",
            b"Authorization: Basic c2VjcmV0",
            b"Cookie: a=c2VjcmV0",
            method=b"TRACE",
        ),
        nothing_sent(),
        status(200, 400, 403, 405, 501),
    ),
    case(
        "max-forwards: TRACE with a body",
        "9110 9.3.8",
        post(b"hello", method=b"TRACE"),
        either(refused(400, 403, 405, 413, 501), (status(200), requests(1)), NO_TRACE),
        must=False,
    ),
    case(
        "max-forwards: TRACE with 0 and a body hides no request",
        RULE,
        post(
            b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n", b"Max-Forwards: 0", method=b"TRACE"
        ),
        unsent(b"/smuggled"),
        status(200, 400, 403, 405, 413, 501),
    ),
    case(
        "max-forwards: a number too large for a machine goes on, one less or as it was",
        RULE,
        head(b"Max-Forwards: 99999999999999999999", method=b"OPTIONS"),
        either((status(200), requests(1)), refused()),
    ),
    case(
        "max-forwards: two lines are ambiguous",
        RULE,
        head(b"Max-Forwards: 0", b"Max-Forwards: 5", method=b"OPTIONS"),
        status(200, 204, 400, 403, 405, 501),
        either(nothing_sent(), requests(1)),
        must=False,
    ),
    case(
        "max-forwards: a negative number",
        RULE,
        head(b"Max-Forwards: -1", method=b"OPTIONS"),
        either((status(200), requests(1)), (status(200, 204, 400), nothing_sent())),
        must=False,
    ),
)
