"""PROXY headers as we write them: the specification's bytes, and readable ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.net.test_proxy_header import (
    CLIENT,
    CLIENT6,
    IPV4,
    IPV6,
    LINE,
    LINE6,
    SERVICE,
    SERVICE6,
    v2,
)
from trio_lb.model.address import Address
from trio_lb.net.proxy_header import MAX_V1, Header, Version, decode
from trio_lb.net.proxy_writer import encode, encode_own


@pytest.mark.parametrize(
    ("version", "ends", "header"),
    [
        (Version.V1, (CLIENT, SERVICE), LINE),
        (Version.V1, (CLIENT6, SERVICE6), LINE6),
        (Version.V1, (None, None), b"PROXY UNKNOWN\r\n"),
        (Version.V1, (Address("unix:", 0), SERVICE), b"PROXY UNKNOWN\r\n"),
        (Version.V1, (Address("localhost", 1), SERVICE), b"PROXY UNKNOWN\r\n"),
        (Version.V2, (CLIENT, SERVICE), v2(0x21, 0x11, IPV4)),
        (Version.V2, (CLIENT6, SERVICE6), v2(0x21, 0x21, IPV6)),
        (Version.V2, (None, None), v2(0x21, 0x00, b"")),
        (Version.V2, (CLIENT, None), v2(0x21, 0x00, b"")),
        (Version.V2, (CLIENT, Address("unix:/a", 0)), v2(0x21, 0x00, b"")),
        (
            Version.V2,
            (Address("unix:", 0), Address("unix:/run/lb.sock", 0)),
            v2(0x21, 0x31, bytes(108) + b"/run/lb.sock" + bytes(96)),
        ),
        (
            Version.V2,
            (Address("unix:", 0), Address("unix:/" + "a" * 108, 0)),
            v2(0x21, 0x00, b""),
        ),
    ],
)
def test_writes_what_the_specification_draws(
    version: Version, ends: tuple[Address | None, Address | None], header: bytes
) -> None:
    assert encode(version, *ends) == header


@pytest.mark.parametrize(
    ("version", "header"),
    [
        (Version.V1, b"PROXY TCP6 ::ffff:c0a8:1 2001:db8:ffff::2 56324 443\r\n"),
        (Version.V2, v2(0x21, 0x21, bytes(10) + b"\xff\xff" + IPV4[:4] + IPV6[16:])),
    ],
)
def test_ipv4_beside_ipv6_is_written_as_mapped_and_without_dots(
    version: Version, header: bytes
) -> None:
    assert encode(version, CLIENT, SERVICE6) == header


def test_the_zone_of_a_link_local_address_stays_here() -> None:
    header = encode(Version.V1, Address("fe80::1%eth0", 1), Address("fe80::2%eth0", 2))
    assert header == b"PROXY TCP6 fe80::1 fe80::2 1 2\r\n"


def test_a_probe_says_that_it_speaks_for_nobody() -> None:
    assert encode_own(Version.V2, CLIENT, SERVICE) == v2(0x20, 0x00, b"")
    assert encode_own(Version.V1, CLIENT, SERVICE) == LINE


ports = st.integers(0, 0xFFFF)
v4_hosts = st.ip_addresses(v=4).map(str)
v6_hosts = st.ip_addresses(v=6).map(str).filter(lambda host: not host.startswith("::ffff:"))
pairs = st.one_of(
    *(st.tuples(st.builds(Address, h, ports), st.builds(Address, h, ports)) for h in (v4_hosts, v6_hosts))
)  # fmt: skip
versions = st.sampled_from(Version)


@given(versions, pairs, st.binary(max_size=40))
def test_what_was_written_is_read_again_and_nothing_behind_it(
    version: Version, ends: tuple[Address, Address], rest: bytes
) -> None:
    header = encode(version, *ends)
    assert decode(header + rest) == Header(*ends, len(header))
    assert len(header) <= MAX_V1


@given(st.text("/abc.-_~:", max_size=108), st.text("/abc.-_~:", max_size=108))
def test_paths_of_unix_sockets_are_read_as_they_were_written(source: str, target: str) -> None:
    ends = Address(f"unix:{source}", 0), Address(f"unix:{target}", 0)
    assert decode(encode(Version.V2, *ends)) == Header(*ends, 232)
