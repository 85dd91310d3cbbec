"""The PROXY protocol's header, which tells a server whose connection a proxy carries on.

Read by the letter of HAProxy's proxy-protocol.txt: version 1 is one line of text, version 2
a block of bytes. Three rules where it leaves a choice:

Rule 1: a first byte that begins no header is refused at once, so that a client who speaks
HTTP or TLS here is cut then and there, and not at some time limit.
Rule 2: a header has a bound, 107 bytes or ``MAX_V2``; what a peer adds in TLVs (type,
length, value) is skipped, but must fit its block, and a checksum among them must be right.
Rule 3: where a header names no TCP or unix connection (LOCAL, UNKNOWN, UNSPEC, datagrams)
the addresses are None and what it says besides is not read: the real ends count.
"""

import enum
import ipaddress
import re
import struct
from collections.abc import Callable, Collection, Mapping
from typing import Final

import attrs

from trio_lb.model.address import Address
from trio_lb.net.crc32c import crc32c


class Version(enum.StrEnum):
    """A form of the header."""

    V1 = "v1"
    V2 = "v2"


ANY: Final = frozenset(Version)
"""Either form; which one a peer speaks shows in its first byte."""

MAX_V1: Final = 107
MAX_V2: Final = 4096
"""The longest header of version 2 that is read: nginx's bound; with every TLV that is
registered a header seldom passes 536 bytes."""

SIGNATURES: Final = {Version.V1: b"PROXY ", Version.V2: b"\r\n\r\n\0\r\nQUIT\n"}
PREAMBLE: Final = struct.Struct("!12sBBH")
"""How version 2 begins: signature, version and command, family and protocol, length."""
LOCAL: Final = 0x20
PROXY: Final = 0x21
_CHECKSUM: Final = 0x03
UNIX_PATH_BYTES: Final = 108

_PORT: Final = rb"(0|[1-9][0-9]{0,4})"
_LINES: Final = (
    re.compile(rb"PROXY (TCP4) ([0-9.]{7,15}) ([0-9.]{7,15}) " + _PORT + b" " + _PORT + rb"\r\n"),
    # The dotted end of ::ffff:192.0.2.1 is not in the specification, but HAProxy sends it.
    re.compile(
        rb"PROXY (TCP6) ([0-9A-Fa-f:.]{2,45}) ([0-9A-Fa-f:.]{2,45}) "
        + _PORT + b" " + _PORT + rb"\r\n"
    ),
)  # fmt: skip
_UNKNOWN_LINE: Final = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*)?\r\n")
_IP_OF: Final[Mapping[bytes, type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]]] = {
    b"TCP4": ipaddress.IPv4Address,
    b"TCP6": ipaddress.IPv6Address,
}


@attrs.frozen(slots=True)
class Header:
    """A header that was read: the first ``consumed`` bytes of the connection.

    ``source`` is the client, ``destination`` the address that it dialled; both are None
    when the header names no connection. ``local``: the proxy speaks for itself (a probe).
    """

    source: Address | None
    destination: Address | None
    consumed: int
    local: bool = False


@attrs.frozen(slots=True)
class NeedMore:
    """All bytes so far may begin a header."""


@attrs.frozen(slots=True)
class Malformed:
    """These bytes never become a header; the connection is to be cut."""

    reason: str


def decode(buffer: bytes, allowed: Collection[Version] = ANY) -> Header | NeedMore | Malformed:
    """Read the header at the front of ``buffer``, all that has come so far.

    As long as the answer is ``NeedMore``, ask again with all bytes and some more. Nothing
    is remembered in between: the bounds keep it cheap to begin anew.
    """
    if not buffer:
        return NeedMore()
    for version in allowed:
        signature = SIGNATURES[version]
        if buffer.startswith(signature):
            return _decode_v1(buffer) if version is Version.V1 else _decode_v2(buffer)
        if signature.startswith(buffer):
            return NeedMore()
    return Malformed("no PROXY header")


def _decode_v1(buffer: bytes) -> Header | NeedMore | Malformed:
    end = buffer.find(b"\n", 0, MAX_V1) + 1
    if not end:
        overlong = len(buffer) >= MAX_V1
        return Malformed(f"no end of line in {MAX_V1} bytes") if overlong else NeedMore()
    line = buffer[:end]
    for form in _LINES:
        if words := form.fullmatch(line):
            return _addressed(*words.groups(), consumed=end)
    if _UNKNOWN_LINE.fullmatch(line):
        return Header(None, None, end)
    return Malformed("a line that is not of version 1")


