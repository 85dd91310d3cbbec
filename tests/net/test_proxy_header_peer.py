"""Our PROXY headers as another codec reads them, and the other way round.

The other codec is lenient where ours is strict, so what is compared is what both accept.
"""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.address import Address
from trio_lb.net.proxy_header import Header, Malformed, Version, decode
from trio_lb.net.proxy_writer import encode, encode_own

_HOW = "another codec to compare with: pip install proxy-protocol crc32c"
result = pytest.importorskip("proxyprotocol.result", reason=_HOW)
PEERS = {
    Version.V1: pytest.importorskip("proxyprotocol.v1", reason=_HOW).ProxyProtocolV1(),
    Version.V2: pytest.importorskip("proxyprotocol.v2", reason=_HOW).ProxyProtocolV2(),
}
TLV = pytest.importorskip("proxyprotocol.tlv", reason=_HOW).ProxyProtocolTLV
pytest.importorskip("crc32c", reason=_HOW)

ports = st.integers(0, 0xFFFF)
versions = st.sampled_from(Version)
Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Pair = tuple[tuple[Ip, int], tuple[Ip, int]]


def not_mapped(ip: Ip) -> bool:
    return not str(ip).startswith("::ffff:")


v4 = st.tuples(st.ip_addresses(v=4), ports)
v6 = st.tuples(st.ip_addresses(v=6).filter(not_mapped), ports)
pairs = st.one_of(st.tuples(v4, v4), st.tuples(v6, v6))


def ours(pair: Pair) -> tuple[Address, Address]:
    (source, source_port), (target, target_port) = pair
    return Address(str(source), source_port), Address(str(target), target_port)


@given(versions, pairs)
def test_it_reads_what_we_write(version: Version, pair: Pair) -> None:
    read = PEERS[version].unpack(encode(version, *ours(pair)))
    assert (read.proxied, read.source, read.dest) == (True, *pair)


@given(pairs, st.binary(max_size=200), st.binary(max_size=128), st.booleans())
def test_we_read_what_it_writes(pair: Pair, alpn: bytes, unique_id: bytes, text: bool) -> None:
    of_family = result.ProxyResultIPv4 if pair[0][0].version == 4 else result.ProxyResultIPv6
    extra = {} if text else {"tlv": TLV(alpn=alpn, unique_id=unique_id)}
    version = Version.V1 if text else Version.V2
    header = PEERS[version].pack(of_family(*pair, protocol=socket.SOCK_STREAM, **extra))
    assert text or b"\x03\x00\x04" in header, "it adds a checksum"
    assert decode(header) == Header(*ours(pair), len(header))


@given(pairs, st.data())
def test_we_see_each_flipped_bit_under_its_checksum(pair: Pair, draw: st.DataObject) -> None:
    of_family = result.ProxyResultIPv4 if pair[0][0].version == 4 else result.ProxyResultIPv6
    header = PEERS[Version.V2].pack(of_family(*pair, protocol=socket.SOCK_STREAM))
    bit = draw.draw(st.integers(0, 8 * (len(header) - 16) - 1))
    flipped = (int.from_bytes(header, "big") ^ 1 << bit).to_bytes(len(header), "big")
    # Only the type of the checksum's own TLV is not under it: as another one it is skipped.
    no_checksum = 48 <= bit < 56
    assert isinstance(decode(flipped), Header if no_checksum else Malformed)


def test_both_know_who_speaks_for_itself() -> None:
    own = encode_own(Version.V2, Address("192.0.2.1", 1), Address("192.0.2.2", 2))
    assert PEERS[Version.V2].unpack(own).proxied is False
    header = PEERS[Version.V2].pack(result.ProxyResultLocal())
    assert decode(header) == Header(None, None, len(header), local=True)


@given(st.sampled_from(["/run/a.sock", "", "/b"]), st.sampled_from(["/run/c.sock", ""]))
def test_both_know_the_paths_of_unix_sockets(source: str, target: str) -> None:
    ends = Address(f"unix:{source}", 0), Address(f"unix:{target}", 0)
    read = PEERS[Version.V2].unpack(encode(Version.V2, *ends))
    assert (read.source, read.dest) == (source, target)
