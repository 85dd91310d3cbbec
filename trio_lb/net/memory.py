"""A stream inside the process: two ends, two bounded queues, no task and no socket.

It joins the proxy to servers that are functions of the same program. Its two ends
behave as two ends of a TCP connection on the loopback do, and pass the same suite of
tests: what was sent has arrived at once, a full queue holds its sender up, a close with
bytes unread is a reset, and bytes that came before a reset can still be read.
"""

from collections import deque
from types import TracebackType
from typing import Final, Self, TypeVar

import trio
from trio.lowlevel import ParkingLot, checkpoint

from trio_lb.model.address import Address
from trio_lb.net.half import Act, Half, after

DEFAULT_CAPACITY: Final = 64 * 1024
"""Bytes of each direction that may wait unread: enough for one large read of a relay."""

_SMALL: Final = 512
"""Shorter pieces are joined, so that one-byte sends don't cost forty bytes each to keep."""


class _Queue:
    """One direction: pieces that were sent and not yet read, and who waits for what.

    Pieces are kept as they came (``bytes`` are not copied); ``_offset`` is how much of
    the first one was read, so that small reads of a large piece copy only what they take.
    """

    __slots__ = (
        "_capacity",
        "_offset",
        "_pieces",
        "ended",
        "readers",
        "size",
        "watchers",
        "writers",
    )

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._pieces: deque[bytes] = deque()
        self._offset = 0
        self.size = 0
        self.ended = False
        self.readers = ParkingLot()
        self.writers = ParkingLot()
        self.watchers = ParkingLot()

    @property
    def room(self) -> int:
        return self._capacity - self.size

    def put(self, piece: bytes) -> None:
        """Append a piece that fits, and wake the reader."""
        pieces, size = self._pieces, len(piece)
        self.size += size
        if size < _SMALL and pieces and len(pieces[-1]) < _SMALL:
            pieces[-1] += piece
        else:
            pieces.append(piece)
        if self.readers:
            self.readers.unpark_all()

    def end(self) -> None:
        """Say that nothing more will come."""
        self.ended = True
        self.readers.unpark_all()

    def take(self, max_bytes: int) -> bytes:
        """Remove and return what waits, at most ``max_bytes``, and wake the writer."""
        taken = self._take_piece(max_bytes)
        if self.size and len(taken) < max_bytes:
            parts, left = [taken], max_bytes - len(taken)
            while left and self.size:
                parts.append(self._take_piece(left))
                left -= len(parts[-1])
            taken = b"".join(parts)
        if self.writers:
            self.writers.unpark_all()
        return taken

    def _take_piece(self, max_bytes: int) -> bytes:
        first, begin = self._pieces[0], self._offset
        end = begin + max_bytes
        if end >= len(first):
            self._pieces.popleft()
            self._offset = 0
            taken = first[begin:] if begin else first
        else:
            self._offset = end
            taken = first[begin:end]
        self.size -= len(taken)
        return taken

    def wake(self) -> None:
        """Let everybody who waits look again."""
        self.readers.unpark_all()
        self.writers.unpark_all()
        self.watchers.unpark_all()


