"""The second face of the virtual network: programs that know only ``trio.socket`` run on it as they are.

::

    with install(net):                                      # inside of trio.run, or sim.run.run
        with on_host(net.host("api")):
            nursery.start_soon(trio.serve_tcp, handle, 80)  # listens on the host "api"
        stream = await trio.open_tcp_stream("api", 80)      # dials from the host "main"

The first face (``net.env.Network``) is what the proxy uses: it has no use for options, tuples
and numbers of errors, and says itself on which host it is.
"""

import contextlib
import errno
import itertools
import socket
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Final

import trio

from trio_lb.sim.host import HostNetwork
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.shim_names import VirtualNames
from trio_lb.sim.shim_refusals import refuse
from trio_lb.sim.shim_socket import VirtualSocket
from trio_lb.sim.shim_standing import error

_TYPE_FLAGS: Final = getattr(socket, "SOCK_NONBLOCK", 0) | getattr(socket, "SOCK_CLOEXEC", 0)
FIRST_DESCRIPTOR: Final = 1 << 30
"""No kernel gives out numbers like this one, so who asks it about ours is told EBADF."""

_here: Final[ContextVar[HostNetwork | None]] = ContextVar("the host of this task", default=None)


@contextlib.contextmanager
def on_host(host: HostNetwork) -> Iterator[HostNetwork]:
    """Let what the block does, and the tasks that it starts, happen on ``host``.

    It decides where sockets are made and names are asked. A socket stays where it was made.
    """
    token = _here.set(host)
    try:
        yield host
    finally:
        _here.reset(token)


@contextlib.contextmanager
def install(net: VirtualNetwork, *, host: str = "main") -> Iterator[None]:
    """Let ``trio.socket`` mean ``net`` while the block runs, for the run around it.

    ``host`` is where code runs that is not told otherwise; it is made when it is needed.
    What was installed before comes back at the end.
    """
    sockets = _Sockets(net, host)
    factory_before = trio.socket.set_custom_socket_factory(sockets)
    resolver_before = trio.socket.set_custom_hostname_resolver(sockets.names)
    with contextlib.ExitStack() as restore:
        restore.callback(trio.socket.set_custom_socket_factory, factory_before)
        restore.callback(trio.socket.set_custom_hostname_resolver, resolver_before)
        # Trio asks these two without asking the factory: the first one about each literal, and
        # about any address to listen on, which has another answer on a machine without IPv6.
        _swap(restore, "getaddrinfo", sockets.names.look_up)
        _swap(restore, "socketpair", _no_socketpair)
        yield


class _Sockets(trio.abc.SocketFactory):
    """Makes virtual sockets, each on the host whose program asks for it."""

    def __init__(self, net: VirtualNetwork, default_host: str) -> None:
        self._net = net
        self._default_host = default_host
        self._numbers = itertools.count(FIRST_DESCRIPTOR)
        self.names = VirtualNames(net, self.here)

    def here(self) -> HostNetwork:
        """Return the host of the task that asks.

        Raises:
          ValueError: it is one of another network.
        """
        host = _here.get() or self._net.host(self._default_host)
        if self._net.host(host.name) is not host:
            raise ValueError(f"{host!r} is not on the network that is installed")
        return host

    def socket(
        self,
        family: socket.AddressFamily | int = socket.AF_INET,
        type: socket.SocketKind | int = socket.SOCK_STREAM,
        proto: int = 0,
    ) -> VirtualSocket:
        """See ``trio.abc.SocketFactory``: TCP over either IP, nothing else."""
        kind = int(type) & ~_TYPE_FLAGS
        if family not in (socket.AF_INET, socket.AF_INET6):
            raise error(errno.EAFNOSUPPORT, f"family {family} is not simulated")
        if kind != socket.SOCK_STREAM or proto not in (0, socket.IPPROTO_TCP):
            raise error(
                errno.EPROTONOSUPPORT, f"type {type}, protocol {proto}: only TCP is simulated"
            )
        host = self.here()
        if host.out_of_descriptors or not host.descriptors.available(1):
            raise error(errno.EMFILE, f"socket on {host.name}")
        return VirtualSocket(host, self.names, self._numbers, socket.AddressFamily(family))


def _no_socketpair(*_arguments: Any, **_options: Any) -> Any:
    refuse("socketpair()", "use trio.testing.memory_stream_pair, or a connection to oneself")


def _swap(restore: contextlib.ExitStack, name: str, value: object) -> None:
    restore.callback(setattr, socket, name, getattr(socket, name))
    setattr(socket, name, value)
