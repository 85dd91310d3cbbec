"""A host of the virtual network: its addresses, its ports, and the network as it sees it."""

import errno
import ipaddress
import itertools
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.descriptors import Descriptors
from trio_lb.sim.handshake import Handshake, Overflow, Route
from trio_lb.sim.link import Connects, Greeter
from trio_lb.sim.listener import VirtualListener
from trio_lb.sim.ports import FIRST_FREE_PORT, ClientPorts
from trio_lb.sim.rule import Standstill
from trio_lb.sim.stream import VirtualStream

if TYPE_CHECKING:
    from trio_lb.sim.cpu import Cpu
    from trio_lb.sim.network import VirtualNetwork

_LOOPBACK_OF: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""The wildcards, each of its family, and whom one reaches who dials them: oneself."""


class HostNetwork:
    """Satisfies ``net.env.Network``, as seen from the host ``name`` at ``address``.

    127.0.0.1, ``::1`` and ``localhost`` mean the host itself, as do unix sockets. Its
    listeners are a list, not a table by address: a wildcard answers for any address of its
    family. A host has one address, which stands for those of both families that it would have:
    if nobody of its own family listens there, the wildcard of the other one answers.
    ``out_of_descriptors`` is a fault switch: while it is set, nothing can be dialled from
    here. Accepting has a switch of its own at each listener. ``descriptors.limit`` bounds
    what connecting, accepting and listening may hold together, ``client_ports.allowed``
    the ports that dialling uses.

    Further fault switches: what ``connects`` says of all dials to it, ``backlog_cap`` (-1:
    no place for anybody who waits) and what a SYN meets at ``overflow``; its listeners, those
    of later too, accept with ``accept_delay_seconds`` before each, or ``cannot_accept`` for
    want of descriptors. ``greeters`` are called with the host's own end of each connection
    that is made from now on. ``cpu`` is the core of who runs there, if its work takes time.

    The host owns sockets, not tasks: ``crash`` closes the former under whoever uses
    them, and who runs tasks in the host's name ends them. While it ``is_paused`` its streams
    hand over nothing and its listeners nobody; a task that waits for something else holds at
    ``wait_running``.
    """

    def __init__(self, net: "VirtualNetwork", name: str, address: str, zone: str = "") -> None:
        self.name = name
        self.address = address
        self.zone = zone
        self.descriptors = Descriptors()
        self.client_ports = ClientPorts()
        self.listeners: list[VirtualListener] = []
        self.out_of_descriptors = False
        self.connects = Connects.PASS
        self.backlog_cap: float = math.inf
        self.overflow = Overflow.DROP
        self.greeters: list[Greeter] = []
        self.cpu: Cpu | None = None
        self._accept_delay_seconds = 0.0
        self._cannot_accept = False
        self._net = net
        self._outages = net.outages_of(name)
        self._running = trio.Event()
        self._running.set()
        self._standing_still = Standstill()
        self._free_ports = itertools.count(FIRST_FREE_PORT)

    # Dialling.

    async def connect(self, address: Address) -> VirtualStream:
        """See ``Network``: one round trip. A name's addresses are tried in their order."""
        failure: ConnectError | None = None
        begun_at = trio.current_time()
        for host in await self._hosts_of(address):
            try:
                return await self.knock(Address(host, address.port), address).wait()
            except ConnectError as error:
                failure = error
        assert failure is not None, "resolving gives one address or raises"
        if trio.current_time() == begun_at:
            await trio.lowlevel.checkpoint()  # Who tries again at once must not starve others.
        raise failure

    async def _hosts_of(self, address: Address) -> Sequence[str]:
        if _is_plain(address.host):
            return [address.host]  # The handshake waits anyway.
        return await self.resolve(address.host)

    def _check_may_dial(self, address: Address) -> None:
        if self.is_down:
            raise ConnectError(f"{address}: network is down", ours=True)
        if self.out_of_descriptors or not self.descriptors.available(1):
            raise ConnectError(f"{address}: too many open files", ours=True)

    def knock(self, target: Address, dialled: Address) -> Handshake:
        """Send a SYN to one literal; descriptor and port are held until the connection is closed.

        The peer's address stays what the caller dialled.

        Raises:
          ConnectError: we can't even try.
        """
        if target.host in _LOOPBACK_OF:
            target = Address(_LOOPBACK_OF[target.host], target.port)
        far = self._host_at(target)
        self._check_may_dial(dialled)
        local = self._client_address(target)
        self.descriptors.take()

        def give_back() -> None:
            self.descriptors.free()
            self.client_ports.free(target, local.port)

        def over(outcome: VirtualStream | ConnectError | None) -> None:
            if isinstance(outcome, VirtualStream):
                outcome.peer = dialled
                outcome.on_leave = give_back
            else:
                give_back()

        return Handshake(self._route(local, target, far), trio.current_time(), over)

    def _route(self, local: Address, target: Address, far: "HostNetwork") -> Route:
        link = self._net.link(self.name, far.name)
        return Route(
            local=local,
            target=target,
            near=self,
            far=far,
            link=link,
            there=link.path_from(self.name),
            back=link.path_from(far.name),
            window_bytes=self._net.window_bytes,
            next_serial=self._net.next_serial,
        )

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
        port = self.client_ports.take(target)
        if port is None:
            raise ConnectError(f"{target}: cannot assign requested address")
        return Address(host, port)

    # Listening.

    async def listen(self, address: Address, *, backlog: int = 1024) -> VirtualListener:
        """See ``Network``; port 0 takes the next free one."""
        await trio.lowlevel.checkpoint()
        return self.listen_nowait(address, backlog=backlog)

    def listen_nowait(self, address: Address, *, backlog: int = 1024) -> VirtualListener:
        """The same without a checkpoint, as listen(2) is.

        Raises:
          OSError: the address is in use or not ours, or no descriptor is left.
        """
        if self.is_down:
            raise OSError(errno.ENETDOWN, f"{address}: network is down")
        bound = self.bindable(address)
        self.descriptors.take()
        listener = VirtualListener(bound, backlog, self.descriptors, self._forget)
        self.listeners.append(listener)
        self._switch_listeners()
        return listener

    @property
    def accept_delay_seconds(self) -> float:
        """What passes before each connection is accepted."""
        return self._accept_delay_seconds

    @accept_delay_seconds.setter
    def accept_delay_seconds(self, seconds: float) -> None:
        self._accept_delay_seconds = seconds
        self._switch_listeners()

    @property
    def cannot_accept(self) -> bool:
        """Whether accepting fails for want of descriptors."""
        return self._cannot_accept

    @cannot_accept.setter
    def cannot_accept(self, fails: bool) -> None:
        self._cannot_accept = fails
        self._switch_listeners()

    def _switch_listeners(self) -> None:
        for listener in self.listeners:
            listener.is_held = self.is_paused
            listener.accept_delay_seconds = self._accept_delay_seconds
            listener.out_of_descriptors = self._cannot_accept
            listener.wake()

    def _forget(self, listener: VirtualListener) -> None:
        self.listeners.remove(listener)
        self.descriptors.free()

    def bindable(self, address: Address) -> Address:
        """Return what could be listened on: the literal and, instead of port 0, a free one.

        Raises:
          OSError: the address is not ours, or somebody listens there.
        """
        bound = address if address.is_unix else self._our_own(address)
        if any(_collide(bound, other.address) for other in self.listeners):
            raise OSError(errno.EADDRINUSE, f"{bound}: address already in use")
        return bound

    def _our_own(self, address: Address) -> Address:
        host = self._literal_of(address.host)
        if host != self.address and host not in _LOOPBACK_OF and not _is_loopback(host):
            raise OSError(errno.EADDRNOTAVAIL, f"{address}: not an address of {self.name}")
        return Address(host, address.port or next(self._free_ports))

    def _literal_of(self, host: str) -> str:
        return host if _is_literal(host) else self._net.look_up(host)[0]

    def listener_at(self, target: Address) -> VirtualListener | None:
        """Return who listens on ``target``, by itself or by a wildcard."""
        for listener in self.listeners:
            if _collide(listener.address, target):
                return listener
        if target.is_unix or _is_loopback(target.host):
            return None
        wildcards = [Address(host, target.port) for host in _LOOPBACK_OF]
        return next((each for each in self.listeners if each.address in wildcards), None)

    def lookup_seconds(self, name: str) -> float:
        """Return how long the resolver takes for a name; for a literal nobody is asked."""
        return 0.0 if _is_plain(name) else self._net.names.delay_seconds(name)

    def look_up(self, name: str) -> Sequence[str]:
        """Do what ``resolve`` does, at once.

        Raises:
          TemporaryFailure: the resolver cannot say.
          ConnectError: the name is unknown.
        """
        return [name] if _is_plain(name) else self._net.look_up(name)

    async def resolve(self, name: str) -> Sequence[str]:
        """See ``Network``; a literal resolves to itself.

        Raises:
          TemporaryFailure: the resolver cannot say.
          ConnectError: the name is unknown.
        """
        await trio.sleep(self.lookup_seconds(name))
        return self.look_up(name)

    # Crashing and pausing.

    @property
    def is_down(self) -> bool:
        """Whether it crashed and was not restarted."""
        return self._outages.is_down

    def crash(self, *, fin: bool = False, tasks_die: bool = False) -> None:
        """Lose all sockets, as a machine does without power: no FIN, no RST, no answer.

        The peers hear nothing, and SYNs are lost, until ``restart``. With ``fin`` only
        the process is killed: its kernel lives, closes each socket (FIN, or RST where
        bytes were unread) and refuses from then on. With ``tasks_die`` who calls has cancelled
        the tasks that used the sockets: what these still do before they notice is void.
        """
        self.resume()  # Nobody is left who could stand still.
        if not fin:
            self._forget_outages(trio.current_time())
            self._outages.begin(trio.current_time())
        for listener in list(self.listeners):
            listener.close(VirtualStream.abort if fin else VirtualStream.vanish)
        leave: Callable[[VirtualStream], None]
        leave = VirtualStream.close if fin else VirtualStream.vanish
        for stream in self._net.streams_of(self.name):
            leave(stream)
            if tasks_die:
                stream.abandon()
        if not fin:
            for link in self._net.links_of(self.name):
                link.patience.watch()

    def _forget_outages(self, now: float) -> None:
        """Forget those of which nobody asks: see ``Link.settle``."""
        if self._outages.spans:
            links = self._net.links_of(self.name)
            for link in links:
                link.settle(now)
            asked_from = [link.path_to(self.name).asked_from for link in links]
            self._outages.forget(min(asked_from, default=now))

    def restart(self) -> None:
        """Come up again with no memory: bytes of an old connection are answered with RST."""
        self._outages.end(trio.current_time())
        for link in self._net.links_of(self.name):
            for stream in link.streams.values():
                stream.wake()

    @property
    def is_paused(self) -> bool:
        """Whether its processes are stopped. The kernel works on: queues and windows fill."""
        return not self._running.is_set()

    def pause(self) -> None:
        """Stop its processes (SIGSTOP)."""
        if self.is_paused or self.is_down:
            return
        self._running = trio.Event()
        self.greeters.append(self._hold)
        for stream in self._net.streams_of(self.name):
            self._hold(stream)
        self._switch_listeners()

    def _hold(self, stream: VirtualStream) -> None:
        stream.incoming.valves.append(self._standing_still)

    def resume(self) -> None:
        """Let them go on (SIGCONT)."""
        if not self.is_paused:
            return
        self._running.set()
        self.greeters.remove(self._hold)
        for stream in self._net.streams_of(self.name):
            stream.incoming.valves.remove(self._standing_still)
            stream.wake()
        self._switch_listeners()

    async def wait_running(self) -> None:
        """Wait while the host is paused; a checkpoint in any case."""
        while self.is_paused:
            await self._running.wait()
        await trio.lowlevel.checkpoint()

    def __repr__(self) -> str:
        return f"<HostNetwork {self.name} at {self.address}>"


def _collide(one: Address, other: Address) -> bool:
    """Whether two addresses of one host stand for the same port, a wildcard for any of its family."""
    if one.is_unix or other.is_unix:
        return one == other
    same_family = (":" in one.host) == (":" in other.host)
    is_wild = one.host in _LOOPBACK_OF or other.host in _LOOPBACK_OF
    return one.port == other.port and (one.host == other.host or (is_wild and same_family))


@cache  # A world has few names, and each connect asks.
def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_plain(host: str) -> bool:
    """Whether no resolver has to be asked: for a literal, and for the path of a unix socket."""
    return host.startswith("unix:") or _is_literal(host)


@cache
def _is_loopback(host: str) -> bool:
    return _is_literal(host) and ipaddress.ip_address(host).is_loopback
