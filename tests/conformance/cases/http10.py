"""A client of HTTP/1.0 (9112 §6.1, §9.3; 9110 §15.2)."""

from typing import Final

from tests.conformance.expect import (
    body,
    closed,
    either,
    framed,
    interim,
    kept,
    refused,
    requests,
    sent,
    sent_body,
    sent_in_our_version,
    silent,
    status,
    unsent,
)
from tests.conformance.script import (
    Case,
    Close,
    answer,
    case,
    chunked,
    head,
    reply,
    response_case,
    sized,
)
from tests.conformance.strict import Framing

RULE: Final = "9112 9.3"
V: Final = b"HTTP/1.0"
OLD: Final = head(version=V)
KEEP: Final = head(b"Connection: keep-alive", version=V)
CHUNKS: Final = reply(b"Transfer-Encoding: chunked", body=chunked(b"he", b"llo"))


def _answered(id: str, data: bytes, *, method: bytes = b"GET", must: bool = True) -> Case:
    return case(f"http10: {id}", RULE, data, status(200), requests(1), closed(), must=must)


CASES: Final = (
    _answered("GET is answered and closed", OLD),
    _answered("HEAD is answered and closed", head(method=b"HEAD", version=V)),
    case(
        "http10: POST with a length",
        RULE,
        head(b"Content-Length: 5", method=b"POST", version=V) + b"hello",
        status(200),
        sent_body(b"hello"),
        closed(),
    ),
    case(
        "http10: POST without a length has no body",
        "9112 6.3",
        head(method=b"POST", version=V) + b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n",
        either((status(200), sent_body(b"")), refused(400, 411)),
        closed(),
        unsent(b"/smuggled"),
    ),
    case(
        "http10: keep-alive of several words",
        RULE,
        head(b"Connection: Keep-Alive, X-Hop", b"X-Hop: secret", version=V),
        status(200),
        unsent(b"secret"),
        either(closed(), kept()),
        must=False,
    ),
    case(
        "http10: proxy-connection is not an option",
        "9112 C.2.2",
        head(b"Proxy-Connection: keep-alive", version=V),
        status(200),
        closed(),
    ),
    case(
        "http10: the server sees our version",
        "9110 2.5",
        OLD,
        status(200),
        sent_in_our_version(),
        sent(b"host", b"a.test"),
        silent(b"HTTP/1.0"),
    ),
    case(
        "http10: an absolute form",
        "9112 3.2.2",
        head(target=b"http://a.test/x", host=None, version=V),
        either((status(200), sent(b"host", b"a.test")), refused()),
    ),
    case(
        "http10: Upgrade is not relayed",
        "9110 7.8",
        head(b"Connection: upgrade", b"Upgrade: websocket", version=V),
        status(200),
        unsent(b"websocket"),
        closed(),
    ),
    case(
        "http10: Expect is not relayed as one of HTTP/1.1",
        "9110 10.1.1",
        head(b"Expect: 100-continue", b"Content-Length: 5", method=b"POST", version=V) + b"hello",
        status(200),
        interim(),
        sent_body(b"hello"),
        closed(),
    ),
    response_case(
        "http10: chunks are taken apart",
        "9112 6.1",
        CHUNKS,
        status(200),
        body(b"hello"),
        framed(Framing.LENGTH, Framing.CLOSE),
        closed(),
        client=OLD,
    ),
    response_case(
        "http10: chunks are taken apart for keep-alive too",
        "9112 6.1",
        CHUNKS,
        status(200),
        body(b"hello"),
        framed(Framing.LENGTH, Framing.CLOSE),
        client=KEEP,
    ),
    response_case(
        "http10: an answer until close",
        "9112 6.3",
        answer(reply(body=b"hello"), Close()),
        status(200),
        body(b"hello"),
        closed(),
        client=OLD,
    ),
    response_case(
        "http10: an answer until close, keep-alive",
        "9112 6.3",
        answer(reply(body=b"hello"), Close()),
        status(200),
        body(b"hello"),
        closed(),
        client=KEEP,
    ),
    response_case(
        "http10: an answer with a length, keep-alive",
        RULE,
        sized(b"hello"),
        status(200),
        body(b"hello"),
        client=KEEP,
    ),
    response_case(
        "http10: no interim answer",
        "9110 15.2",
        b"HTTP/1.1 103 Early\r\n\r\n" + sized(b"hello"),
        status(200),
        body(b"hello"),
        interim(),
        closed(),
        client=OLD,
    ),
    response_case(
        "http10: a HEAD's chunked answer has no coding",
        "9112 6.1",
        reply(b"Transfer-Encoding: chunked"),
        status(200),
        silent(b"chunked"),
        closed(),
        client=head(method=b"HEAD", version=V),
    ),
    response_case(
        "http10: a 304 has no coding",
        "9112 6.1",
        reply(b"Transfer-Encoding: chunked", status=b"304 Not Modified"),
        status(304),
        silent(b"chunked"),
        closed(),
        client=OLD,
    ),
    response_case(
        "http10: the server's HTTP/1.0 is not shown",
        "9112 2.3",
        answer(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", Close()),
        status(200),
        body(b"hello"),
        silent(b"HTTP/1.0"),
    ),
    response_case(
        "http10: the server's keep-alive is not shown",
        "9110 7.6.1",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=9\r\n"
        b"Content-Length: 5\r\n\r\nhello",
        status(200),
        body(b"hello"),
        silent(b"timeout=9"),
        kept(),
    ),
)
