"""One byte stream for the plays, whatever network carries it."""

import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs
import trio

from trio_lb.net.env import Stream


class Wire(Protocol):
    """What a play needs of a stream; the errors are trio's."""

    async def receive_some(self) -> bytes:
        """Wait for bytes; b"" is the end of file."""
        ...

    async def send_all(self, data: bytes) -> None:
        """Send all of it."""
        ...

    async def send_eof(self) -> None:
        """Send FIN, go on reading."""
        ...

    async def aclose(self) -> None:
        """Close in an orderly way."""
        ...

    def abort(self) -> None:
        """Close with RST."""
        ...


Connect = Callable[[], Awaitable[Wire]]
Serve = Callable[[Wire], Awaitable[None]]


@attrs.frozen
class SocketWire:
    """A real TCP connection."""

    stream: trio.SocketStream

    async def receive_some(self) -> bytes:
        return bytes(await self.stream.receive_some(65536))

    async def send_all(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def send_eof(self) -> None:
        await self.stream.send_eof()

    async def aclose(self) -> None:
        await self.stream.aclose()

    def abort(self) -> None:
        if self.stream.socket.fileno() < 0:
            return
        # Linger zero turns close() into a reset.
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.socket.close()


@attrs.frozen
class StreamWire:
    """A stream of the product's own network seam, virtual or real."""

    stream: Stream

    async def receive_some(self) -> bytes:
        return await self.stream.receive_some(65536)

    async def send_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[await self.stream.send_some(view) :]

    async def send_eof(self) -> None:
        await self.stream.send_eof()

    async def aclose(self) -> None:
        await self.stream.aclose()

    def abort(self) -> None:
        self.stream.abort()


async def connect_tcp(port: int) -> Wire:
    """Connect to a port of this machine."""
    return SocketWire(await trio.open_tcp_stream("127.0.0.1", port))


async def serve_tcp(
    serve: Serve, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
) -> None:
    """Listen on a free port of this machine; starts with the port."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def handle(stream: trio.SocketStream) -> None:
        await serve(SocketWire(stream))

    async with trio.open_nursery() as nursery, listener:
        task_status.started(listener.socket.getsockname()[1])
        await trio.serve_listeners(handle, [listener], handler_nursery=nursery)
