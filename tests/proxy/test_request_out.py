"""Requests as servers see them: one hop's fields gone, ours put in, the meaning unchanged."""

import string
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.proxy.stage import READER, head_of
from trio_lb.model.address import Address
from trio_lb.model.message import RequestHead
from trio_lb.proxy.request_out import RequestWriter, Trust

SERVER: Final = Address("10.0.0.9", 8000)
VIA: Final = b"Via: 1.1 trio-lb-abcd\r\n"


def writer(
    *, peer: str = "192.0.2.7", trusted: bool = False, forwarded: bool = True
) -> RequestWriter:
    return RequestWriter(
        peer=peer, scheme="http", trusted=trusted, forwarded=forwarded, pseudonym="trio-lb-abcd"
    )


PLAIN = writer(forwarded=False)


def write(
    text: str, by: RequestWriter = PLAIN, *, server: Address = SERVER, client: str = ""
) -> bytes:
    data = by.write(head_of(text), request_id="r1", server=server, client=client)
    assert data is not None
    return data


def lines(text: str, by: RequestWriter = PLAIN, *, client: str = "") -> list[str]:
    """What was added or kept, without the request line, Host and Via."""
    skipped = ("Host: ", "Via: 1.1 trio-lb-abcd")
    _, *fields = write(text, by, client=client).decode("latin-1").split("\r\n")
    return [line for line in fields if line and not line.startswith(skipped)]


def test_a_plain_request_keeps_its_bytes() -> None:
    assert write("GET /a?b=%20{c} HTTP/1.1\nhOST: a.example:81\nX-y:  z ") == (
        b"GET /a?b=%20{c} HTTP/1.1\r\nHost: a.example:81\r\nX-y: z\r\n" + VIA + b"\r\n"
    )


def test_the_version_is_ours_and_via_names_the_client_s() -> None:
    assert write("GET / HTTP/1.0\nHost: a") == (
        b"GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 trio-lb-abcd\r\n\r\n"
    )


def test_the_authority_of_an_absolute_target_is_the_host() -> None:
    assert write("GET http://b.example/x HTTP/1.1\nHost: a").startswith(
        b"GET /x HTTP/1.1\r\nHost: b.example\r\n"
    )


@pytest.mark.parametrize(
    ("server", "host"),
    [
        (SERVER, b"10.0.0.9:8000"),
        (Address("::1", 80), b"[::1]:80"),
        (Address("unix:/run/app.sock", 0), b"localhost"),
    ],
)
def test_a_request_without_host_gets_the_server_s(server: Address, host: bytes) -> None:
    assert write("GET / HTTP/1.0", server=server).startswith(
        b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n"
    )


@pytest.mark.parametrize(
    "field",
    ["Keep-Alive: 5", "Proxy-Connection: x", "TE: gzip", "Upgrade: h2c", "HTTP2-Settings: x",
     "Proxy-Authorization: x", "Proxy: http://evil", "Connection: close", "Expect: 100-continue",
     "Connection: X-Hop\nX-Hop: 1", "Connection: , x-hop ,\nX-HOP: 1"],
)  # fmt: skip
def test_hop_by_hop_fields_stay_here(field: str) -> None:
    assert lines(f"GET / HTTP/1.1\nHost: a\n{field}") == []


@pytest.mark.parametrize("name", ["Host", "Via", "Max-Forwards", "Content-Length"])
def test_what_guards_or_frames_the_request_cannot_be_nominated_away(name: str) -> None:
    value = {"Host": "a", "Content-Length": "4", "Max-Forwards": "3", "Via": "1.1 x"}[name]
    extra = "" if name == "Host" else f"\n{name}: {value}"
    data = write(f"OPTIONS / HTTP/1.1\nHost: a{extra}\nConnection: {name}")
    expected = "2" if name == "Max-Forwards" else value
    assert f"\r\n{name}: {expected}\r\n".encode() in data


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ("Content-Length: 5", ["Content-Length: 5"]),
        ("Content-Length: 5, 5", ["Content-Length: 5"]),
        ("Transfer-Encoding: Chunked", ["Transfer-Encoding: chunked"]),
        ("Content-Length: 0", ["Content-Length: 0"]),
        ("X: 1", ["X: 1", "Content-Length: 0"]),
        (
            "Content-Length: 5\nExpect: 100-Continue",
            ["Content-Length: 5", "Expect: 100-continue"],
        ),
    ],
)
def test_the_framing_is_written_anew(fields: str, written: list[str]) -> None:
    assert lines(f"POST / HTTP/1.1\nHost: a\n{fields}") == written