class MemoryStream:
    """One end; satisfies ``net.env.Stream``. Made in pairs by ``memory_stream_pair``."""

    __slots__ = ("_half", "_incoming", "_is_cut", "_outgoing", "_remote", "local", "peer")

    _remote: "MemoryStream"

    def __init__(self, local: Address, peer: Address, incoming: _Queue, outgoing: _Queue) -> None:
        self.local = local
        self.peer = peer
        self._incoming = incoming
        self._outgoing = outgoing
        self._half = Half.OPEN
        self._is_cut = False  # A reset arrived; it stays, whatever is read before it.

    def _take(self, act: Act) -> None:
        self._half = after(self._half, act)

    # Receiving.

    async def receive_some(self, max_bytes: int) -> bytes:
        """See ``Stream``; nothing is taken before the last checkpoint."""
        readers = self._incoming.readers
        if self.is_stale():
            await checkpoint()
        while (data := self.receive_nowait(max_bytes)) is None:
            if readers:
                raise trio.BusyResourceError("another task is already receiving from this stream")
            await readers.park()
        return data

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """See ``Stream``: bytes first, then the end, then a reset, as they came."""
        if self._half is Half.CLOSED:
            raise trio.ClosedResourceError("this stream was closed")
        if self._incoming.size:
            return self._incoming.take(max_bytes)
        if self._incoming.ended:
            return b""
        if self._is_cut:
            raise trio.BrokenResourceError(f"receive from {self.peer}: connection reset by peer")
        return None

    def is_stale(self) -> bool:
        """Whether anything at all has come: bytes, the end, a reset, or our own close."""
        incoming = self._incoming
        return bool(incoming.size or incoming.ended or self._is_cut or self._half is Half.CLOSED)

    # Sending.

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``. Whole ``bytes`` that fit are handed over without a copy."""
        self._check_may_send()
        size = min(len(data), self._outgoing.room)
        if size <= 0:
            return 0
        if self._remote._half is Half.CLOSED:
            self._be_cut()  # The answer to bytes that nobody can read; the next send sees it.
        else:
            whole = size == len(data)
            self._outgoing.put(bytes(data) if whole else bytes(memoryview(data)[:size]))
        return size

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``: waits until the reader made room."""
        await checkpoint()
        writers = self._outgoing.writers
        while not (sent := self.send_nowait(data)) and len(data):
            if writers:
                raise trio.BusyResourceError("another task is already sending to this stream")
            await writers.park()
        return sent

    async def send_eof(self) -> None:
        """See ``Stream``; saying it twice changes nothing."""
        await checkpoint()
        if self._half is not Half.FINISHED:
            self._check_may_send()
            self._take(Act.FINISH)
            self._outgoing.end()

    def _check_may_send(self) -> None:
        if self._half is Half.CLOSED:
            raise trio.ClosedResourceError("this stream was closed")
        if self._half is Half.FINISHED or self._is_cut:
            raise trio.BrokenResourceError(f"send to {self.peer}: broken pipe")

    # The end of it.

    async def wait_gone(self) -> None:
        """Wait until either end was closed or reset, whatever waits unread; takes nothing.

        A socket tells of its peer's leaving only behind the bytes that came before; here
        it is known at once. A peer that sends no more, but still reads, is not gone.
        """
        await checkpoint()
        while not self._is_gone():
            await self._incoming.watchers.park()

    def _is_gone(self) -> bool:
        closed = Half.CLOSED in (self._half, self._remote._half)
        return closed or self._is_cut

    async def aclose(self) -> None:
        """See ``Stream``: ``close``, then a checkpoint."""
        self.close()
        await checkpoint()

    def close(self) -> None:
        """See ``Stream``; with bytes unread it is a reset, as on a socket."""
        if self._incoming.size:
            self.abort()
        elif self._half is not Half.CLOSED:
            self._outgoing.end()
            self._leave()

    def abort(self) -> None:
        """See ``Stream``: the peer may read what came before, then it sees the reset."""
        if self._half is not Half.CLOSED:
            self._remote._be_cut()
            self._leave()

    def _be_cut(self) -> None:
        self._is_cut = True
        self._incoming.readers.unpark_all()
        self._incoming.watchers.unpark_all()
        self._outgoing.writers.unpark_all()

    def _leave(self) -> None:
        self._take(Act.CLOSE)
        self._incoming.wake()
        self._outgoing.wake()

    async def __aenter__(self) -> Self:
        """Own the stream for a block."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the stream, without a checkpoint."""
        self.close()

    def __repr__(self) -> str:
        return f"<MemoryStream {self.local} to {self.peer}, {self._half.value}>"


End = TypeVar("End", bound=MemoryStream)


def memory_stream_pair(
    a: Address, b: Address, *, capacity: int = DEFAULT_CAPACITY
) -> tuple[MemoryStream, MemoryStream]:
    """Make both ends of a stream: the first is at ``a``, its peer at ``b``.

    ``capacity`` bounds the bytes of each direction that wait unread.
    """
    return memory_stream_to(MemoryStream, a, b, capacity=capacity)


def memory_stream_to(
    second: type[End], a: Address, b: Address, *, capacity: int = DEFAULT_CAPACITY
) -> tuple[MemoryStream, End]:
    """Make a pair whose second end is of the subclass ``second``: one that behaves differently."""
    if capacity < 1:
        raise ValueError(f"capacity must be at least 1 byte, not {capacity}")
    there, back = _Queue(capacity), _Queue(capacity)
    one = MemoryStream(a, b, incoming=back, outgoing=there)
    other = second(b, a, incoming=there, outgoing=back)
    one._remote, other._remote = other, one
    return one, other
