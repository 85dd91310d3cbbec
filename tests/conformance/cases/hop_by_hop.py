"""Fields of one hop stay there, both ways (9110 §7.6.1, §7.8, §10.1.4)."""

from typing import Final

from tests.conformance.expect import (
    Expect,
    body,
    either,
    field,
    kept,
    nothing_sent,
    requests,
    sent,
    sent_body,
    sent_matching,
    silent,
    status,
    unsent,
)
from tests.conformance.script import (
    Case,
    case,
    chunked,
    head,
    post,
    post_chunked,
    reply,
    response_case,
    sized,
)

RULE: Final = "9110 7.6.1"


def _removed(id: str, *lines: bytes, rule: str = RULE) -> Case:
    return case(
        f"hop-by-hop: {id}", rule, head(*lines), status(200), requests(1), unsent(b"secret")
    )


def _removed_back(id: str, *lines: bytes) -> Case:
    return response_case(
        f"hop-by-hop: {id}",
        RULE,
        sized(b"ok", *lines),
        status(200),
        body(b"ok"),
        silent(b"secret"),
        kept(),
    )


def _protected(id: str, data: bytes, *expect: Expect) -> Case:
    """Nominated, but not the client's to remove: it stays, or the request is refused."""
    return case(
        f"hop-by-hop: {id}",
        RULE,
        data,
        either((status(200), requests(1), *expect), (status(400), nothing_sent())),
    )


CASES: Final = (
    _removed("nominated by Connection", b"Connection: X-Hop", b"X-Hop: secret"),
    _removed("nominated before it comes", b"X-Hop: secret", b"Connection: X-Hop"),
    _removed("nominated in other case", b"Connection: x-hOP", b"X-Hop: secret"),
    _removed("nominated in a list", b"Connection: keep-alive, X-Hop", b"X-Hop: secret"),
    _removed(
        "nominated on the second line",
        b"Connection: keep-alive",
        b"Connection: X-Hop",
        b"X-Hop: secret",
    ),
    _removed("nominated beside close", b"Connection: close, X-Hop", b"X-Hop: secret"),
    _removed(
        "nominated, on two lines itself", b"Connection: X-Hop", b"X-Hop: secret", b"X-Hop: secret"
    ),
    _removed("nominated after empty elements", b"Connection: ,, ,X-Hop,", b"X-Hop: secret"),
    _removed("nominated by HTTP/1.1 for Cookie", b"Connection: Cookie", b"Cookie: secret"),
    _removed("Keep-Alive", b"Keep-Alive: secret"),
    _removed("Keep-Alive, nominated", b"Connection: keep-alive", b"Keep-Alive: timeout=5, secret"),
    _removed("Proxy-Connection", b"Proxy-Connection: secret"),
    _removed("TE of a coding", b"TE: secret", rule="9110 10.1.4"),
    _removed(
        "TE of a coding, nominated",
        b"TE: gzip, secret;q=0.5",
        b"Connection: TE",
        rule="9110 10.1.4",
    ),
    _removed("Upgrade without its option", b"Upgrade: secret", rule="9110 7.8"),
    _removed("HTTP2-Settings", b"Connection: HTTP2-Settings", b"HTTP2-Settings: secret"),
    case(
        "hop-by-hop: TE trailers is relayed with its option or not at all",
        "9110 10.1.4",
        head(b"TE: trailers", b"Connection: TE"),
        status(200),
        sent_matching(b"te", lambda got: got in ([], [b"trailers"]), "only trailers passes"),
    ),
    case(
        "hop-by-hop: TE of what only resembles trailers promises none",
        "9110 10.1.4",
        head(b"TE: x-trailers", b"Connection: TE"),
        status(200),
        sent(b"te"),
    ),
    case(
        "hop-by-hop: nothing of its own is lost",
        RULE,
        head(b"Connection: X-Hop", b"X-Hop: secret", b"X-Hope: 1", b"X-Ho: 2"),
        status(200),
        unsent(b"secret"),
        sent(b"x-hope", b"1"),
        sent(b"x-ho", b"2"),
    ),
    _protected(
        "Host cannot be nominated away", head(b"Connection: Host"), sent(b"host", b"a.test")
    ),
    _protected(
        "Content-Length cannot be nominated away",
        post(b"hello", b"Connection: Content-Length"),
        sent_body(b"hello"),
    ),
    _protected(
        "Transfer-Encoding cannot be nominated away",
        post_chunked(chunked(b"hello"), b"Connection: Transfer-Encoding"),
        sent_body(b"hello"),
    ),
    _protected(
        "X-Forwarded-For cannot be nominated away",
        head(b"Connection: X-Forwarded-For", b"X-Forwarded-For: 203.0.113.66"),
        sent_matching(b"x-forwarded-for", bool, "CVE-2024-45410"),
    ),
    _protected(
        "X-Forwarded-Proto cannot be nominated away",
        head(b"Connection: X-Forwarded-Proto, X-Forwarded-Host"),
        sent_matching(b"x-forwarded-proto", lambda got: got == [b"http"], "CVE-2024-45410"),
    ),
    _protected(
        "Via cannot be nominated away",
        head(b"Connection: Via"),
        sent_matching(b"via", bool, "9110 7.6.3"),
    ),
    _removed_back("nominated in an answer", b"Connection: X-Hop", b"X-Hop: secret"),
    _removed_back(
        "nominated in an answer, in a list and other case",
        b"Connection: keep-alive, x-hop",
        b"X-HOP: secret",
    ),
    _removed_back("Keep-Alive in an answer", b"Keep-Alive: timeout=5, secret"),
    _removed_back("Proxy-Connection in an answer", b"Proxy-Connection: secret"),
    _removed_back("Upgrade in an answer without its option", b"Upgrade: secret"),
    response_case(
        "hop-by-hop: Content-Length of an answer cannot be nominated away",
        RULE,
        sized(b"ok", b"Connection: Content-Length"),
        status(200),
        body(b"ok"),
        kept(),
    ),
    response_case(
        "hop-by-hop: the coding of an answer cannot be nominated away",
        RULE,
        reply(b"Transfer-Encoding: chunked", b"Connection: Transfer-Encoding", body=chunked(b"ok")),
        status(200),
        body(b"ok"),
        kept(),
    ),
    response_case(
        "hop-by-hop: end-to-end fields of an answer pass",
        "9110 7.6",
        sized(b"ok", b"X-A: 1", b"X-a: 2", b"Vary: *"),
        field(b"x-a", b"1", b"2"),
        field(b"vary", b"*"),
    ),
)
