"""Host, and the target that wins over it (9112 §3.2, §3.2.2)."""

from typing import Final

from tests.conformance.expect import (
    either,
    nothing_sent,
    refused,
    requests,
    sent,
    sent_target,
    status,
    unsent,
)
from tests.conformance.script import Case, case, head

RULE: Final = "9112 3.2"


def _bad(id: str, host: bytes, *, must: bool = True) -> Case:
    return case(f"host: {id}", RULE, head(host=host), refused(400, 421), must=must)


def _good(id: str, host: bytes) -> Case:
    return case(f"host: {id}", RULE, head(host=host), status(200), sent(b"host", host))


def _absolute(id: str, target: bytes, host: bytes, path: bytes, *, method: bytes = b"GET") -> Case:
    return case(
        f"host: {id}",
        "9112 3.2.2",
        head(target=target, host=b"other.test", method=method),
        status(200),
        requests(1),
        sent(b"host", host),
        sent_target(path, target),
    )


CASES: Final = (
    case("host: missing", RULE, head(host=None), refused()),
    case("host: twice, equal", RULE, head(b"Host: a.test"), refused()),
    case("host: twice, different", RULE, head(b"Host: b.test"), refused()),
    case(
        "host: twice, far apart and in other case",
        RULE,
        head(b"X-A: b", b"HOST: b.test"),
        refused(),
    ),
    case("host: twice in HTTP/1.0", RULE, head(b"Host: b.test", version=b"HTTP/1.0"), refused()),
    _bad("a list", b"a.test, b.test"),
    _bad("a path in it", b"a.test/evil"),
    _bad("a query in it", b"a.test?evil", must=False),
    _bad("a user in it", b"user@a.test"),
    _bad("a space in it", b"a.test evil"),
    _bad("a tab in it", b"a.test\tevil"),
    _bad("a control in it", b"a.test\x01"),
    _bad("a raw byte in it", b"caf\xe9.test"),
    _bad("a port of letters", b"a.test:http"),
    _bad("a negative port", b"a.test:-80"),
    _bad("two ports", b"a.test:80:81"),
    _bad("an open bracket", b"[::1"),
    _bad("a bracket inside", b"a[::1]"),
    _bad("a backslash", b"a.test\\evil"),
    _bad("a scheme", b"http://a.test"),
    _bad("an angle bracket", b"a<script>", must=False),
    _bad("a hash", b"a.test#evil", must=False),
    _bad("a broken percent sign", b"a%zz.test", must=False),
    _good("a name with a port", b"a.test:8080"),
    _good("an IPv4 address", b"192.0.2.1"),
    _good("an IPv6 address", b"[2001:db8::1]"),
    _good("an IPv6 address with a port", b"[::1]:8080"),
    _good("capital letters stay", b"A.Test"),
    case(
        "host: empty",
        RULE,
        head(host=b""),
        either((status(200), sent(b"host", b"")), refused()),
        must=False,
    ),
    case(
        "host: empty port", RULE, head(host=b"a.test:"), either(status(200), refused()), must=False
    ),
    case(
        "host: none in HTTP/1.0",
        RULE,
        head(host=None, version=b"HTTP/1.0"),
        either((status(200), requests(1)), refused()),
        must=False,
    ),
    _absolute("absolute form wins", b"http://a.test/x?y=1", b"a.test", b"/x?y=1"),
    _absolute("absolute form with a port", b"http://a.test:8080/x", b"a.test:8080", b"/x"),
    _absolute("absolute form without a path", b"http://a.test", b"a.test", b"/"),
    _absolute("absolute form with a query only", b"http://a.test?y=1", b"a.test", b"/?y=1"),
    _absolute("absolute form with a scheme in capitals", b"HTTP://a.test/x", b"a.test", b"/x"),
    case(
        "host: absolute form with POST keeps the body apart",
        "9112 3.2.2",
        head(b"Content-Length: 5", method=b"POST", target=b"http://a.test/x", host=b"b.test")
        + b"hello",
        status(200),
        sent(b"host", b"a.test"),
    ),
    case(
        "host: absolute form without Host",
        RULE,
        head(target=b"http://a.test/x", host=None),
        refused(),
    ),
    case(
        "host: absolute form with two Hosts",
        RULE,
        head(b"Host: b.test", target=b"http://a.test/x"),
        refused(),
    ),
    case(
        "host: a user in the absolute form is not relayed",
        "9110 4.2.4",
        head(target=b"http://user:secret@a.test/x"),
        either(refused(), (status(200), unsent(b"secret"), sent(b"host", b"a.test"))),
        must=False,
    ),
    case(
        "host: absolute form with an empty host",
        "9110 4.2.1",
        head(target=b"http:///x"),
        either(refused(), (status(400), nothing_sent())),
    ),
    case(
        "host: absolute form with a bad port",
        "9112 3.2.2",
        head(target=b"http://a.test:x/"),
        refused(),
    ),
    case(
        "host: absolute form of OPTIONS without a path means the server itself",
        "9112 3.2.4",
        head(method=b"OPTIONS", target=b"http://a.test"),
        either(
            (status(200, 204), sent_target(b"*", b"http://a.test"), sent(b"host", b"a.test")),
            (status(200, 204, 400, 405, 501), nothing_sent()),
        ),
        must=False,
    ),
    _good("a trailing dot", b"a.test."),
    _good("an underscore", b"a_b.test"),
    _good("percent-encoded letters", b"a%41.test"),
    _bad("an IPv6 address with a broken zone", b"[fe80::1%]"),
    _bad("an IPv6 address without brackets", b"2001:db8::1"),
    _bad("colons in brackets that are no address", b"[:::]"),
    _bad("nine groups in brackets", b"[1:2:3:4:5:6:7:8:9]"),
    _bad("a group of five digits in brackets", b"[2001:db800::1]"),
    _bad("an IPv4 address in brackets", b"[192.0.2.1]"),
    _bad("a port above all ports", b"a.test:65536", must=False),
    _bad("a port of five thousand digits", b"a.test:" + b"1" * 5000, must=False),
    _good("an IPv6 address that ends as an IPv4 address", b"[::ffff:192.0.2.1]"),
    case(
        "host: absolute form with colons in brackets that are no address",
        "9112 3.2.2",
        head(target=b"http://[:::]/x"),
        refused(),
    ),
    _bad("NUL in it", b"a.test\x00"),
    _bad("a CR in it", b"a.test\r"),
    case(
        "host: absolute form of another scheme",
        "9110 4.2",
        head(target=b"ftp://a.test/x"),
        either(refused(400, 421, 501), (status(200), sent(b"host", b"a.test"))),
        must=False,
    ),
    case(
        "host: absolute form of https on a plain port",
        "9110 4.2.2",
        head(target=b"https://a.test/x"),
        either(refused(400, 421), (status(200), sent(b"host", b"a.test"))),
        must=False,
    ),
    case(
        "host: absolute form with HEAD",
        "9112 3.2.2",
        head(target=b"http://a.test/x", host=b"b.test", method=b"HEAD"),
        status(200),
        sent(b"host", b"a.test"),
    ),
)
