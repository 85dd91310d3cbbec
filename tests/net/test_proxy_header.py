"""PROXY headers, byte by byte as the specification draws them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.address import Address
from trio_lb.net.crc32c import crc32c
from trio_lb.net.proxy_header import (
    MAX_V1,
    MAX_V2,
    Header,
    Malformed,
    NeedMore,
    Version,
    decode,
)

SIGNATURE = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
CLIENT, SERVICE = Address("192.168.0.1", 56324), Address("192.168.0.11", 443)
CLIENT6, SERVICE6 = Address("2001:db8::1", 56324), Address("2001:db8:ffff::2", 443)
IPV4 = bytes([192, 168, 0, 1, 192, 168, 0, 11]) + b"\xdc\x04\x01\xbb"
IPV6 = (
    bytes.fromhex("20010db8000000000000000000000001 20010db8ffff00000000000000000002")
    + b"\xdc\x04\x01\xbb"
)
LINE = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"
LINE6 = b"PROXY TCP6 2001:db8::1 2001:db8:ffff::2 56324 443\r\n"


def v2(command: int, family: int, block: bytes) -> bytes:
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(block)) + block


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def with_checksum(before: bytes, after: bytes) -> bytes:
    """An IPv4 header with a right checksum between these TLVs."""
    blank = v2(0x21, 0x11, IPV4 + before + tlv(3, bytes(4)) + after)
    at = len(blank) - len(after) - 4
    return blank[:at] + crc32c(blank).to_bytes(4, "big") + blank[at + 4 :]


# ---------------------------------------------------------------------- version 1


@pytest.mark.parametrize(
    ("line", "source", "destination"),
    [
        (LINE, CLIENT, SERVICE),
        (LINE6, CLIENT6, SERVICE6),
        (
            b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
            Address("255.255.255.255", 65535),
            Address("255.255.255.255", 65535),
        ),
        (b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", Address("0.0.0.0", 0), Address("0.0.0.0", 0)),
        (
            b"PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::1 1 2\r\n",
            Address("2001:db8::1", 1),
            Address("::1", 2),
        ),
        (
            b"PROXY TCP6 " + b":".join([b"ffff"] * 8) + b" " + b":".join([b"FFFF"] * 8)
            + b" 65535 65535\r\n",
            Address(":".join(["ffff"] * 8), 65535),
            Address(":".join(["ffff"] * 8), 65535),
        ),
        (b"PROXY UNKNOWN\r\n", None, None),
        (b"PROXY UNKNOWN a b\x00\xff  c \r\n", None, None),
        (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", None, None),
    ],
)  # fmt: skip
def test_reads_a_line(line: bytes, source: Address | None, destination: Address | None) -> None:
    assert decode(line) == Header(source, destination, len(line))


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY TCP6 ::ffff:192.168.0.1 ::ffff:192.168.0.11 56324 443\r\n",
        b"PROXY TCP6 ::ffff:c0a8:1 ::ffff:c0a8:b 56324 443\r\n",
        v2(0x21, 0x21, (bytes(10) + b"\xff\xff").join([b"", IPV4[:4], IPV4[4:]])),
    ],
)
def test_an_ipv4_client_that_came_over_ipv6_is_known_by_its_ipv4_address(line: bytes) -> None:
    assert decode(line) == Header(CLIENT, SERVICE, len(line))


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY  TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4  192.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324  443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 \r\n",
        b"PROXY TCP4\t192.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 1\r\n",
        b"PROXY TCP4 192.168.0.1 56324 443\r\n",
        b"PROXY TCP4\r\n",
        b"PROXY \r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 \n\r\n",
        b"PROXY TCP4 192.168.0.01 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.000.11 56324 443\r\n",
        b"PROXY TCP4 192.168.0.256 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4 192.168.1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4 192.168.0.1.1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4 0xc0.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP4 3232235521 3232235531 56324 443\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 56324 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 056324 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 0443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 00\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 99999\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 -1 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 +1 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 1_0 443\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 \xd9\xa1 443\r\n",
        b"PROXY TCP6 192.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP6 2001:db8::1 192.168.0.11 56324 443\r\n",
        b"PROXY TCP6 2001:db8::1::2 ::1 56324 443\r\n",
        b"PROXY TCP6 2001:db8:1 ::1 56324 443\r\n",
        b"PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 56324 443\r\n",
        b"PROXY TCP6 02001:db8::1 ::1 56324 443\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 56324 443\r\n",
        b"PROXY TCP6 [2001:db8::1] ::1 56324 443\r\n",
        b"PROXY TCP5 192.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY UDP4 192.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY tcp4 192.168.0.1 192.168.0.11 56324 443\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY unknown\r\n",
        b"PROXY UNKNOWN a\nb\r\n",
        b"PROXY UNKNOWN a\rb\r\n",
        b"PROXY UNKNOWN\n",
        b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n",
        b"PROXY UNKNOWN " + b"f" * 200,
    ],
)
def test_refuses_a_line_that_the_specification_does_not_draw(line: bytes) -> None:
    assert isinstance(decode(line), Malformed)


def test_a_line_that_does_not_end_is_refused_at_its_hundred_and_seventh_byte() -> None:
    begun = b"PROXY UNKNOWN ".ljust(MAX_V1, b"f")
    assert decode(begun[:-1]) == NeedMore()
    assert decode(begun) == Malformed("no end of line in 107 bytes")


# ---------------------------------------------------------------------- version 2


@pytest.mark.parametrize(
    ("header", "source", "destination"),
    [
        (v2(0x21, 0x11, IPV4), CLIENT, SERVICE),
        (v2(0x21, 0x21, IPV6), CLIENT6, SERVICE6),
        (
            v2(0x21, 0x31, bytes(108) + b"/run/lb.sock".ljust(108, b"\0")),
            Address("unix:", 0),
            Address("unix:/run/lb.sock", 0),
        ),
        (
            v2(0x21, 0x31, b"\0abstract".ljust(108, b"\0") + b"/" * 108),
            Address("unix:", 0),
            Address("unix:" + "/" * 108, 0),
        ),
        (
            v2(0x21, 0x31, b"/a b\n\xc3\xa4".ljust(108, b"\0") + bytes(108)),
            Address("unix:/a\\x20b\\x0a\\xc3\\xa4", 0),
            Address("unix:", 0),
        ),
        (v2(0x21, 0x11, IPV4 + tlv(4, b"") + tlv(0xEA, b"x" * 300)), CLIENT, SERVICE),
        (with_checksum(b"", b""), CLIENT, SERVICE),
        (with_checksum(tlv(1, b"h2"), tlv(2, b"example.com")), CLIENT, SERVICE),
        (v2(0x21, 0x11, IPV4 + tlv(4, bytes(MAX_V2 - 31))), CLIENT, SERVICE),
        (v2(0x21, 0x00, b""), None, None),
        (v2(0x21, 0x00, b"whatever"), None, None),
        (v2(0x21, 0x12, IPV4), None, None),
        (v2(0x21, 0x22, IPV6), None, None),
        (v2(0x21, 0x32, bytes(216)), None, None),
    ],
)
def test_reads_a_block(header: bytes, source: Address | None, destination: Address | None) -> None:
    assert decode(header) == Header(source, destination, len(header))


@pytest.mark.parametrize(
    "header",
    [
        v2(0x20, 0x00, b""),
        v2(0x20, 0x11, IPV4),
        v2(0x20, 0xFF, b"skipped, whatever it is"),
    ],
)
def test_a_proxy_that_speaks_for_itself_is_believed_whatever_else_it_says(header: bytes) -> None:
    assert decode(header) == Header(None, None, len(header), local=True)


@pytest.mark.parametrize(
    "header",
    [
        v2(0x22, 0x11, IPV4),
        v2(0x2F, 0x11, IPV4),
        v2(0x11, 0x11, IPV4),
        v2(0x31, 0x11, IPV4),
        v2(0x01, 0x11, IPV4),
        v2(0x21, 0x01, b""),
        v2(0x21, 0x10, IPV4),
        v2(0x21, 0x13, IPV4),
        v2(0x21, 0x41, IPV6),
        v2(0x21, 0xF1, IPV6),
        v2(0x21, 0x11, IPV4[:-1]),
        v2(0x21, 0x11, b""),
        v2(0x21, 0x12, IPV4[:-1]),
        v2(0x21, 0x21, IPV6[:-1]),
        v2(0x21, 0x21, IPV4),
        v2(0x21, 0x31, bytes(215)),
        v2(0x21, 0x11, IPV4 + b"\x04"),
        v2(0x21, 0x11, IPV4 + b"\x04\x00"),
        v2(0x21, 0x11, IPV4 + b"\x04\x00\x01"),
        v2(0x21, 0x11, IPV4 + tlv(4, b"pad")[:-1]),
        v2(0x21, 0x11, IPV4 + tlv(4, b"") + b"\x00"),
        v2(0x21, 0x11, IPV4 + tlv(3, b"\0\0\0")),
        v2(0x21, 0x11, IPV4 + tlv(3, b"\0\0\0\0")),
        v2(0x21, 0x11, IPV4 + tlv(3, b"\0\0\0\0\0")),
        with_checksum(tlv(3, bytes(4)), b""),
        with_checksum(tlv(1, b"h2"), tlv(2, b"a"))[:-1] + b"b",
        v2(0x21, 0x11, IPV4 + tlv(4, bytes(MAX_V2 - 30))),
        v2(0x21, 0x11, IPV4 + bytes(65000)),
        v2(0x20, 0x00, bytes(MAX_V2)),
    ],
)
def test_refuses_a_block_that_the_specification_does_not_draw(header: bytes) -> None:
    assert isinstance(decode(header), Malformed)


def test_a_length_is_refused_before_what_it_announces_has_come() -> None:
    assert decode(v2(0x21, 0x11, bytes(0xFFFF))[:16]) == Malformed(
        "65551 bytes, and at most 4096 are read"
    )
    assert decode(v2(0x21, 0x11, IPV4)[:14] + b"\0\x0b") == Malformed(
        "11 bytes of addresses instead of 12"
    )


# ---------------------------------------------------------------------- both


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"P",
        b"PR",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PROXYTCP4",
        b"\r\n\r\nGET",
        b"\r\n\r\n\x00\r\nQUIT\r",
        b" PROXY UNKNOWN\r\n",
        b"proxy unknown\r\n",
        b"\0",
    ],
)
def test_what_begins_otherwise_is_refused_at_its_first_wrong_byte(first: bytes) -> None:
    wrong_at = next(
        (
            size
            for size in range(1, len(first) + 1)
            if not any(sign.startswith(first[:size]) for sign in (b"PROXY ", SIGNATURE))
        ),
        None,
    )
    verdicts = [type(decode(first[:size])) for size in range(len(first) + 1)]
    right = len(first) + 1 if wrong_at is None else wrong_at
    assert verdicts == [NeedMore] * right + [Malformed] * (len(first) + 1 - right)


def test_only_the_versions_that_are_asked_for_are_read() -> None:
    one, two = frozenset({Version.V1}), frozenset({Version.V2})
    block = v2(0x21, 0x11, IPV4)
    assert decode(LINE, one) == Header(CLIENT, SERVICE, len(LINE))
    assert decode(LINE, two) == Malformed("no PROXY header")
    assert decode(block, two) == Header(CLIENT, SERVICE, len(block))
    assert decode(block[:1], one) == Malformed("no PROXY header")


WELL_FORMED = (
    LINE,
    LINE6,
    b"PROXY UNKNOWN\r\n",
    v2(0x21, 0x11, IPV4),
    v2(0x21, 0x21, IPV6 + tlv(2, b"example.com")),
    v2(0x21, 0x31, bytes(216)),
    v2(0x20, 0x00, b"own"),
    with_checksum(tlv(1, b"h2"), tlv(5, bytes(128))),
)


@pytest.mark.parametrize("header", WELL_FORMED)
def test_a_header_needs_each_of_its_bytes_and_no_other(header: bytes) -> None:
    whole = decode(header)
    assert isinstance(whole, Header)
    assert [decode(header[:size]) for size in range(len(header))] == [NeedMore()] * len(header)
    assert decode(header + b"PROXY UNKNOWN\r\n") == whole
    assert whole.consumed == len(header)


@given(st.sampled_from(WELL_FORMED), st.data())
def test_one_wrong_bit_never_makes_it_longer_than_its_bound_or_raises(
    header: bytes, draw: st.DataObject
) -> None:
    bit = draw.draw(st.integers(0, 8 * len(header) - 1))
    flipped = (int.from_bytes(header, "big") ^ 1 << bit).to_bytes(len(header), "big")
    verdict = decode(flipped + bytes(MAX_V2))
    assert isinstance(verdict, Malformed | Header)
    if isinstance(verdict, Header):
        assert verdict.consumed <= MAX_V2


@given(st.sampled_from([b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21"]), st.binary())
def test_no_bytes_whatever_make_it_raise_or_change_its_mind(start: bytes, rest: bytes) -> None:
    data = start + rest
    verdicts = [decode(data[:size]) for size in range(len(data) + 1)]
    decided = [verdict for verdict in verdicts if not isinstance(verdict, NeedMore)]
    assert verdicts == [NeedMore()] * (len(verdicts) - len(decided)) + decided
    assert all(verdict == decided[0] for verdict in decided)
