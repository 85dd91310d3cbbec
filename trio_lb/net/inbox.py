"""The receiving half of a connection: bytes that arrived and were not used yet."""

from trio_lb.net.env import Stream

LARGEST_READ = 512 * 1024
"""Relaying with buffers of this size costs what nginx's copying costs (a tenth less than with
half of it); larger ones gain little, and each transfer in flight holds one."""

_GROWTH = 16
_SLOW_READ = 64 * 1024


class Inbox:
    """Reads from one stream into ``data``; whoever parses takes from its front.

    The read size starts small, so that a thousand slow clients hold little and a head
    drags little of its body along to be copied, and grows up to ``LARGEST_READ`` while
    the peer fills every buffer, or at once when so much is announced. ``begin`` makes it
    small again for the next message. A large read of which little comes holds little.
    """

    __slots__ = ("_first_read", "_size", "data", "ended", "stream")

    def __init__(self, stream: Stream, first_read: int) -> None:
        self.stream = stream
        self.data = b""
        self.ended = False
        self._first_read = first_read
        self._size = first_read

    def begin(self) -> None:
        """A new message is expected: read modestly at first."""
        self._size = self._first_read

    def expect(self, size_bytes: int) -> None:
        """So much is announced beyond ``data``: read it in few pieces."""
        if size_bytes > self._size:
            self._size = min(size_bytes, LARGEST_READ)

    def slow_down(self) -> None:
        """Whoever takes the bytes is slower than the peer: read in smaller pieces again."""
        self._size = min(self._size, _SLOW_READ)

    async def fill(self) -> bool:
        """Wait for more bytes and append them; False at end of file, for good.

        Cancelled means that nothing was read.

        Raises:
          trio.BrokenResourceError: the peer reset the connection.
        """
        if self.ended:
            return False
        size = self._size
        got = await self.stream.receive_some(size)
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
