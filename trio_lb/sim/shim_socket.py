"""A socket of the virtual network with the face of ``trio.socket``: OSErrors, tuples, options.

Rule 1: its standing (``shim_standing.py``) changes only in ``_move``.
Rule 2: bytes, ends and resets are the stream's (``stream.py``); what is here is how Linux words
them: a reset is told once, and after it come an end of file and broken pipes.
Rule 3: while its host is paused it sends nothing and dials nobody. (What comes in, the host
holds back itself.)
"""

import errno
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Self

import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.listener import VirtualListener
from trio_lb.sim.shim_names import VirtualNames, sockaddr_of
from trio_lb.sim.shim_options import Options
from trio_lb.sim.shim_refusals import Refusals, refuse
from trio_lb.sim.shim_standing import Act, Standing, after, error
from trio_lb.sim.stream import VirtualStream

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_MOST_BACKLOG: Final = 4096
"""Linux's net.core.somaxconn: trio asks for as much as there is."""
_HARMLESS_FLAGS: Final = getattr(socket, "MSG_NOSIGNAL", 0)


class VirtualSocket(Refusals):
    """Made by ``trio.socket.socket`` where ``sim.shim.install`` was called; of the host ``host``.

    ``numbers`` gives each socket one of its own: it is the hash, so that a set of sockets
    (``open_tcp_stream`` closes the losers of its race out of one) has the same order in
    each run, and it stands for the descriptor: far above what any kernel gives out.
    """

    def __init__(
        self,
        host: HostNetwork,
        names: VirtualNames,
        numbers: Iterator[int],
        family: socket.AddressFamily,
    ) -> None:
        super().__init__()
        self._host = host
        self._names = names
        self._numbers = numbers
        self._number = next(numbers)
        self._family = family
        self._standing = Standing.FRESH
        self._bound: Address | None = None
        self._own_port = 0
        self._listener: VirtualListener | None = None
        self._stream: VirtualStream | None = None
        self._dialling: trio.CancelScope | None = None
        self._said_eof = False
        self._told_reset = False
        self._options = Options()

    def _move(self, act: Act) -> None:
        self._standing = after(self._standing, act)

    # Listening.

    async def bind(self, address: Any) -> None:
        """See ``SocketType``; as with SO_REUSEADDR, what is taken is what somebody listens on."""
        wanted = await self._names.settle(address, self._family, passive=True)
        await trio.lowlevel.checkpoint()
        after(self._standing, Act.BIND)
        self._bound, self._own_port = self._host.bindable(wanted), wanted.port
        self._move(Act.BIND)

    def listen(self, backlog: int = 128) -> None:
        """See ``SocketType``; on any port, when it was not bound."""
        after(self._standing, Act.LISTEN)
        if self._listener is None:
            bound = self._bound or Address("::" if self._is_v6 else "0.0.0.0", 0)
            size = max(0, min(backlog, _MOST_BACKLOG))
            self._listener = self._host.listen_nowait(bound, backlog=size)
            self._options.set((socket.SOL_SOCKET, socket.SO_ACCEPTCONN), 1)
        self._move(Act.LISTEN)

    async def accept(self) -> "tuple[VirtualSocket, Any]":
        """See ``SocketType``."""
        if self._listener is None or self._standing is Standing.CLOSED:
            raise self._out_of_place(errno.EINVAL, "accept")
        (stream,) = await self._listener.accept_batch(1)
        accepted = VirtualSocket(self._host, self._names, self._numbers, self._family)
        accepted._stream = stream
        accepted._move(Act.TAKE)
        return accepted, accepted._name_of(stream.peer)

    # Connecting.

    async def connect(self, address: Any) -> None:
        """See ``SocketType``: when it is cancelled, the socket is closed."""
        try:
            target = await self._names.settle(address, self._family, passive=False)
            if self._host.is_paused:
                await self._host.wait_running()
            if self._own_port:
                refuse(f"to dial from port {self._own_port}", "the host chooses it: bind to port 0")
            await self._dial(_dialled(target))
            if self._host.is_paused:
                await self._host.wait_running()
        except trio.Cancelled:
            self.close()
            raise

    async def _dial(self, target: Address) -> None:
        self._move(Act.DIAL)
        began, failure = trio.current_time(), None
        with trio.CancelScope() as self._dialling:
            try:
                self._stream = await self._host.connect(target)
            except ConnectError as caught:
                failure = caught
        if self._standing is Standing.CLOSED:
            if self._stream is not None:  # The answer came in the same instant.
                self._stream.abort()
            raise trio.ClosedResourceError("another task closed this socket")
        self._move(Act.ANSWER if failure is None else Act.FAIL)
        if failure is not None:
            number = self._reason(target, failure, at_once=trio.current_time() == began)
            raise error(number, f"connect {target}") from failure

    def _reason(self, target: Address, failure: ConnectError, *, at_once: bool) -> int:
        """Return the number for a failure: only a SYN that nobody answers takes time."""
        if failure.refused:
            return errno.ECONNREFUSED
        if self._host.is_down:
            return errno.ENETDOWN
        if failure.ours:
            return errno.EMFILE
        if self._names.host_at(target.host) is None:
            return errno.EHOSTUNREACH
        return errno.EADDRNOTAVAIL if at_once else errno.ETIMEDOUT

    # Bytes.

    async def recv(self, buflen: int, flags: int = 0, /) -> bytes:
        """See ``SocketType``: nothing is taken when it is cancelled."""
        stream = self._connected(errno.ENOTCONN, "recv", flags)
        if buflen < 0:
            raise ValueError(f"recv of {buflen} bytes: it is not >= 0")
        if not buflen:
            await trio.lowlevel.checkpoint()
            return b""
        try:
            return await stream.receive_some(buflen)
        except trio.BrokenResourceError:
            return self._receive_reset(stream.outgoing.broken_by)

    def _receive_reset(self, why: int) -> bytes:
        if self._told_reset:
            return b""
        self._told_reset = True
        raise error(why, f"recv from {self._peer}")

    async def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        """See ``SocketType``."""
        with memoryview(buffer).cast("B") as view:
            data = await self.recv(nbytes or len(view), flags)
            view[: len(data)] = data
        return len(data)

    async def send(self, data: "ReadableBuffer", flags: int = 0, /) -> int:
        """See ``SocketType``: waits until some of it goes."""
        stream = self._connected(errno.EPIPE, "send", flags)
        if self._said_eof:
            raise error(errno.EPIPE, f"send to {self._peer}")
        if self._host.is_paused:
            await self._host.wait_running()
        try:
            with memoryview(data).cast("B") as view:
                return await stream.send_some(view)
        except trio.BrokenResourceError:
            raise self._broken_send(stream) from None

    def _broken_send(self, stream: VirtualStream) -> OSError:
        """Return what is told of a reset: to who knew that the peer is gone it is no news."""
        is_news = not (self._told_reset or stream.has_ended)
        self._told_reset = True
        return error(stream.outgoing.broken_by if is_news else errno.EPIPE, f"send to {self._peer}")

    async def wait_writable(self) -> None:
        """See ``SocketType``."""
        stream = self._connected(errno.EPIPE, "wait_writable")
        await self._host.wait_running()
        await stream.wait_writable()

    def is_readable(self) -> bool:
        """See ``SocketType``: bytes, an end, a reset or a connection wait to be taken."""
        waiting = self._listener or self._stream
        if waiting is None or self._standing is Standing.CLOSED:
            return True  # poll() says POLLHUP, or POLLNVAL.
        return waiting.next_news() <= trio.current_time()

    # The end of it.

    def shutdown(self, flag: int) -> None:
        """See ``SocketType``."""
        stream = self._connected(errno.ENOTCONN, "shutdown")
        if flag not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            raise error(errno.EINVAL, f"shutdown({flag})")
        if stream.is_reset:
            raise error(errno.ENOTCONN, f"shutdown to {self._peer}")
        if flag != socket.SHUT_RD:
            stream.finish()
            self._said_eof = True
        if flag != socket.SHUT_WR:
            stream.stop_hearing()

    def close(self) -> None:
        """See ``SocketType``; a second time it changes nothing."""
        if self._standing is Standing.CLOSED:
            return
        self._move(Act.CLOSE)
        if self._dialling is not None:
            self._dialling.cancel()
        if self._listener is not None:
            self._listener.close(VirtualStream.abort)
        if self._stream is not None:
            leave = VirtualStream.abort if self._options.resets_on_close else VirtualStream.close
            leave(self._stream)

    # What it says of itself.

    @property
    def family(self) -> socket.AddressFamily:
        """AF_INET or AF_INET6."""
        return self._family

    @property
    def type(self) -> socket.SocketKind:
        """Always SOCK_STREAM."""
        return socket.SOCK_STREAM

    @property
    def proto(self) -> int:
        """Always TCP."""
        return socket.IPPROTO_TCP

    @property
    def did_shutdown_SHUT_WR(self) -> bool:  # noqa: N802 - the name that trio gives it
        """Whether the end of file was sent."""
        return self._said_eof

    @property
    def _sock(self) -> Self:
        """What anyio takes for the plain socket: it asks that for names and options only."""
        return self

    def fileno(self) -> int:
        """Return a number that no kernel knows, -1 when it is closed."""
        return -1 if self._standing is Standing.CLOSED else self._number

    def getsockname(self) -> Any:
        """See ``SocketType``."""
        if self._standing is Standing.CLOSED:
            raise self._out_of_place(errno.EBADF, "getsockname")
        if self._stream is not None:
            return self._name_of(self._stream.local)
        if self._listener is not None:
            return self._name_of(self._listener.address)
        return self._name_of(self._bound or Address("::" if self._is_v6 else "0.0.0.0", 0))

    def getpeername(self) -> Any:
        """See ``SocketType``; a peer that reset the connection has no name any more."""
        stream = self._connected(errno.ENOTCONN, "getpeername")
        if stream.is_reset:
            raise error(errno.ENOTCONN, f"getpeername of {self._peer}")
        return self._name_of(stream.peer)

    def getsockopt(self, level: int, optname: int, buflen: int | None = None) -> Any:
        """See ``SocketType``."""
        if buflen is None:
            return self._options.get((level, optname))
        return self._options.get_bytes((level, optname), buflen)

    def setsockopt(
        self,
        level: int,
        optname: int,
        value: "int | ReadableBuffer | None",
        optlen: int | None = None,
    ) -> None:
        """See ``SocketType``: kept, and of no effect, but for SO_LINGER."""
        self._options.set((level, optname), value, optlen)

    def __hash__(self) -> int:
        """See the class: the same in every run."""
        return self._number

    def __repr__(self) -> str:
        return f"<VirtualSocket of {self._host.name}, {self._standing.value}>"

    # Helpers.

    @property
    def _is_v6(self) -> bool:
        return self._family == socket.AF_INET6

    @property
    def _peer(self) -> Address | None:
        return self._stream.peer if self._stream is not None else None

    def _name_of(self, address: Address) -> Any:
        return sockaddr_of(address, self._family)

    def _connected(self, otherwise: int, what: str, flags: int = 0) -> VirtualStream:
        """Return the stream; raise what Linux does where there is none, or for flags we lack."""
        if self._stream is None or self._standing is Standing.CLOSED:
            raise self._out_of_place(otherwise, what)
        if flags & ~_HARMLESS_FLAGS:
            refuse(f"{what}() with flags {flags}", "only plain bytes are")
        return self._stream

    def _out_of_place(self, otherwise: int, what: str) -> OSError:
        number = errno.EBADF if self._standing is Standing.CLOSED else otherwise
        return error(number, f"{what} while {self._standing.value}")


def _dialled(target: Address) -> Address:
    """Return whom a dial reaches: to dial any address is to dial oneself."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    return Address(own.get(target.host, target.host), target.port)
