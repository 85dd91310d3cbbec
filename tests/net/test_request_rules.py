"""What a request's fields mean, rule by rule; the heads come through the whole reader."""

import pytest

from trio_lb.model.message import Length, Reject, RequestHead, Unsized
from trio_lb.net.h1_downstream import RequestReader
from trio_lb.net.h11_codec import H11Codec
from trio_lb.net.request_rules import is_authority

READER = RequestReader(H11Codec(), head_size=32768, target_size=16384, header_count=100)


def parse(line: str, *fields: str) -> RequestHead | Reject:
    head = "\r\n".join([line, *fields, "", ""]).encode("latin-1")
    return READER.parse(head)


def good(line: str, *fields: str) -> RequestHead:
    head = parse(line, *fields)
    assert isinstance(head, RequestHead), head
    return head


def status(line: str, *fields: str) -> int:
    head = parse(line, *fields)
    assert isinstance(head, Reject), head
    return head.status


GET = "GET / HTTP/1.1"
POST = "POST / HTTP/1.1"
HOST = "Host: a.example"


def test_a_plain_request_is_kept_as_it_was_sent() -> None:
    head = good("GET /a?b=%20c HTTP/1.1", "hOsT: a.example:81", "X-Y:  z ")
    assert (head.method, head.target, head.minor) == (b"GET", b"/a?b=%20c", 1)
    assert head.host == b"a.example:81"
    assert head.framing is Unsized.NO_BODY
    assert head.fields[1] == (b"x-y", b"X-Y", b"z")
    assert head.keep_alive


@pytest.mark.parametrize(
    ("fields", "framing"),
    [
        ([], Unsized.NO_BODY),
        (["Content-Length: 0"], Unsized.NO_BODY),
        (["Content-Length: 5"], Length(5)),
        (["Content-Length: 5, 5"], Length(5)),
        (["Content-Length: 5", "Content-Length: 5"], Length(5)),
        (["Content-Length: 999999999999999999"], Length(10**18 - 1)),
        (["Transfer-Encoding: chunked"], Unsized.CHUNKED),
        (["Transfer-Encoding: CHUNKED"], Unsized.CHUNKED),
    ],
)
def test_framing_that_is_plain(fields: list[str], framing: object) -> None:
    assert good(POST, HOST, *fields).framing == framing


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (["Content-Length: +5"], 400),
        (["Content-Length: -5"], 400),
        (["Content-Length: 5_0"], 400),
        (["Content-Length: 0x5"], 400),
        (["Content-Length: 5 5"], 400),
        (["Content-Length:"], 400),
        (["Content-Length: 5,"], 400),
        (["Content-Length: 5", "Content-Length: 6"], 400),
        (["Content-Length: 5, 6"], 400),
        (["Content-Length: 18446744073709551616"], 400),
        (["Content-Length: 5", "Transfer-Encoding: chunked"], 400),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], 400),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 400),
        (["Transfer-Encoding: chunked,"], 400),
        (["Transfer-Encoding: , chunked"], 400),
        (["Transfer-Encoding: chunked, chunked"], 400),
        (["Transfer-Encoding: chunked, gzip"], 400),
        (["Transfer-Encoding: gzip"], 400),
        (["Transfer-Encoding: identity"], 400),
        (["Transfer-Encoding: xchunked"], 400),
        (["Transfer-Encoding: chunked;a=b"], 400),
        (["Transfer-Encoding:"], 400),
        (["Transfer-Encoding: gzip, chunked"], 501),
    ],
)
def test_framing_in_doubt_is_refused(fields: list[str], code: int) -> None:
    assert status(POST, HOST, *fields) in (code, 501)


def test_transfer_encoding_in_http_1_0_is_faulty() -> None:
    assert status("POST / HTTP/1.0", HOST, "Transfer-Encoding: chunked") == 400


@pytest.mark.parametrize(
    ("line", "hosts", "code"),
    [
        (GET, [], 400),
        (GET, ["Host: a", "Host: a"], 400),
        (GET, ["Host: a", "Host: b"], 400),
        (GET, ["Host:"], 400),
        (GET, ["Host: a b"], 400),
        (GET, ["Host: a,b c"], 400),
        (GET, ["Host: a/b"], 400),
        (GET, ["Host: user@a"], 400),
        (GET, ["Host: a:b"], 400),
        (GET, ["Host: a:65536"], 400),
        (GET, ["Host: [::1"], 400),
        (GET, ["Host: a?b"], 400),
        (GET, ["Host: a%2"], 400),
        ("GET http://a/ HTTP/1.1", ["Host: a", "Host: b"], 400),
    ],
)
def test_a_host_that_is_missing_double_or_invalid(line: str, hosts: list[str], code: int) -> None:
    assert status(line, *hosts) == code


def test_http_1_0_may_leave_host_out() -> None:
    head = good("GET / HTTP/1.0")
    assert head.host == b""
    assert not head.keep_alive


