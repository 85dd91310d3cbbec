"""Names and addresses as programs of ``trio.socket`` spell them, answered by the virtual network.

::

    ("api", 80) --look_up--> [(AF_INET, SOCK_STREAM, 6, "", ("10.0.0.2", 80))] --address_of--> Address

The answers are those of Linux, with one exception: all addresses of a host at once are
``0.0.0.0`` alone, and not ``::`` too, because a virtual wildcard takes either family.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from functools import lru_cache
from socket import AddressFamily, SocketKind
from typing import Any, Final

import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.names import TemporaryFailure
from trio_lb.sim.network import VirtualNetwork

Entry = tuple[AddressFamily, SocketKind, int, str, Any]
"""One answer of getaddrinfo; the last part is what ``connect`` and ``bind`` take."""

_FAMILIES: Final = (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6)
_SERVICES: Final = {"http": 80, "https": 443}
"""All that is known without a look into /etc/services, which is another one on each machine."""


def fail(number: int, what: str) -> socket.gaierror:
    """Return the error that getaddrinfo gives, with what it was about."""
    said = {
        socket.EAI_NONAME: "name or service not known",
        socket.EAI_AGAIN: "temporary failure in name resolution",
        socket.EAI_SERVICE: "service not supported",
        socket.EAI_FAMILY: "address family not supported",
        socket.EAI_SOCKTYPE: "only SOCK_STREAM is simulated",
    }
    return socket.gaierror(number, f"{what}: {said[number]}")


def _unresolved(name: str, failure: ConnectError) -> socket.gaierror:
    again = isinstance(failure, TemporaryFailure)
    return fail(socket.EAI_AGAIN if again else socket.EAI_NONAME, name)


def sockaddr_of(address: Address, family: AddressFamily) -> tuple[Any, ...]:
    """Return an address as a socket of that family names it."""
    if family != socket.AF_INET6:
        return (address.host, address.port)
    host = address.host if ":" in address.host else f"::ffff:{address.host}"
    return (host, address.port, 0, 0)


def address_of(sockaddr: tuple[Any, ...]) -> Address:
    """Return what a socket's name for a literal means; ``::ffff:10.0.0.1`` is 10.0.0.1."""
    return Address(_unmapped(sockaddr[0]), sockaddr[1])


@lru_cache(maxsize=4096)
def _unmapped(host: str) -> str:
    # Kept, as are the answers below: to read an address costs as much as to send a piece.
    literal = ipaddress.ip_address(host)
    mapped = literal.ipv4_mapped if isinstance(literal, ipaddress.IPv6Address) else None
    return str(mapped or literal)


