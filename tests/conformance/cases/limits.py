"""Sizes, stalls and what else a proxy has to survive (9110 §5.4, §6.6.1, §15)."""

from typing import Final

from tests.conformance.expect import (
    broken_off,
    closed,
    either,
    field,
    has_field,
    kept,
    nothing_complete,
    nothing_sent,
    refused,
    refused_or_closed,
    requests,
    silent,
    status,
)
from tests.conformance.script import (
    Case,
    Close,
    Ending,
    Gone,
    HalfClose,
    Played,
    Reached,
    Reset,
    answer,
    byte_by_byte,
    case,
    head,
    post,
    response_case,
    send,
    sized,
)

HEAD: Final = "9110 5.4"
BARE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def _unfinished(id: str, data: bytes) -> Case:
    """The client stops sending: an error or a close, and no server hears of it."""
    return case(
        f"limits: {id}", "9112 8", (send(data), HalfClose()), refused_or_closed(400, 408, 499)
    )


CASES: Final = (
    case(
        "limits: target of 64 KiB",
        "9112 3",
        head(target=b"/" + b"a" * 65536),
        refused(400, 414, 431),
    ),
    case(
        "limits: target of 8000 bytes",
        "9112 3",
        head(target=b"/" + b"a" * 7999),
        status(200),
        requests(1),
        must=False,
    ),
    case(
        "limits: method of 64 KiB",
        "9112 3",
        head(method=b"A" * 65536),
        refused(400, 405, 414, 431, 501),
    ),
    case("limits: one field of 64 KiB", HEAD, head(b"X-A: " + b"a" * 65536), refused(400, 431)),
    case("limits: a thousand fields", HEAD, head(*[b"X-A: b"] * 1000), refused(400, 431)),
    case("limits: ten thousand empty fields", HEAD, head(*[b"a:"] * 10000), refused(400, 431)),
    case("limits: a name of 64 KiB", HEAD, head(b"X" * 65536 + b": a"), refused(400, 431)),
    case(
        "limits: a hundred folds",
        "9112 5.2",
        head(b"X-A: b" + b"\r\n c" * 100),
        either(refused(400, 431), (status(200), requests(1))),
    ),
    case(
        "limits: a head without end",
        HEAD,
        (send(head()[:-2] + b"X-A: b\r\n" * 40000),),
        refused_or_closed(400, 431),
    ),
    case(
        "limits: a line without end",
        HEAD,
        (send(b"GET /" + b"a" * 400000),),
        refused_or_closed(400, 414, 431),
    ),
    case(
        "limits: head byte by byte",
        "9112 2.2",
        (byte_by_byte(head(target=b"/slow")),),
        status(200),
        requests(1),
        kept(),
    ),
    _unfinished("a method and no more", b"GET"),
    _unfinished("a line and no more", b"GET / HTTP/1.1\r\n"),
    _unfinished("a head without its empty line", head()[:-2]),
    _unfinished("a head without its last byte", head()[:-1]),
    case(
        "limits: a connection without a byte",
        "9112 9.5",
        (HalfClose(),),
        nothing_sent(),
        closed(),
        answers=0,
    ),
    case(
        "limits: a head that never ends is given up",
        "9110 15.5.9",
        (send(head()[:-2]),),
        refused_or_closed(400, 408),
    ),
    case(
        "limits: a HEAD that never ends is given up without a body",
        "9110 9.3.2",
        (send(head(method=b"HEAD")[:-2]),),
        refused_or_closed(400, 408),
    ),
    case(
        "limits: a body that never comes is given up",
        "9110 15.5.9",
        (send(head(b"Content-Length: 5", method=b"POST"), b"he"),),
        broken_off(400, 408, 502, 504),
    ),
    case(
        "limits: a client that leaves in its body",
        "9112 8",
        (send(post(b"x" * 1000)[:-500]), Reached(b"xxx"), Reset()),
        nothing_complete(),
        answers=0,
        ending=Ending.NOTHING,
        must=False,
    ),
    case(
        "limits: a client that leaves before its answer",
        "9112 9.5",
        (send(head()), Reached(b"GET / "), Reset(), Played()),
        requests(1),
        answers=0,
        server=[answer(Gone())],
        ending=Ending.NOTHING,
    ),
    response_case(
        "limits: a server that never answers",
        "9110 15.6.5",
        answer(Gone()),
        status(504),
        requests(1),
        client=post(b"hello"),
    ),
    response_case(
        "limits: a server that stops in its head",
        "9110 15.6.5",
        answer(b"HTTP/1.1 200 OK\r\n", Gone()),
        status(502, 504),
        client=post(b"hello"),
    ),
    response_case("limits: Date is added", "9110 6.6.1", BARE, status(200), has_field(b"date")),
    response_case(
        "limits: Date is added to what closes",
        "9110 6.6.1",
        answer(b"HTTP/1.0 200 OK\r\n\r\nok", Close()),
        status(200),
        has_field(b"date"),
    ),
    response_case(
        "limits: Date stays",
        "9110 6.6.1",
        sized(b"ok"),
        field(b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
        must=False,
    ),
    response_case(
        "limits: our own errors have a date",
        "9110 6.6.1",
        answer(Close()),
        status(502),
        has_field(b"date"),
        client=post(b"hello"),
    ),
    case(
        "limits: our own refusals have a date",
        "9110 6.6.1",
        head(host=None),
        status(400),
        has_field(b"date"),
    ),
    case(
        "limits: a refusal of a HEAD has no body",
        "9110 9.3.2",
        head(b"X-A : b", method=b"HEAD"),
        status(400),
        closed(),
    ),
    response_case(
        "limits: our own errors name no server",
        "9110 17.8",
        answer(Close()),
        status(502),
        silent(b"127.0.0.1"),
        silent(b"Traceback"),
        client=post(b"hello"),
    ),
)
