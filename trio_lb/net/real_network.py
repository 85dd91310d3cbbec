"""The real network: non-blocking sockets under trio's readiness primitives.

Plain sockets rather than ``trio.SocketStream``: a proxied request makes four socket
calls, and the high-level stream adds a checkpoint and a lock to each. The rules of
``net.env`` keep the scheduler fair all the same: every receive yields.
"""

import contextlib
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import trio
from trio.lowlevel import checkpoint, notify_closing, wait_readable, wait_writable

from trio_lb.model.address import Address
from trio_lb.net.env import AcceptError, ConnectError, OutOfDescriptors
from trio_lb.net.eyeballs import race
from trio_lb.net.real_lookup import ask_system
from trio_lb.net.real_unix_path import bind_path, release_path
from trio_lb.net.resolver import Resolver

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for zero seconds: close() throws away what is queued and sends RST."""

_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""The last two are the kernel's own want of memory: it passes the same way, by waiting."""
_REFUSED = (errno.ECONNREFUSED, errno.ECONNRESET, errno.ENOENT, errno.EAGAIN)
"""Nobody took it; the last two come from a unix socket: no path, or a full backlog."""
_OF_ONE_CONNECTION: Final = frozenset(
    getattr(errno, name)
    for name in (
        "ECONNABORTED", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH",
        "ENONET", "ENOPROTOOPT", "ENOSR", "EOPNOTSUPP", "EPERM", "EPROTO", "EPROTONOSUPPORT",
        "ESOCKTNOSUPPORT", "ETIMEDOUT",
    )
    if hasattr(errno, name)
)  # fmt: skip
"""One connection died (or was filtered) before we took it: the listener itself is well.

accept(2) hands out what is wrong with the new socket's network as its own error. Not
every system has all of these numbers.
"""
_MOST_DEAD: Final = 1024
"""More dead connections in a row are taken for an error of accepting itself (a sandbox that
forbids it says EPERM, too): the loop that passes them over has no checkpoint."""


class RealStream:
    """A connected TCP or unix socket that satisfies ``net.env.Stream``.

    The kernel reports a reset once, to whichever call comes first, and an end of
    file after that; ``_broken`` remembers it, so that a cut is never an end.
    """

    __slots__ = ("_broken", "_eager", "_fd", "_local", "_peer", "_sock")

    def __init__(self, sock: socket.socket, peer: Address) -> None:
        self._sock = sock
        self._fd = sock.fileno()
        self._peer = peer
        self._local: Address | None = None
        self._eager = False
        self._broken = False

    @property
    def peer(self) -> Address:
        """The other end's address, as accepted or dialled."""
        return self._peer

    @property
    def local(self) -> Address:
        """Our end's address; asked of the kernel at first use."""
        if self._local is None:
            self._local = _address_of(self._sock.getsockname())
        return self._local

    async def receive_some(self, max_bytes: int) -> bytes:
        """See ``Stream``. Waits before it reads, unless the last read filled its buffer."""
        if self._fd < 0:
            raise trio.ClosedResourceError("this stream was closed")
        if self._eager:
            # A fast sender: more is very likely here, so spare the trip through epoll.
            await checkpoint()
        else:
            await wait_readable(self._fd)
        while (data := self.receive_nowait(max_bytes)) is None:
            await wait_readable(self._fd)
        self._eager = len(data) == max_bytes
        return data

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """See ``Stream``: one receive call."""
        if self._fd < 0:
            raise trio.ClosedResourceError("this stream was closed")
        try:
            data = self._sock.recv(max_bytes)
        except BlockingIOError:
            return None
        except OSError as error:
            self._broken = True
            raise trio.BrokenResourceError(f"receive from {self._peer}: {error}") from error
        if self._broken and not data:
            raise trio.BrokenResourceError(f"receive from {self._peer}: it was reset")
        return data

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``: one send call, no checkpoint."""
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if self._fd < 0:
                raise trio.ClosedResourceError("this stream was closed") from None
            # EPIPE is no news of a reset: the peer may have ended in good order.
            self._broken = self._broken or error.errno != errno.EPIPE
            raise trio.BrokenResourceError(f"send to {self._peer}: {error}") from error

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``."""
        while True:
            if self._fd < 0:
                raise trio.ClosedResourceError("this stream was closed")
            await wait_writable(self._fd)
            if sent := self.send_nowait(data):
                return sent

    async def send_eof(self) -> None:
        """Shut the sending half down."""
        await checkpoint()
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            if self._fd < 0:
                raise trio.ClosedResourceError("this stream was closed") from None
            raise trio.BrokenResourceError(f"end of file to {self._peer}: {error}") from error

    def is_stale(self) -> bool:
        """Peek: silence is health, anything else (bytes, end, error) is not."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            self._broken = True
            return True
        return True

    async def aclose(self) -> None:
        """Close without waiting: the kernel delivers what is queued."""
        self.close()
        await checkpoint()

    def abort(self) -> None:
        """Close with RST."""
        if self._fd >= 0:
            # Fails only when the peer's reset came first: there is nothing left to cut.
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close()

    def close(self) -> None:
        """Close with FIN; the kernel delivers what is queued."""
        if self._fd >= 0:
            notify_closing(self._fd)
            self._fd = -1
            self._sock.close()

    async def __aenter__(self) -> Self:
        """Own the stream for a block."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the stream."""
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._fd < 0 else f"fd {self._fd}"
        return f"<RealStream to {self._peer}, {state}>"