def test_a_get_without_a_body_says_nothing_of_one() -> None:
    assert lines("GET / HTTP/1.1\nHost: a\nContent-Length: 0") == []


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        (
            "Connection: Upgrade\nUpgrade: websocket",
            ["Connection: upgrade", "Upgrade: websocket"],
        ),
        ("Upgrade: websocket", []),
        ("Connection: TE\nTE: trailers, gzip", ["Connection: te", "TE: trailers"]),
        ("Connection: TE\nTE: gzip\nTE: Trailers", ["Connection: te", "TE: trailers"]),
        ("Connection: TE\nTE: gzip", []),
        ("Connection: TE\nTE: xtrailers, trailers-not", []),
    ],
)
def test_connection_says_what_it_has_to_on_our_own_hop(fields: str, written: list[str]) -> None:
    assert lines(f"GET / HTTP/1.1\nHost: a\n{fields}") == written


def test_max_forwards_counts_down_for_the_methods_that_it_is_for() -> None:
    assert lines("TRACE / HTTP/1.1\nHost: a\nMax-Forwards: 10") == ["Max-Forwards: 9"]
    assert lines("GET / HTTP/1.1\nHost: a\nMax-Forwards: 10") == ["Max-Forwards: 10"]


def test_a_request_that_was_here_before_is_recognised_among_other_hops() -> None:
    head = head_of("GET / HTTP/1.1\nHost: a\nVia: 1.1 x, 1.0 trio-lb-abcd (y)")
    assert PLAIN.write(head, request_id="r1", server=SERVER) is None
    other = "GET / HTTP/1.1\nHost: a\nVia: 1.1 trio-lb-0000"
    assert write(other).count(b"Via: ") == 2


OURS = [
    "X-Forwarded-For: 192.0.2.7",
    "X-Forwarded-Proto: http",
    "X-Real-IP: 192.0.2.7",
    "X-Forwarded-Host: a",
    "X-Request-ID: r1",
]


@pytest.mark.parametrize(
    "said",
    ["", "X-Forwarded-For: 6.6.6.6", "x-forwarded-proto: https", "X-Real-IP: 6.6.6.6",
     "X-Request-ID: evil", "X-Forwarded-Anything: x\nX-Forwarded-For: 1\nX-Forwarded-For: 2"],
)  # fmt: skip
def test_what_an_untrusted_peer_says_of_itself_is_replaced(said: str) -> None:
    assert lines(f"GET / HTTP/1.1\nHost: a\n{said}".strip(), writer()) == OURS


def test_an_untrusted_forwarded_is_replaced_by_our_own_element() -> None:
    got = lines("GET / HTTP/1.1\nHost: a\nForwarded: for=6.6.6.6", writer())
    assert 'Forwarded: for=192.0.2.7;proto=http;host="a"' in got
    assert "6.6.6.6" not in "".join(got)


def test_a_trusted_peer_s_words_stay_with_the_peer_behind_them() -> None:
    got = lines(
        "GET / HTTP/1.1\nHost: a\nX-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 7.7.7.7\n"
        "X-Forwarded-Proto: https\nX-Request-ID: r1\nForwarded: for=6.6.6.6",
        writer(trusted=True, peer="::1"),
        client="7.7.7.7",
    )
    assert got == [
        "X-Forwarded-For: 6.6.6.6, 7.7.7.7, ::1",
        'Forwarded: for=6.6.6.6, for="[::1]";proto=http;host="a"',
        "X-Forwarded-Proto: https",
        "X-Request-ID: r1",
        "X-Forwarded-Host: a",
        "X-Real-IP: 7.7.7.7",
    ]


