"""Request line, version, method and target (9112 §2.2, §2.3, §3)."""

from typing import Final

from tests.conformance.expect import (
    answers_to,
    either,
    nothing_sent,
    one_answer,
    refused,
    refused_or_closed,
    requests,
    sent_method,
    sent_target,
    status,
)
from tests.conformance.script import Case, case, head

HOST: Final = b"Host: a.test\r\n\r\n"
TLS_HELLO: Final = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(160))


def _line(id: str, line: bytes, rule: str = "9112 3", *codes: int, must: bool = True) -> Case:
    """A first line that has to be refused."""
    return case(f"request-line: {id}", rule, line + b"\r\n" + HOST, refused(*codes), must=must)


def _relayed(id: str, target: bytes, rule: str = "9110 7.7", *, must: bool = True) -> Case:
    """A target that comes to the server byte by byte as it was, or is refused."""
    return case(
        f"request-line: {id}",
        rule,
        head(target=target),
        either((status(200), requests(1), sent_target(target)), refused()),
        must=must,
    )


def _method(id: str, method: bytes) -> Case:
    return case(
        f"request-line: {id}",
        "9110 9.1",
        head(method=method),
        either((status(200), sent_method(method), requests(1)), refused(400, 405, 501)),
    )


LINES: Final = (
    _line("method is no token", b"G(T / HTTP/1.1"),
    _line("method empty", b" / HTTP/1.1"),
    _line("method with a colon", b"GET: / HTTP/1.1"),
    _line("two spaces before the target", b"GET  / HTTP/1.1", must=False),
    _line("two spaces before the version", b"GET /  HTTP/1.1", must=False),
    _line("tab between", b"GET\t/\tHTTP/1.1", must=False),
    _line("space after the version", b"GET / HTTP/1.1 ", must=False),
    _line("vertical tab between", b"GET\x0b/\x0bHTTP/1.1"),
    _line("fourth word", b"GET / HTTP/1.1 HTTP/1.1"),
    _line("NUL", b"GET /\x00 HTTP/1.1", "9112 2.2"),
    _line("bare CR in the target", b"GET /a\rb HTTP/1.1", "9112 2.2"),
    _line("bare CR as a separator", b"GET\r/ HTTP/1.1", "9112 2.2"),
    _line("CR CR LF", b"GET / HTTP/1.1\r", "9112 2.2"),
    _line("version HTTP/2.0", b"GET / HTTP/2.0", "9110 6.2", 400, 505),
    _line("version HTTP/3.1", b"GET / HTTP/3.1", "9110 6.2", 400, 505),
    _line("version HTTP/0.9", b"GET / HTTP/0.9", "9110 6.2", 400, 505),
    _line("version HTTP/9.9", b"GET / HTTP/9.9", "9110 6.2", 400, 505),
    _line("version HTTP/1.10", b"GET / HTTP/1.10", "9112 2.3", 400, 505),
    _line("version HTTP/01.1", b"GET / HTTP/01.1", "9112 2.3", 400, 505),
    _line("version HTTP/1", b"GET / HTTP/1", "9112 2.3", 400, 505),
    _line("version HTTP/1.", b"GET / HTTP/1.", "9112 2.3", 400, 505),
    _line("version HTTP/1.1x", b"GET / HTTP/1.1x", "9112 2.3", 400, 505),
    _line("version in lower case", b"GET / http/1.1", "9112 2.3", 400, 505),
    _line("version HTCPCP/1.1", b"GET / HTCPCP/1.1", "9112 2.3", 400, 505),
    _line("version -1.1", b"GET / HTTP/-1.1", "9112 2.3", 400, 505),
)