class RealListener:
    """A listening socket that satisfies ``net.env.Listener``."""

    def __init__(self, sock: socket.socket, unix_path: str | None = None) -> None:
        self._sock = sock
        self._unix_path = unix_path
        self._closed = False
        self.address = _address_of(sock.getsockname())

    async def accept_batch(self, limit: int) -> Sequence[RealStream]:
        """See ``Listener``: one wait, then accepts until nobody waits."""
        while True:
            if self._closed:
                raise trio.ClosedResourceError("this listener was closed")
            await wait_readable(self._sock)
            if batch := self._accept_waiting(limit):
                return batch

    def _accept_waiting(self, limit: int) -> list[RealStream]:
        batch: list[RealStream] = []
        dead = 0
        while len(batch) < limit:
            try:
                sock, name = self._sock.accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in _OF_ONE_CONNECTION and dead < _MOST_DEAD:
                    dead += 1
                    continue
                if batch:
                    break
                named = OutOfDescriptors if error.errno in _NO_DESCRIPTORS else AcceptError
                raise named(error.errno, error.strerror) from error
            sock.setblocking(False)
            batch.append(RealStream(sock, _address_of(name)))
        return batch

    async def aclose(self) -> None:
        """Stop listening; a unix socket's path is removed."""
        if not self._closed:
            self._closed = True
            notify_closing(self._sock)
            self._sock.close()
            if self._unix_path is not None:
                release_path(self._unix_path)
        await checkpoint()


_MALLOC_HINT_BYTES = 4 * 1024 * 1024


class RealNetwork:
    """Connections over the machine's own network."""

    def __init__(self) -> None:
        # glibc returns the top of its heap to the kernel at every opportunity, and with
        # bodies in flight it would do so, and fault it in again, at nearly every read: a
        # third of the cost of an upload. Freeing one large block (never touched, so never
        # resident) raises the threshold to twice its size. Elsewhere it does nothing.
        bytes(_MALLOC_HINT_BYTES)
        self._names = Resolver(ask_system)

    async def connect(self, address: Address) -> RealStream:
        """See ``Network``. A name is resolved first, and dialled with happy eyeballs."""
        if not address.is_unix and not _is_literal(address.host):
            return await self._connect_by_name(address)
        try:
            sock = socket.socket(_family_of(address), socket.SOCK_STREAM)
        except OSError as error:
            ours = error.errno in _NO_DESCRIPTORS
            raise ConnectError(f"{address}: {error.strerror}", ours=ours) from error
        try:
            sock.setblocking(False)
            await _dial(sock, address)
        except BaseException:
            sock.close()
            raise
        return RealStream(sock, address)

    async def _connect_by_name(self, address: Address) -> RealStream:
        async def dial(host: str) -> RealStream:
            return await self.connect(Address(host, address.port))

        try:
            stream = await race(dial, await self._names.resolve(address.host))
        except OSError as error:
            if not isinstance(error, ConnectError):
                error = ConnectError(str(error), ours=error.errno in _NO_DESCRIPTORS)
            refused, ours = error.refused, error.ours
            raise ConnectError(f"{address}: {error}", refused=refused, ours=ours) from error
        stream._peer = address  # As it was dialled: by name.
        return stream

    async def listen(self, address: Address, *, backlog: int = 1024) -> RealListener:
        """See ``Network``."""
        host = address.host
        if not address.is_unix and not _is_literal(host):
            host = (await self.resolve(host))[0]
        sock = socket.socket(_family_of(Address(host, 0)), socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if address.is_unix:
                bind_path(sock, address.host.removeprefix("unix:"))
            else:
                _prepare_tcp_listener(sock)
                sock.bind((host, address.port))
            sock.listen(backlog)
        except BaseException:
            sock.close()
            raise
        return RealListener(sock, address.host.removeprefix("unix:") if address.is_unix else None)

    async def resolve(self, name: str) -> Sequence[str]:
        """See ``Network``. An answer may be 5 s old, or 30 s while the resolver fails."""
        if _is_literal(name):
            await checkpoint()
            return (name,)
        return await self._names.resolve(name)


_MOST_UNSENT: Final = 256 * 1024
"""What the kernel takes beyond what the peer's window lets out (tcp(7) says 4 MiB by itself):
a thousand clients that read nothing hold a quarter of a gigabyte of its memory, not four."""


def _prepare_tcp_listener(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit it: one call a listener instead of one a connection.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


async def _dial(sock: socket.socket, address: Address) -> None:
    try:
        code = await _shake_hands(sock, address)
    except OSError as error:
        # No number for it: a zone that is no interface of ours, a path that is too long.
        raise ConnectError(f"{address}: {error.strerror or error}") from error
    if code:
        refused, ours = code in _REFUSED, code in _NO_DESCRIPTORS
        raise ConnectError(f"{address}: {os.strerror(code)}", refused=refused, ours=ours)


async def _shake_hands(sock: socket.socket, address: Address) -> int:
    """Connect; return 0, or the error number that the kernel gave."""
    target = address.host.removeprefix("unix:") if address.is_unix else (address.host, address.port)
    code = sock.connect_ex(target)
    if code == errno.EINPROGRESS:
        await wait_writable(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    else:
        await checkpoint()
    if code == 0 and not address.is_unix:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if _met_itself(sock):
            return errno.ECONNREFUSED
    return code


def _met_itself(sock: socket.socket) -> bool:
    """Whether nobody listens there: dialling a port of our own ephemeral range can meet itself.

    TCP calls it a simultaneous open. It would also keep the server from binding its port.
    """
    try:
        return bool(sock.getsockname() == sock.getpeername())
    except OSError:
        return False  # It was reset already, as the first read will say.


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _family_of(address: Address) -> socket.AddressFamily:
    if address.is_unix:
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address.host else socket.AF_INET


def _address_of(name: object) -> Address:
    if isinstance(name, tuple):
        return Address(name[0], name[1])
    return Address(f"unix:{name}", 0)
