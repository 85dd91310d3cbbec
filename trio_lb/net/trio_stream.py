"""A stream of ours in the dress that trio's ecosystem expects: ``trio.abc.Stream``.

For libraries that speak a protocol over "any trio stream", such as trio-websocket.
Nothing on the data path uses it.
"""

import trio

from trio_lb.net.env import Stream

_CHUNK_BYTES = 16 * 1024


class TrioStream(trio.abc.Stream):
    """Wraps ``stream``, and owns it from then on: closing this closes it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of ``data``, however long it takes.

        Raises:
          trio.BrokenResourceError: the peer is gone.
        """
        view = memoryview(data)
        if not view:
            await trio.lowlevel.checkpoint()
        while view:
            view = view[await self._stream.send_some(view) :]

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: a stream of ours is only asked by sending."""
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for bytes; b"" at end of file.

        Raises:
          trio.BrokenResourceError: the peer reset it.
        """
        return await self._stream.receive_some(max_bytes or _CHUNK_BYTES)

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._stream.aclose()

    def __repr__(self) -> str:
        return f"<TrioStream over {self._stream!r}>"