TARGETS: Final = (
    _line("target with a space", b"GET /a b HTTP/1.1", "9112 3.2"),
    _line("target with a control", b"GET /\x01 HTTP/1.1", "9112 3.2"),
    _line("target with DEL", b"GET /\x7f HTTP/1.1", "9112 3.2"),
    _line("target with a raw byte above 127", b"GET /caf\xe9 HTTP/1.1", "9112 3.2", must=False),
    _line("target with a fragment", b"GET /a#b HTTP/1.1", "9112 3.2", must=False),
    _line("target without a slash", b"GET a HTTP/1.1", "9112 3.2"),
    _line("target is a query only", b"GET ?a=b HTTP/1.1", "9112 3.2"),
    _line("target with a quote", b'GET /"a" HTTP/1.1', "9112 3.2", must=False),
    _line("target with angle brackets", b"GET /<a> HTTP/1.1", "9112 3.2", must=False),
    _relayed("double slashes and dots stay", b"//a//b/../c/./d"),
    _relayed("percent-encoded dots and slashes stay", b"/a%2e%2e%2Fb%2f"),
    _relayed("percent-encoding keeps its case", b"/%c3%A9"),
    _relayed("a query stays", b"/s?q=a+b&r=%20&r=/?&&="),
    _relayed("an empty query stays", b"/s?"),
    _relayed("parameters stay", b"/a;v=1,2/b;c"),
    _relayed("encoded NUL and CRLF stay encoded", b"/a%00b%0d%0aX:%20y"),
    _relayed("what browsers send raw", b"/a|b?c=[1]&d={2}^`", must=False),
    _relayed("a stray percent sign", b"/?q=100%", must=False),
    _relayed("a colon in the path", b"/a:b@c"),
    case(
        "request-line: GET *",
        "9112 3.2.4",
        head(target=b"*"),
        refused(),
    ),
    case(
        "request-line: OPTIONS *",
        "9112 3.2.4",
        head(method=b"OPTIONS", target=b"*"),
        either(
            (status(200, 204), requests(1), sent_target(b"*")),
            (status(200, 204), nothing_sent(), one_answer()),
            refused(400, 405, 501),
        ),
    ),
    case(
        "request-line: CONNECT is refused",
        "9110 9.3.6",
        head(method=b"CONNECT", target=b"a.test:443", host=b"a.test:443"),
        either(refused(400, 403, 405, 501), (status(400, 403, 405, 501), nothing_sent())),
    ),
    case(
        "request-line: CONNECT with a path",
        "9110 9.3.6",
        head(method=b"CONNECT", target=b"/"),
        either(refused(400, 403, 405, 501), (status(400, 403, 405, 501), nothing_sent())),
    ),
    case(
        "request-line: authority form with GET",
        "9112 3.2.3",
        head(target=b"a.test:443"),
        refused(),
    ),
)

OTHERS: Final = (
    _method("unknown method is relayed", b"FROBNICATE"),
    _method("method with a hyphen", b"M-SEARCH"),
    _method("method in lower case is another method", b"get"),
    _method("method of a hundred letters", b"X" * 100),
    case(
        "request-line: minor version above ours is 1.1 to us",
        "9110 6.2",
        head(version=b"HTTP/1.2"),
        either((status(200), requests(1)), refused(400, 505)),
        must=False,
    ),
    case(
        "request-line: one empty line before it is ignored",
        "9112 2.2",
        b"\r\n" + head(target=b"/x"),
        answers_to(b"/x"),
        must=False,
    ),
    case(
        "request-line: LF alone ends a line, or nothing does",
        "9112 2.2",
        b"GET /x HTTP/1.1\nHost: a.test\n\n",
        either(answers_to(b"/x"), refused()),
    ),
    case(
        "request-line: endless empty lines",
        "9112 2.2",
        b"\r\n" * 40000,
        refused_or_closed(),
        must=False,
    ),
    case(
        "request-line: HTTP/0.9",
        "9112 2.3",
        b"GET /\r\n\r\n",
        refused_or_closed(400, 505),
    ),
    case(
        "request-line: HTTP/2 preface",
        "9113 3.4",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        refused_or_closed(400, 405, 505),
    ),
    case("request-line: TLS hello", "9112 3", TLS_HELLO + b"\r\n\r\n", refused_or_closed()),
    case(
        "request-line: binary noise",
        "9112 3",
        bytes(range(128, 256)) * 4 + b"\r\n\r\n",
        refused_or_closed(),
    ),
)

CASES: Final = (*LINES, *TARGETS, *OTHERS)
