"""Switching protocols: only after the 101, only as asked (9110 §7.8, RFC 6455)."""

from typing import Final

from tests.conformance.expect import (
    Expect,
    bad_gateway,
    body,
    closed,
    delivered,
    either,
    field,
    heard,
    kept,
    refused,
    requests,
    sent,
    sent_body,
    sent_matching,
    silent,
    status,
    unsent,
)
from tests.conformance.script import (
    Answers,
    Case,
    Close,
    Ending,
    Gone,
    HalfClose,
    Heard,
    Reached,
    Reset,
    Script,
    Send,
    Tunnel,
    Whole,
    answer,
    case,
    head,
    post,
    response_case,
    send,
    sized,
)

RULE: Final = "9110 7.8"
SMUGGLED: Final = "CVE-2026-2833"
ASK: Final = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
)
WEBSOCKET: Final = head(*ASK)
SWITCH: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
FRAME: Final = b"\x81\x05hello"
MASKED: Final = b"\x81\x85\x00\x00\x00\x00world"
OPEN: Final[Script] = (Whole(), Tunnel(), Send((SWITCH,)))


def _tunnel(id: str, client: Script, server: Script, *expect: Expect, must: bool = True) -> Case:
    return response_case(
        f"upgrade: {id}",
        "6455 4.2.2",
        [server],
        status(101),
        *expect,
        client=client,
        ending=Ending.NOTHING,
        must=must,
    )


def _unasked(id: str, ask: bytes, switch: bytes = SWITCH) -> Case:
    """A 101 that does not fit: 502, and nothing becomes a tunnel."""
    return response_case(
        f"upgrade: {id}",
        RULE,
        [(*OPEN[:2], Send((switch,)), Gone())],
        bad_gateway(),
        silent(b" 101 "),
        client=ask,
        repeat=True,
    )