class VirtualNames(trio.abc.HostnameResolver):
    """Looks names up in ``net``; ``here()`` is the host whose program asks."""

    def __init__(self, net: VirtualNetwork, here: Callable[[], HostNetwork]) -> None:
        self._net = net
        self._here = here

    def look_up(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Entry]:
        """Stand in for ``socket.getaddrinfo``: at once, since the network is in memory.

        Raises:
          socket.gaierror: nobody knows the name, or it has no address of that family.
        """
        return _entries(host, port, family, type, flags, self._literals(host, family, flags))

    def _literals(self, host: bytes | str | None, family: int, flags: int) -> list[str]:
        name = _text(host)
        if name is None:
            return [_own_address(family, passive=bool(flags & socket.AI_PASSIVE))]
        if _is_literal(name):
            return [name]
        if flags & socket.AI_NUMERICHOST:
            raise fail(socket.EAI_NONAME, name)
        try:
            return self._net.look_up(name)
        except ConnectError as failure:
            raise _unresolved(name, failure) from None

    async def getaddrinfo(  # type: ignore[override] # the same entries; trio spells their types out
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Entry]:
        """See ``trio.abc.HostnameResolver``: the host asks, so what is slow for it is slow here.

        Trio has asked ``look_up`` for literals before, so that here are names.
        """
        name = _text(host) or ""
        try:
            literals = list(await self._here().resolve(name))
        except ConnectError as failure:
            raise _unresolved(name, failure) from None
        return _entries(host, port, family, type, flags, literals)

    async def getnameinfo(self, sockaddr: tuple[Any, ...], flags: int) -> tuple[str, str]:
        """See ``trio.abc.HostnameResolver``; a port stays a number."""
        await trio.lowlevel.checkpoint()
        address = address_of(sockaddr)
        if flags & socket.NI_NUMERICHOST:
            return address.host, str(address.port)
        host = self.host_at(address.host)
        if host is None and flags & socket.NI_NAMEREQD:
            raise fail(socket.EAI_NONAME, address.host)
        return host.name if host else address.host, str(address.port)

    def host_at(self, literal: str) -> HostNetwork | None:
        """Return the host that has an address, this one for the loopback's."""
        if ipaddress.ip_address(literal).is_loopback:
            return self._here()
        return self._net.host_at(literal)

    async def settle(self, sockaddr: Any, family: AddressFamily, *, passive: bool) -> Address:
        """Return what a program means by an address: names resolved, "" any address of ours.

        Not always a checkpoint.

        Raises:
          ValueError: it is no address of that family.
          socket.gaierror: see ``look_up``.
        """
        longest = 4 if family == socket.AF_INET6 else 2
        if not isinstance(sockaddr, tuple) or not 2 <= len(sockaddr) <= longest:
            raise ValueError(f"{sockaddr!r} is not a (host, port) tuple of {family.name}")
        host, port = sockaddr[:2]
        flags = (socket.AI_PASSIVE if passive else 0) | socket.AI_V4MAPPED
        name = _text(host) or None
        if name is None or _is_literal(name):
            entries = self.look_up(name, port, family, 0, 0, flags)
        else:
            entries = await self.getaddrinfo(name.encode("idna"), port, family, 0, 0, flags)
        return address_of(entries[0][4])


def _text(host: bytes | str | None) -> str | None:
    return host.decode("ascii") if isinstance(host, bytes) else host


@lru_cache(maxsize=4096)
def _is_literal(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _own_address(family: int, *, passive: bool) -> str:
    """Return what no name at all means: any address to a listener, the loopback to a client."""
    if family == socket.AF_INET6:
        return "::" if passive else "::1"
    return "0.0.0.0" if passive else "127.0.0.1"


def _entries(
    host: bytes | str | None,
    port: bytes | str | int | None,
    family: int,
    kind: int,
    flags: int,
    literals: list[str],
) -> list[Entry]:
    if family not in _FAMILIES:
        raise fail(socket.EAI_FAMILY, f"family {family}")
    if kind not in (0, SocketKind.SOCK_STREAM):
        raise fail(socket.EAI_SOCKTYPE, f"socket type {kind}")
    number = _port_of(port)
    named = _text(host) or "" if flags & socket.AI_CANONNAME else ""
    entries: list[Entry] = [
        (each, SocketKind.SOCK_STREAM, socket.IPPROTO_TCP, named, sockaddr_of(address, each))
        for address in (Address(literal, number) for literal in literals)
        for each in _families_for(address, family, flags)
    ]
    if not entries:
        raise fail(socket.EAI_NONAME, f"{_text(host)} as {AddressFamily(family).name}")
    return entries


def _families_for(address: Address, wanted: int, flags: int) -> Iterator[AddressFamily]:
    """Yield the family as which an address is told, none when it is not what was asked for."""
    own = AddressFamily.AF_INET6 if ":" in address.host else AddressFamily.AF_INET
    if wanted in (socket.AF_UNSPEC, own):
        yield own
    elif wanted == socket.AF_INET6 and flags & socket.AI_V4MAPPED:
        yield AddressFamily.AF_INET6


def _port_of(port: bytes | str | int | None) -> int:
    if isinstance(port, int):
        return port
    text = _text(port) or "0"
    if text.isdigit():
        return int(text)
    if text not in _SERVICES:
        raise fail(socket.EAI_SERVICE, text)
    return _SERVICES[text]