def test_a_trusted_peer_that_says_nothing_is_the_client() -> None:
    assert sorted(lines("GET / HTTP/1.1\nHost: a", writer(trusted=True))) == sorted(OURS)


def test_other_fields_about_the_request_pass() -> None:
    fields = ["traceparent: 00-1-2-01", "X_Odd: but legal"]
    assert lines("GET / HTTP/1.1\nHost: a\n" + "\n".join(fields)) == fields


def test_underscore_twins_of_what_a_proxy_vouches_for_are_dropped() -> None:
    twins = "X_Forwarded_For: 6.6.6.6\nX_Real_IP: 6.6.6.6\nProxy: http://evil"
    assert lines("GET / HTTP/1.1\nHost: a\n" + twins) == []


NAMES = st.text(string.ascii_letters + "-_", min_size=1, max_size=12)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"),
                 max_size=15)  # fmt: skip
STEERING = st.sampled_from(
    ["Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close", "Connection: x, te",
     "TE: trailers", "Expect: 100-continue", "Max-Forwards: 3", "X: 1",
     "Connection: upgrade\nUpgrade: websocket", "X-Forwarded-For: 1.2.3.4", "Via: 1.0 b"]
)  # fmt: skip
FIELDS = st.builds("{}: {}".format, NAMES, VALUES) | STEERING
HEADS = st.builds(
    "{} {} HTTP/1.{}\nHost: a.example\n{}".format,
    st.sampled_from(["GET", "POST", "OPTIONS", "PATCH", "BREW"]),
    st.sampled_from(["/", "/a?b", "http://c.example", "/%20{x}"]),
    st.sampled_from([0, 1]),
    st.lists(FIELDS, max_size=6).map("\n".join),
)


@given(HEADS, st.booleans(), st.booleans())
def test_whatever_is_accepted_is_written_so_that_it_is_accepted_and_means_the_same(
    text: str, trusted: bool, forwarded: bool
) -> None:
    raw = ("\r\n".join(text.strip("\n").split("\n")) + "\r\n\r\n").encode("latin-1")
    head = READER.parse(raw)
    if not isinstance(head, RequestHead):
        return
    data = writer(trusted=trusted, forwarded=forwarded).write(head, request_id="r", server=SERVER)
    assert data is not None
    again = READER.parse(data)
    assert isinstance(again, RequestHead), again
    assert again.minor == 1
    for name in ("method", "target", "host", "framing", "upgrade", "expects_continue"):
        assert getattr(again, name) == getattr(head, name), name
    assert again.connection <= {b"upgrade", b"te"}


@pytest.mark.parametrize(
    ("networks", "host", "covered"),
    [
        ([], "127.0.0.1", False),
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8", "::1/128"], "::1", True),
        (["10.0.0.1/8"], "10.9.9.9", True),
        (["10.0.0.0/8"], "11.0.0.1", False),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["10.0.0.0/8"], "unix:", False),
        (["0.0.0.0/0"], "not an address", False),
    ],
)
def test_trust_is_a_matter_of_networks(networks: list[str], host: str, covered: bool) -> None:
    assert Trust(networks).covers(host) is covered


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("", "10.0.0.1"),
        ("6.6.6.6", "6.6.6.6"),
        ("1.1.1.1, 6.6.6.6, 10.0.0.2", "6.6.6.6"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        (" , 6.6.6.6 ,", "6.6.6.6"),
        ("6.6.6.6:99, [2001:db8::1]:99, 10.0.0.2:99", "2001:db8::1"),
        ("6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"),
        ("6.6.6.6, [10.0.0.2", "6.6.6.6"),
        ("6.6.6.6, 1:2", "10.0.0.1"),
        ('6.6.6.6, fe80::1%\xe9 "', "fe80::1"),
    ],
)
def test_the_client_is_the_last_address_that_is_not_trusted(chain: str, client: str) -> None:
    assert Trust(["10.0.0.0/8"]).client_of("10.0.0.1", chain) == client
