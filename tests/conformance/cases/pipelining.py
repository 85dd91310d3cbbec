"""Requests that do not wait for their answers (9112 §9.3.2, §9.6)."""

from typing import Final

from tests.conformance.expect import (
    answers_to,
    body,
    closed,
    cut,
    either,
    requests,
    status,
    statuses,
    unsent,
)
from tests.conformance.script import (
    Case,
    Close,
    HalfClose,
    answer,
    byte_by_byte,
    case,
    chunked,
    head,
    post,
    post_chunked,
    reply,
    response_case,
    send,
    sized,
    split,
)

RULE: Final = "9112 9.3.2"
ONE: Final = head(target=b"/1")
TWO: Final = head(target=b"/2")
THREE: Final = head(target=b"/3")


def _in_order(id: str, data: bytes, *targets: bytes) -> Case:
    return case(
        f"pipelining: {id}",
        RULE,
        data,
        answers_to(*targets),
        requests(len(targets)),
        answers=len(targets),
    )


def _ends_at(id: str, bad: bytes, *codes: int) -> Case:
    """The first is answered, the second refused, the third is nobody's business."""
    return case(
        f"pipelining: {id}", "9112 9.6", ONE + bad + THREE,
        either(*(statuses(200, code) for code in codes or (400,)), statuses(200), statuses(400)),
        unsent(b"/3"), closed(), answers=3,
    )  # fmt: skip


CASES: Final = (
    _in_order("two", ONE + TWO, b"/1", b"/2"),
    _in_order(
        "ten",
        b"".join(head(target=b"/%d" % n) for n in range(10)),
        *(b"/%d" % n for n in range(10)),
    ),
    _in_order("a body between", ONE + post(b"hello") + THREE, b"/1", b"/p", b"/3"),
    _in_order(
        "a chunked body between", ONE + post_chunked(chunked(b"hello")) + THREE, b"/1", b"/p", b"/3"
    ),
    _in_order("an empty line between", ONE + b"\r\n" + TWO, b"/1", b"/2"),
    _in_order("a body that looks like a request", post(TWO) + THREE, b"/p", b"/3"),
    case(
        "pipelining: byte by byte",
        RULE,
        (byte_by_byte(ONE + TWO),),
        answers_to(b"/1", b"/2"),
        answers=2,
    ),
    case(
        "pipelining: cut inside the second",
        RULE,
        (split(ONE + TWO, len(ONE) + 7),),
        answers_to(b"/1", b"/2"),
        answers=2,
    ),
    case(
        "pipelining: fifty",
        RULE,
        b"".join(head(target=b"/%d" % n) for n in range(50)),
        answers_to(*(b"/%d" % n for n in range(50))),
        requests(50),
        answers=50,
    ),
    case(
        "pipelining: HEAD, GET, HEAD",
        RULE,
        head(method=b"HEAD", target=b"/1") + TWO + head(method=b"HEAD", target=b"/3"),
        answers_to(b"/1", b"/2", b"/3"),
        answers=3,
        methods=(b"HEAD", b"GET", b"HEAD"),
    ),
    case(
        "pipelining: nothing after close",
        "9112 9.6",
        ONE + head(b"Connection: close", target=b"/2") + THREE,
        answers_to(b"/1", b"/2"),
        closed(),
        unsent(b"/3"),
        answers=2,
    ),
    case(
        "pipelining: nothing after HTTP/1.0",
        "9112 9.6",
        ONE + head(target=b"/2", version=b"HTTP/1.0") + THREE,
        answers_to(b"/1", b"/2"),
        closed(),
        unsent(b"/3"),
        answers=2,
    ),
    _ends_at("nothing after a broken line", b"GARBAGE\r\n\r\n"),
    _ends_at("nothing after a missing Host", head(host=None, target=b"/2")),
    _ends_at("nothing after a bad length", head(b"Content-Length: x", target=b"/2")),
    _ends_at(
        "nothing after an unknown coding", head(b"Transfer-Encoding: x", target=b"/2"), 400, 501
    ),
    _ends_at("nothing after a bad field", head(b"X-A : b", target=b"/2")),
    case(
        "pipelining: nothing after a broken chunk",
        "9112 9.6",
        post_chunked(b"zz\r\nhello\r\n") + TWO,
        either(statuses(400), statuses()),
        unsent(b"/2"),
        closed(),
    ),
    response_case(
        "pipelining: a server that closes each time",
        RULE,
        [
            answer(sized(b"1", b"Connection: close"), Close()),
            answer(sized(b"2", b"Connection: close"), Close()),
        ],
        body(b"1"),
        body(b"2", at=1),
        client=ONE + TWO,
        answers=2,
    ),
    response_case(
        "pipelining: an answer that needs the close is the last",
        RULE,
        [answer(reply(body=b"1"), Close()), answer(sized(b"2"))],
        body(b"1"),
        client=ONE + TWO,
        answers=2,
    ),
    response_case(
        "pipelining: a cut answer is the last",
        "9112 8",
        [answer(reply(b"Content-Length: 9", body=b"hello"), Close())] * 4,
        either(cut(), status(502)),
        client=post(b"") + TWO,
        answers=1,
    ),
    response_case(
        "pipelining: an error of one is not the other's",
        RULE,
        [answer(sized(b"no", status=b"500 Oops")), answer(sized(b"2"))],
        statuses(500, 200),
        body(b"2", at=1),
        client=ONE + TWO,
        answers=2,
    ),
    case(
        "pipelining: three, then the client's end",
        RULE,
        (send(ONE + TWO + THREE), HalfClose()),
        answers_to(b"/1", b"/2", b"/3"),
        requests(3),
        answers=3,
    ),
    case(
        "pipelining: after a body that did not wait for its 100",
        RULE,
        head(b"Expect: 100-continue", b"Content-Length: 5", method=b"POST", target=b"/p")
        + b"hello"
        + TWO,
        answers_to(b"/p", b"/2"),
        requests(2),
        answers=2,
    ),
    case(
        "pipelining: nothing after CONNECT",
        "9110 9.3.6",
        head(method=b"CONNECT", target=b"a.test:443", host=b"a.test:443") + TWO,
        unsent(b"/2"),
        status(400, 403, 405, 501),
        closed(),
        methods=(b"CONNECT", b"GET"),
    ),
    case(
        "pipelining: after OPTIONS * that is answered here",
        "9112 3.2.4",
        head(b"Max-Forwards: 0", method=b"OPTIONS", target=b"*") + TWO,
        either((status(200, 204), body(b"answer to /2", at=1)), (status(400, 405, 501), closed())),
        answers=2,
    ),
)