def _addressed(
    family: bytes, source: bytes, destination: bytes, *ports: bytes, consumed: int
) -> Header | Malformed:
    try:
        one, two = (_host(_IP_OF[family](host.decode("ascii"))) for host in (source, destination))
    except ValueError:
        return Malformed(f"an address that is not of {family.decode()}")
    port, other = map(int, ports)
    if max(port, other) > 0xFFFF:
        return Malformed("a port beyond 65535")
    return Header(Address(one, port), Address(two, other), consumed)


def _host(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Spell a host in one way only; an IPv4 address that IPv6 carried is that IPv4 address.

    Networks, limits and hashes know a client by this text.
    """
    mapped = ip.ipv4_mapped if ip.version == 6 else None
    return str(mapped or ip)


def _decode_v2(buffer: bytes) -> Header | NeedMore | Malformed:
    if len(buffer) > 12 and buffer[12] not in (LOCAL, PROXY):
        return Malformed(f"version and command 0x{buffer[12]:02x}")
    if len(buffer) < PREAMBLE.size:
        return NeedMore()
    _, command, family, length = PREAMBLE.unpack_from(buffer)
    consumed = PREAMBLE.size + length
    if consumed > MAX_V2:
        return Malformed(f"{consumed} bytes, and at most {MAX_V2} are read")
    if command == PROXY and family not in _BLOCKS:
        return Malformed(f"family and protocol 0x{family:02x}")
    size, read = _BLOCKS[family] if command == PROXY else (0, None)
    if length < size:
        return Malformed(f"{length} bytes of addresses instead of {size}")
    if len(buffer) < consumed:
        return NeedMore()
    if read is None:
        return Header(None, None, consumed, local=command == LOCAL)
    header = buffer[:consumed]
    if wrong := _wrong_in_tlvs(header, PREAMBLE.size + size):
        return wrong
    source, destination = read(header)
    return Header(source, destination, consumed)


def _read_ips(header: bytes, size: int) -> tuple[Address, Address]:
    """Take two packed addresses of ``size`` bytes, then their ports."""
    ends = PREAMBLE.size + size, PREAMBLE.size + 2 * size
    source, destination = header[PREAMBLE.size : ends[0]], header[ends[0] : ends[1]]
    ports = struct.unpack_from("!HH", header, ends[1])
    return (
        Address(_host(ipaddress.ip_address(source)), ports[0]),
        Address(_host(ipaddress.ip_address(destination)), ports[1]),
    )


def _read_v4(header: bytes) -> tuple[Address, Address]:
    return _read_ips(header, 4)


def _read_v6(header: bytes) -> tuple[Address, Address]:
    return _read_ips(header, 16)


def _read_paths(header: bytes) -> tuple[Address, Address]:
    """Take two paths; what is no plain ASCII is escaped, for they end in logs and fields.

    A client's socket has no name as a rule, and an abstract one (its name begins with a
    zero) counts as none.
    """
    middle, end = PREAMBLE.size + UNIX_PATH_BYTES, PREAMBLE.size + 2 * UNIX_PATH_BYTES
    source, destination = header[PREAMBLE.size : middle], header[middle:end]
    return Address(_path(source), 0), Address(_path(destination), 0)


def _path(field: bytes) -> str:
    name = field.partition(b"\0")[0]
    return "unix:" + "".join(chr(byte) if 0x20 < byte < 0x7F else f"\\x{byte:02x}" for byte in name)


_BLOCKS: Final[Mapping[int, tuple[int, Callable[[bytes], tuple[Address, Address]] | None]]] = {
    0x00: (0, None),
    0x11: (12, _read_v4),
    0x12: (12, None),
    0x21: (36, _read_v6),
    0x22: (36, None),
    0x31: (216, _read_paths),
    0x32: (216, None),
}
"""Each family and protocol: the size of its addresses, and how to take them.

A datagram's addresses say nothing of a stream: they count as not given.
"""


def _wrong_in_tlvs(header: bytes, at: int) -> Malformed | None:
    """Walk the TLVs to the end of the header; say what is wrong with them."""
    checksum_at = None
    while at < len(header):
        if at + 3 > len(header):
            return Malformed("a TLV that ends before its length")
        kind, size = struct.unpack_from("!BH", header, at)
        at += 3
        if at + size > len(header):
            return Malformed(f"a TLV of type 0x{kind:02x} that is longer than its header")
        if kind == _CHECKSUM:
            if size != 4 or checksum_at is not None:
                return Malformed("a checksum that is not 4 bytes, or a second one")
            checksum_at = at
        at += size
    if checksum_at is None:
        return None
    said = header[checksum_at : checksum_at + 4]
    blank = header[:checksum_at] + bytes(4) + header[checksum_at + 4 :]
    return None if crc32c(blank).to_bytes(4, "big") == said else Malformed("a wrong checksum")