@pytest.mark.parametrize(
    ("line", "target", "host"),
    [
        ("GET http://b:81/x?y HTTP/1.1", b"/x?y", b"b:81"),
        ("GET http://b HTTP/1.1", b"/", b"b"),
        ("GET HTTP://b?q HTTP/1.1", b"/?q", b"b"),
        ("OPTIONS http://b HTTP/1.1", b"*", b"b"),
        ("OPTIONS * HTTP/1.1", b"*", b"a.example"),
        ("GET //x HTTP/1.1", b"//x", b"a.example"),
    ],
)
def test_the_target_forms(line: str, target: bytes, host: bytes) -> None:
    head = good(line, HOST)
    assert (head.target, head.host) == (target, host)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("GET * HTTP/1.1", 400),
        ("GET a HTTP/1.1", 400),
        ("GET ftp://a/ HTTP/1.1", 400),
        ("GET http:/// HTTP/1.1", 400),
        ("GET http://u@a/ HTTP/1.1", 400),
        ("GET http://a b/ HTTP/1.1", 400),
        ("GET /#f HTTP/1.1", 400),
        ("CONNECT a:443 HTTP/1.1", 405),
        ("GET / HTTP/2.0", 505),
        ("GET / HTTP/1.10", 400),
        ("GET / HTTP/1", 400),
        ("GET / http/1.1", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET\t/ HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        (" GET / HTTP/1.1", 400),
        ("G(T / HTTP/1.1", 400),
        ("GET /", 400),
        ("GET /\x7f HTTP/1.1", 400),
        ("GET /\xe9 HTTP/1.1", 400),
    ],
)
def test_request_lines_that_are_refused(line: str, code: int) -> None:
    assert status(line, HOST) == code


@pytest.mark.parametrize(
    "field",
    [
        "A : b", "A\t: b", ": b", "Ab", " A: b", "A(: b", "A: b\x00", "A: b\x01c", "A: b\x7f",
        "A: b\r c", "A: b\n c", "A: b\r\n c", "A\xe9: b",
    ],
)  # fmt: skip
def test_field_lines_that_are_refused(field: str) -> None:
    assert status(GET, HOST, field) == 400


def test_obs_text_in_a_value_passes_as_it_is() -> None:
    assert good(GET, HOST, "A: \xe9\xff").get(b"a") == b"\xe9\xff"


def test_expect_is_for_bodies_and_1_1_only() -> None:
    expect = "Expect: 100-Continue"
    assert good(POST, HOST, "Content-Length: 1", expect).expects_continue
    assert not good(POST, HOST, expect).expects_continue
    assert not good("POST / HTTP/1.0", HOST, "Content-Length: 1", expect).expects_continue
    assert status(POST, HOST, "Content-Length: 1", "Expect: magic") == 417


@pytest.mark.parametrize(
    ("fields", "upgrade"),
    [
        (["Connection: Upgrade", "Upgrade: websocket"], b"websocket"),
        (["Connection: keep-alive, upgrade", "Upgrade: a, b"], b"a, b"),
        (["Upgrade: websocket"], None),
        (["Connection: upgrade", "Upgrade: h2c"], None),
        (["Connection: upgrade", "Upgrade: websocket, h2c"], None),
        (["Connection: upgrade", "Upgrade: HTTP/2.0"], None),
        (["Connection: upgrade", "Upgrade: websocket", "Content-Length: 1"], None),
    ],
)
def test_which_upgrades_may_be_relayed(fields: list[str], upgrade: bytes | None) -> None:
    assert good(GET, HOST, *fields).upgrade == upgrade


def test_no_upgrade_in_http_1_0() -> None:
    head = good("GET / HTTP/1.0", HOST, "Connection: upgrade", "Upgrade: websocket")
    assert head.upgrade is None


def test_max_forwards_counts_for_trace_and_options_only() -> None:
    assert good("OPTIONS / HTTP/1.1", HOST, "Max-Forwards: 3").max_forwards == 3
    assert good(GET, HOST, "Max-Forwards: 3").max_forwards is None
    assert status("TRACE / HTTP/1.1", HOST, "Content-Length: 3") == 400


def test_max_forwards_counts_in_a_request_without_a_host_too() -> None:
    for method in ("TRACE", "OPTIONS"):
        assert good(f"{method} / HTTP/1.0", "Max-Forwards: 0").max_forwards == 0


def test_too_many_fields_and_too_long_a_target() -> None:
    assert status(GET, HOST, *["A: b"] * 100) == 431
    assert status("GET /" + "a" * 16384 + " HTTP/1.1", HOST) == 414


def test_connection_options_are_lower_case_and_close_ends_keep_alive() -> None:
    head = good(GET, HOST, "Connection: Close, , X-A", "Connection: x-b")
    assert head.connection == {b"close", b"x-a", b"x-b"}
    assert not head.keep_alive


@pytest.mark.parametrize("value", [b"a", b"a.b:80", b"a:", b"[::1]:80", b"a%20b", b"1.2.3.4"])
def test_authorities(value: bytes) -> None:
    assert is_authority(value)


@pytest.mark.parametrize(
    "value",
    [b"[::ffff:192.0.2.1]:80", b"[1:2:3:4:5:6:7::]", b"[v1.a:b]", b"a:00080"],
)
def test_authorities_that_are_odd_and_right(value: bytes) -> None:
    assert is_authority(value)


@pytest.mark.parametrize(
    "value",
    [
        b"[1]", b"[:::]", b"[...]", b"[1::2::3]", b"[12345::]", b"[1:2:3:4:5:6:7:8:9]",
        b"[192.0.2.1]", b"[::192.0.2.256]", b"[::1", b"[]", b"a:65536", b"a:" + b"1" * 5000,
        b"a:" + b"0" * 5000, b"a,b",
    ],
)  # fmt: skip
def test_no_authorities(value: bytes) -> None:
    assert not is_authority(value)
    assert status(GET, f"Host: {value.decode()}") == 400
    assert status(f"GET http://{value.decode()}/ HTTP/1.1", HOST) == 400
