"""Writing PROXY headers: for a connection that we carry on, and for one of our own.

Both forms fit the smallest segment that TCP/IP allows, so a header is sent in one piece.
"""

import ipaddress
import os
import struct

from trio_lb.model.address import Address, Ends
from trio_lb.net.proxy_header import (
    LOCAL,
    PREAMBLE,
    PROXY,
    SIGNATURES,
    UNIX_PATH_BYTES,
    Version,
)

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def encode(version: Version, source: Address | None, destination: Address | None) -> bytes:
    """Write the header of a connection that we carry on: ``source`` dialled ``destination``.

    Where an address is missing, is a name, or the two are of different kinds, it says that
    it does not know (UNKNOWN, UNSPEC). IPv4 beside IPv6 is written as IPv6-mapped.
    """
    known = None if source is None or destination is None else (source, destination)
    return _encode_v1(known) if version is Version.V1 else _encode_v2(PROXY, known)


def encode_own(version: Version, local: Address, peer: Address) -> bytes:
    """Write the header of a connection of our own, such as a probe.

    Version 2 has a command for it. Version 1 names our end and theirs, as its
    specification asks for: some receivers refuse UNKNOWN.
    """
    return _encode_v2(LOCAL, None) if version is Version.V2 else _encode_v1((local, peer))


def _encode_v1(ends: Ends | None) -> bytes:
    hosts = ends and _ips_of(*ends)
    if ends is None or hosts is None:
        return b"PROXY UNKNOWN\r\n"
    words = f"TCP{hosts[0].version} {_text(hosts[0])} {_text(hosts[1])}"
    return f"PROXY {words} {ends[0].port} {ends[1].port}\r\n".encode()


def _encode_v2(command: int, ends: Ends | None) -> bytes:
    family, block = (0x00, b"") if ends is None else _block_of(*ends)
    return PREAMBLE.pack(SIGNATURES[Version.V2], command, family, len(block)) + block


def _block_of(source: Address, destination: Address) -> tuple[int, bytes]:
    """Return the family byte and the addresses of version 2."""
    if source.is_unix and destination.is_unix:
        paths = [os.fsencode(end.host.removeprefix("unix:")) for end in (source, destination)]
        if all(len(path) <= UNIX_PATH_BYTES for path in paths):
            return 0x31, b"".join(path.ljust(UNIX_PATH_BYTES, b"\0") for path in paths)
        return 0x00, b""
    hosts = _ips_of(source, destination)
    if hosts is None:
        return 0x00, b""
    ports = struct.pack("!HH", source.port, destination.port)
    return 0x11 if hosts[0].version == 4 else 0x21, hosts[0].packed + hosts[1].packed + ports


def _ips_of(source: Address, destination: Address) -> tuple[_Ip, _Ip] | None:
    """Return both hosts in one family; None when one is no literal address."""
    try:
        # The header has no room for the zone of fe80::1%eth0.
        one, two = (ipaddress.ip_address(e.host.partition("%")[0]) for e in (source, destination))
    except ValueError:
        return None
    return (one, two) if one.version == two.version else (_as_v6(one), _as_v6(two))


def _as_v6(ip: _Ip) -> ipaddress.IPv6Address:
    return ip if ip.version == 6 else ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + ip.packed)


def _text(ip: _Ip) -> str:
    """Spell it as RFC 5952 does, but without dots in an IPv6 address (newer Pythons put them)."""
    if ip.version == 6 and ip.ipv4_mapped is not None:
        return "::ffff:{:x}:{:x}".format(*struct.unpack("!HH", ip.packed[12:]))
    return str(ip)
