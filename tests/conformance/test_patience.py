"""Slow but right: what takes long is served, as long as no timeout of its own is over.

These need seconds to pass between the bytes, so they are played on the virtual
network only, with the product's own timeouts.
"""

from typing import Final

import pytest

from tests.conformance.expect import (
    answers_to,
    body,
    broken_off,
    closed,
    cut,
    heard,
    kept,
    requests,
    status,
    statuses,
)
from tests.conformance.judge import verdict
from tests.conformance.script import (
    PLAIN,
    Answers,
    Case,
    Close,
    Ending,
    Gone,
    Send,
    Sleep,
    Step,
    Tunnel,
    Usual,
    Whole,
    answer,
    byte_by_byte,
    case,
    head,
    post,
    reply,
    response_case,
    send,
    sized,
)
from tests.conformance.test_corpus import play_virtually
from tests.support.clock import run_in_virtual_time

SWITCH: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
)


def _slowly(seconds: float, *pieces: bytes) -> tuple[Step, ...]:
    """Send the pieces, each after a wait."""
    return tuple(step for piece in pieces for step in (Sleep(seconds), send(piece)))


def _after(seconds: float, *, keep: float = 0.0, data: bytes = PLAIN) -> Case:
    """An answer that takes ``seconds``, on a connection that was idle for ``keep`` before."""
    first = (send(head(target=b"/first")), Answers(1), Sleep(keep)) if keep else ()
    count = 2 if keep else 1
    scripts = [(Whole(), Usual())] * (count - 1) + [answer(Sleep(seconds), sized(b"slow"))]
    return response_case(
        f"patience: an answer after {seconds:g} s, {keep:g} s idle before, {data[:4]!r}",
        "9110 15.6.5",
        scripts,
        status(200, at=count - 1),
        body(b"slow", at=count - 1),
        requests(count),
        kept(),
        client=(*first, send(data), Answers(count)),
        answers=count,
    )


CASES: Final = (
    _after(9.0),
    _after(11.0),
    _after(29.0),
    _after(11.0, data=post(b"hello")),
    _after(29.0, data=post(b"hello")),
    _after(11.0, keep=70.0),
    _after(29.0, keep=60.0),
    _after(29.0, keep=74.0, data=post(b"hello")),
    response_case(
        "patience: an answer of ten chunks in 200 seconds",
        "9112 7.1",
        (Whole(), *_slowly(20.0, reply(b"Transfer-Encoding: chunked"), *[b"1\r\nx\r\n"] * 9),
         send(b"0\r\n\r\n")),
        body(b"x" * 9),
        kept(),
    ),
    response_case(
        "patience: an answer until close in 150 seconds",
        "9112 6.3",
        (Whole(), send(reply(body=b"x")), *_slowly(50.0, b"y", b"z", b"!"), Close()),
        body(b"xyz!"),
    ),
    case(
        "patience: an upload of 200 seconds",
        "9112 6.3",
        (send(head(b"Content-Length: 100", method=b"POST", target=b"/p")),
         *_slowly(20.0, *[b"x" * 10] * 10)),
        answers_to(b"/p"),
        kept(),
    ),
    case(
        "patience: an upload in chunks, each after 50 seconds",
        "9112 7.1",
        (send(head(b"Transfer-Encoding: chunked", method=b"POST", target=b"/p")),
         *_slowly(50.0, b"3\r\nabc\r\n", b"2\r\nde\r\n", b"0\r\n\r\n")),
        answers_to(b"/p"),
        kept(),
    ),
    case(
        "patience: a head that takes 9 seconds is served",
        "9110 15.5.9",
        (send(b"GET /slow HT"), Sleep(4.5), send(b"TP/1.1\r\nHost: a.t"), Sleep(4.5),
         send(b"est\r\n\r\n")),
        answers_to(b"/slow"),
        kept(),
    ),
    case(
        "patience: a head that trickles for more than 10 seconds is given up",
        "9110 15.5.9",
        (*_slowly(0.5, *byte_by_byte(head(b"X-A: " + b"a" * 200)).pieces[:40]),),
        status(408),
        closed(),
    ),
    case(
        "patience: a body that stalls for 60 seconds is given up",
        "9110 15.5.9",
        (send(head(b"Content-Length: 9", method=b"POST"), b"hello"), Sleep(61.0)),
        broken_off(408, 502, 504),
    ),
    response_case(
        "patience: a server that takes 31 seconds is too late",
        "9110 15.6.5",
        answer(Sleep(31.0), sized(b"late")),
        status(504),
        kept(),
        client=post(b"hello"),
    ),
    response_case(
        "patience: a server that stalls for 60 seconds in its body is cut",
        "9112 8",
        answer(reply(b"Content-Length: 9", body=b"hello"), Gone()),
        cut(),
    ),
    response_case(
        "patience: a pipelined request waits for a slow one",
        "9112 9.3.2",
        [answer(Sleep(25.0), sized(b"1")), answer(sized(b"2"))],
        statuses(200, 200),
        body(b"2", at=1),
        client=(Send((head(target=b"/1") + head(target=b"/2"),)),),
        answers=2,
    ),
    response_case(
        "patience: a tunnel that was idle for 50 minutes still carries bytes",
        "6455 4.2.2",
        (Whole(), Tunnel(), send(SWITCH), Sleep(3000.0), send(b"\x81\x00"), Gone()),
        status(101),
        heard(b"\x81\x00"),
        client=(send(head(b"Connection: Upgrade", b"Upgrade: websocket")), Answers(1),
                Sleep(3001.0)),
        ending=Ending.NOTHING,
    ),
)  # fmt: skip
BY_ID: Final = {built.id: built for built in CASES}


@pytest.mark.parametrize("name", BY_ID)
def test_slow_but_right_is_served_and_stalled_is_given_up(name: str) -> None:
    seen, leaks = run_in_virtual_time(lambda: play_virtually(BY_ID[name]))
    assert verdict(BY_ID[name], seen) == [], "\n".join(seen.story())
    assert leaks == []
