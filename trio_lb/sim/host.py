"""A host of the virtual network: its addresses, its ports, and the network as it sees it."""

import errno
import ipaddress
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.handshake import Dial
from trio_lb.sim.listener import VirtualListener
from trio_lb.sim.stream import VirtualStream

if TYPE_CHECKING:
    from trio_lb.sim.network import VirtualNetwork

_WILDCARDS: Final = ("0.0.0.0", "::")
"""Both mean every address of the host, of either family: links carry both alike."""
_FIRST_FREE_PORT: Final = 49152
"""What port 0 gives out; clients' ports lie below, so that the two never meet."""
_CLIENT_PORTS: Final = range(32768, _FIRST_FREE_PORT)


class HostNetwork:
    """Satisfies ``net.env.Network``, as seen from the host ``name`` at ``address``.

    127.0.0.1, ``::1`` and ``localhost`` mean the host itself, as do unix sockets. Its
    listeners are a list, not a table by address: a wildcard answers for any address.
    ``out_of_descriptors`` is a fault switch: while it is set, nothing can be dialled from
    here. Accepting has a switch of its own at each listener.
    """

    def __init__(self, net: "VirtualNetwork", name: str, address: str) -> None:
        self.name = name
        self.address = address
        self.listeners: list[VirtualListener] = []
        self.out_of_descriptors = False
        self._net = net
        self._client_ports = itertools.cycle(_CLIENT_PORTS)
        self._free_ports = itertools.count(_FIRST_FREE_PORT)

    async def connect(self, address: Address) -> VirtualStream:
        """See ``Network``: one round trip. A name's addresses are tried in their order."""
        if self.out_of_descriptors:
            await trio.lowlevel.checkpoint()
            raise ConnectError(f"{address}: too many open files", ours=True)
        failure: ConnectError | None = None
        for host in await self._hosts_of(address):
            try:
                return await self._dial(Address(host, address.port), address)
            except ConnectError as error:
                failure = error
        assert failure is not None, "resolving gives one address or raises"
        raise failure

    async def _hosts_of(self, address: Address) -> Sequence[str]:
        return [address.host] if address.is_unix else await self.resolve(address.host)

    async def _dial(self, target: Address, dialled: Address) -> VirtualStream:
        """Shake hands with one literal; the peer's address stays what the caller dialled."""
        far = self._host_at(target)
        link = self._net.link(self.name, far.name)
        dial = Dial(
            local=self._client_address(target),
            target=target,
            far=far,
            link=link,
            there=link.path_from(self.name),
            back=link.path_from(far.name),
            window_bytes=self._net.window_bytes,
            next_serial=self._net.next_serial,
        )
        stream = await dial.run()
        stream.peer = dialled
        return stream

    def _host_at(self, target: Address) -> "HostNetwork":
        """Return who answers to a literal; nobody at all is known at once, as from a router."""
        if target.is_unix or _is_loopback(target.host) or target.host == self.address:
            return self
        far = self._net.host_at(target.host)
        if far is None:
            raise ConnectError(f"{target}: no route to host")
        return far

    def _client_address(self, target: Address) -> Address:
        """Return what the server will see of us: a unix client has no name."""
        if target.is_unix:
            return Address("unix:", 0)
        host = target.host if _is_loopback(target.host) else self.address
        return Address(host, next(self._client_ports))

    async def listen(self, address: Address, *, backlog: int = 1024) -> VirtualListener:
        """See ``Network``; port 0 takes the next free one."""
        await trio.lowlevel.checkpoint()
        bound = address if address.is_unix else self._bindable(address)
        if any(_collide(bound, other.address) for other in self.listeners):
            raise OSError(errno.EADDRINUSE, f"{bound}: address already in use")
        listener = VirtualListener(bound, backlog, self.listeners.remove)
        self.listeners.append(listener)
        return listener

    def _bindable(self, address: Address) -> Address:
        """Return the literal and the port to listen on, or say that they are not ours."""
        host = self._literal_of(address.host)
        if host != self.address and host not in _WILDCARDS and not _is_loopback(host):
            raise OSError(errno.EADDRNOTAVAIL, f"{address}: not an address of {self.name}")
        return Address(host, address.port or next(self._free_ports))

    def _literal_of(self, host: str) -> str:
        return host if _is_literal(host) else self._net.look_up(host)[0]

    def listener_at(self, target: Address) -> VirtualListener | None:
        """Return who listens on ``target``, by itself or by a wildcard."""
        for listener in self.listeners:
            if _collide(listener.address, target):
                return listener
        return None

    async def resolve(self, name: str) -> Sequence[str]:
        """See ``Network``; a literal resolves to itself.

        Raises:
          ConnectError: the name is unknown.
        """
        await trio.lowlevel.checkpoint()
        return [name] if _is_literal(name) else self._net.look_up(name)

    def __repr__(self) -> str:
        return f"<HostNetwork {self.name} at {self.address}>"


def _collide(one: Address, other: Address) -> bool:
    """Whether two addresses of one host stand for the same port, a wildcard for any address."""
    if one.is_unix or other.is_unix:
        return one == other
    same_host = one.host == other.host or one.host in _WILDCARDS or other.host in _WILDCARDS
    return same_host and one.port == other.port


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_literal(host) and ipaddress.ip_address(host).is_loopback