CASES: Final = (
    _tunnel(
        "both ways after the 101",
        (send(WEBSOCKET), Heard(b" 101 "), send(MASKED), Heard(FRAME)),
        (*OPEN, Heard(MASKED), send(FRAME), Gone()),
        delivered(MASKED),
        heard(FRAME),
        field(b"upgrade", b"websocket"),
        field(b"sec-websocket-accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ),
    _tunnel(
        "bytes in one piece with the 101",
        (send(WEBSOCKET), Heard(FRAME)),
        (Whole(), Tunnel(), send(SWITCH + FRAME), Gone()),
        heard(SWITCH[-4:] + FRAME),
    ),
    _tunnel(
        "256 KiB each way",
        (send(WEBSOCKET), Heard(b" 101 "), send(b"a" * 262144 + b"END-A"), Heard(b"END-B")),
        (*OPEN, Heard(b"END-A"), send(b"b" * 262144 + b"END-B"), Gone()),
        delivered(b"a" * 262144 + b"END-A"),
        heard(b"b" * 262144 + b"END-B"),
    ),
    _tunnel(
        "bytes that look like HTTP are none",
        (
            send(WEBSOCKET),
            Heard(b" 101 "),
            send(b"GET / HTTP/1.1\r\nX : y\r\n\r\n"),
            Heard(b"HTTP/9 \x00"),
        ),
        (*OPEN, Heard(b"X : y\r\n\r\n"), send(b"HTTP/9 \x00"), Gone()),
        delivered(b"GET / HTTP/1.1\r\nX : y\r\n\r\n"),
        heard(b"HTTP/9 \x00"),
    ),
    _tunnel(
        "the server's end reaches the client",
        (send(WEBSOCKET), Heard(b" 101 "), Gone()),
        (*OPEN, send(FRAME), Close()),
        heard(FRAME),
        closed(),
    ),
    _tunnel(
        "the server's reset reaches the client",
        (send(WEBSOCKET), Heard(b" 101 "), Gone()),
        (*OPEN, Reset()),
        closed(),
    ),
    _tunnel(
        "the client's end reaches the server",
        (send(WEBSOCKET), Heard(b" 101 "), send(MASKED), HalfClose(), Heard(b"bye")),
        (*OPEN, Gone(), send(b"bye"), Close()),
        delivered(MASKED),
        heard(b"bye"),
        must=False,
    ),
    case(
        "upgrade: the request is relayed with its option",
        RULE,
        WEBSOCKET,
        status(200),
        sent(b"upgrade", b"websocket"),
        sent_matching(b"connection", lambda got: b"upgrade" in got, "Upgrade needs its option"),
        sent(b"sec-websocket-version", b"13"),
        kept(),
    ),
    case(
        "upgrade: beside other options",
        RULE,
        head(b"Connection: keep-alive, X-Hop, Upgrade", b"X-Hop: secret", *ASK[1:]),
        status(200),
        sent(b"upgrade", b"websocket"),
        unsent(b"secret"),
    ),
    case(
        "upgrade: refused is plain HTTP",
        RULE,
        WEBSOCKET,
        status(400),
        body(b"no"),
        kept(),
        server=[answer(sized(b"no", status=b"400 Bad Request"))],
    ),
    case(
        "upgrade: a 426 says what it asks for",
        "9110 15.5.22",
        head(),
        status(426),
        field(b"upgrade", b"websocket"),
        kept(),
        server=[
            answer(
                sized(
                    b"no",
                    b"Connection: upgrade",
                    b"Upgrade: websocket",
                    status=b"426 Upgrade Required",
                )
            )
        ],
    ),
    case(
        "upgrade: bytes before the 101 wait for it",
        SMUGGLED,
        (send(WEBSOCKET + MASKED), Heard(FRAME)),
        either((status(101), delivered(MASKED), heard(FRAME)), refused()),
        server=[(*OPEN, Heard(MASKED), send(FRAME), Close())],
        ending=Ending.NOTHING,
    ),
    case(
        "upgrade: refused, what came early is the next request",
        SMUGGLED,
        WEBSOCKET + head(target=b"/next"),
        requests(1, 2),
        either((status(403), unsent(b"/next")), (status(403), requests(2))),
        server=[answer(sized(b"no", status=b"403 Forbidden"))],
        answers=2,
    ),
    case(
        "upgrade: refused, a broken early request does not pass",
        SMUGGLED,
        WEBSOCKET + b"GET /smuggled HTTP/1.1\r\nX : y\r\n\r\n",
        unsent(b"/smuggled"),
        status(403, 400),
        closed(),
        server=[answer(sized(b"no", status=b"403 Forbidden"))],
        answers=2,
    ),
    case(
        "upgrade: early bytes never reach a server that has not switched",
        SMUGGLED,
        (send(WEBSOCKET), Reached(b"Upgrade"), send(b"GET /smuggled HTTP/1.1\r\nX : y\r\n\r\n")),
        unsent(b"/smuggled"),
        status(200, 400),
        closed(),
        server=[(Whole(), Heard(b"\r\n\r\n"), send(sized(b"ok")))],
        answers=2,
    ),
    case(
        "upgrade: without its option it goes",
        RULE,
        head(*ASK[1:]),
        status(200),
        unsent(b"Upgrade: websocket"),
        kept(),
    ),
    case(
        "upgrade: h2c is not relayed",
        "9113 3.1",
        head(
            b"Connection: Upgrade, HTTP2-Settings",
            b"Upgrade: h2c",
            b"HTTP2-Settings: AAMAAABkAAQAAP__",
        ),
        status(200),
        unsent(b"h2c"),
        unsent(b"AAMAAABk"),
    ),
    case(
        "upgrade: h2c in a list is not relayed",
        "9113 3.1",
        head(b"Connection: Upgrade", b"Upgrade: websocket, h2c"),
        status(200, 400),
        unsent(b"h2c"),
    ),
    case(
        "upgrade: h2c in capitals is not relayed",
        "9113 3.1",
        head(b"Connection: Upgrade", b"Upgrade: H2C"),
        status(200),
        unsent(b"H2C"),
    ),
    case(
        "upgrade: not from HTTP/1.0",
        RULE,
        head(*ASK, version=b"HTTP/1.0"),
        status(200),
        unsent(b"Upgrade: websocket"),
        closed(),
    ),
    case(
        "upgrade: with a body keeps it a body",
        RULE,
        post(b"hello", *ASK[:2]),
        either((status(200), sent_body(b"hello")), refused(400, 413, 501)),
    ),
    _unasked("a 101 that nobody asked for", head()),
    _unasked("a 101 to a POST that did not ask", post(b"hello")),
    _unasked(
        "a 101 to another protocol",
        WEBSOCKET,
        SWITCH.replace(b"Upgrade: websocket", b"Upgrade: evil"),
    ),
    _unasked("a 101 without Upgrade", WEBSOCKET, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    _unasked("a 101 to HTTP/1.0", head(*ASK, version=b"HTTP/1.0")),
    _unasked("a 101 to a request without the option", head(*ASK[1:])),
    response_case(
        "upgrade: a list of protocols, one taken",
        RULE,
        [(*OPEN, send(FRAME), Gone())],
        status(101),
        heard(FRAME),
        client=(send(head(b"Connection: Upgrade", b"Upgrade: foo/2, websocket")), Heard(FRAME)),
        ending=Ending.NOTHING,
    ),
    response_case(
        "upgrade: 426 says what it wants",
        RULE,
        sized(b"", b"Connection: Upgrade", b"Upgrade: foo/2", status=b"426 Upgrade Required"),
        status(426),
        kept(),
    ),
    case(
        "upgrade: a version is part of the name",
        RULE,
        head(b"Connection: upgrade", b"Upgrade: foo/2"),
        status(200),
        either(sent(b"upgrade", b"foo/2"), sent(b"upgrade")),
        kept(),
        must=False,
    ),
    case(
        "upgrade: on two lines",
        RULE,
        head(b"Connection: upgrade", b"Upgrade: websocket", b"Upgrade: h2c"),
        status(200, 400),
        unsent(b"h2c"),
    ),
    case(
        "upgrade: with a chunked body keeps it a body",
        RULE,
        head(*ASK[:2], b"Transfer-Encoding: chunked", method=b"POST") + b"5\r\nhello\r\n0\r\n\r\n",
        either((status(200), sent_body(b"hello")), refused(400, 413, 501)),
    ),
    response_case(
        "upgrade: a 101 with a length is no body",
        "9112 6.3",
        [
            (
                *OPEN[:2],
                send(SWITCH.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n") + FRAME),
                Gone(),
            )
        ],
        either((status(101), heard(FRAME)), status(502)),
        client=(send(WEBSOCKET), Answers(1)),
        ending=Ending.NOTHING,
        repeat=True,
    ),
    response_case(
        "upgrade: nothing of the tunnel is a later client's answer",
        SMUGGLED,
        [(*OPEN, send(FRAME), Close())],
        status(101),
        heard(FRAME),
        closed(),
        client=(send(WEBSOCKET), Gone()),
        ending=Ending.NOTHING,
    ),
)
