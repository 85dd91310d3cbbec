"""The receiving half of a connection: bytes that arrived and were not used yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from trio_lb.net.env import Stream

LARGEST_READ = 512 * 1024
"""Relaying with buffers of this size costs what nginx's copying costs (a tenth less than with
half of it); larger ones gain little, and each transfer in flight holds one."""

_GROWTH = 16
SLOW_READ = 64 * 1024
_MOST_SPARED = 31
"""So many glances are left out once they have been in vain again and again."""
MOST_LARGE_PIECES: Final = 32
"""So many pieces may be large at one time: 16 MiB."""
CROWD_READ: Final = 32 * 1024


class Appetite:
    """How much is read at once, the same for many inboxes: little while there are many.

    A large piece is cheap because it is gone at once. A thousand clients that take nothing
    would hold half a gigabyte of them, and a thousand that take everything would let a
    small request wait for half a gigabyte at each turn of its own. So large pieces are
    counted, those that are awaited and those that nobody takes.
    """

    __slots__ = ("_large", "largest_read")

    def __init__(self) -> None:
        self.largest_read = LARGEST_READ
        self._large = 0

    def count(self, change: int) -> None:
        """One large piece more (1), or one less (-1)."""
        self._large += change
        self.largest_read = LARGEST_READ if self._large < MOST_LARGE_PIECES else CROWD_READ

    @contextmanager
    def holding(self, piece: bytes | memoryview) -> Iterator[bytes | memoryview]:
        """Hold what waits for a slow reader: counted if it is large, else freed of the rest of
        the large piece that it may be the end of."""
        if len(piece) <= SLOW_READ:
            yield bytes(piece)
            return
        self.count(1)
        try:
            yield piece
        finally:
            self.count(-1)


class _Boundless(Appetite):
    """Of inboxes that are not counted: they may wait for hours after one large piece."""

    __slots__ = ()

    def count(self, change: int) -> None:
        """See ``Appetite``: nothing changes."""


BOUNDLESS: Final = _Boundless()
"""Uploads and tunnels: whom they could keep waiting is a server, which the operator chose."""


class Inbox:
    """Reads from one stream into ``data``; whoever parses takes from its front.

    The read size starts small, so that a thousand slow clients hold little and a head
    drags little of its body along to be copied, and grows up to ``LARGEST_READ`` while
    the peer fills every buffer, or at once when so much is announced. ``begin`` makes it
    small again for the next message. A large read of which little comes holds little.
    """

    __slots__ = (
        "_first_read",
        "_size",
        "_spared",
        "_vain",
        "appetite",
        "data",
        "ended",
        "stream",
    )

    def __init__(self, stream: Stream, first_read: int, appetite: Appetite | None = None) -> None:
        self.stream = stream
        self.appetite = appetite or BOUNDLESS
        self.data = b""
        self.ended = False
        self._first_read = first_read
        self._size = first_read
        self._vain = self._spared = 0

    def begin(self) -> None:
        """A new message is expected: read modestly at first."""
        self._size = self._first_read

    def expect(self, size_bytes: int) -> None:
        """So much is announced beyond ``data``: read it in few pieces."""
        if size_bytes > self._size:
            self._size = min(size_bytes, LARGEST_READ)

    def slow_down(self, size: int = SLOW_READ) -> None:
        """Whoever takes the bytes is slower than the peer: read in smaller pieces again."""
        self._size = min(self._size, size)

    async def fill(self) -> bool:
        """Wait for more bytes and append them; False at end of file, for good.

        Cancelled means that nothing was read.

        Raises:
          trio.BrokenResourceError: the peer reset the connection.
        """
        if self.ended:
            return False
        size = self._size
        if size > CROWD_READ:
            return await self._fill_much()
        return self._keep(await self.stream.receive_some(size), size)

    async def _fill_much(self) -> bool:
        appetite = self.appetite
        size = min(self._size, appetite.largest_read)
        appetite.count(1)
        try:
            got = await self.stream.receive_some(size)
        finally:
            appetite.count(-1)
        return self._keep(got, size)

    async def glance(self) -> bool:
        """Let everybody else have a turn, then take what has come; whether anything has.

        A wait costs a trip through the poller and, mostly, a deadline; a busy proxy is
        asked, and answered by a near server, while it is busy with others. After a glance
        in vain the next one is left out, then the next three, seven, ...: where it never
        helps, it costs nothing.

        Raises:
          trio.BrokenResourceError: the peer reset the connection.
        """
        if self._spared:
            self._spared -= 1
            return False
        if self.ended:
            return False
        await trio.lowlevel.checkpoint()
        size = self._size
        got = self.stream.receive_nowait(size)
        if got is None:
            self._spared = self._vain = min(2 * self._vain + 1, _MOST_SPARED)
            return False
        self._vain = 0
        return self._keep(got, size)

    def peek(self, most: int) -> None:
        """Take what has come, without a wait, unless ``most`` bytes are here already.

        Raises:
          trio.BrokenResourceError: the peer reset the connection.
        """
        if not self.ended and len(self.data) < most:
            got = self.stream.receive_nowait(self._size)
            if got is not None:
                self._keep(got, self._size)

    def _keep(self, got: bytes, size: int) -> bool:
        if not got:
            self.ended = True
            return False
        if len(got) == size and size < LARGEST_READ:
            self._size = min(size * _GROWTH, LARGEST_READ)
        self.data = self.data + got if self.data else got
        return True

    def take(self, limit: int) -> bytes:
        """Remove and return up to ``limit`` bytes from the front."""
        data = self.data
        if len(data) <= limit:
            self.data = b""
            return data
        self.data = data[limit:]
        return data[:limit]
