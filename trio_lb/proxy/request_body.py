"""The client's body on its way to a server: streamed once, kept while it is small.

What was read is kept up to ``replay_body_size``, so that another server can be
tried; from the first byte beyond it on, the body is streamed and forgotten.
"""

import trio

from trio_lb.model.message import Framing, Length, Reject
from trio_lb.net.body import BodyRefused, BodySource, open_body
from trio_lb.net.inbox import Inbox


class RequestBody:
    """Wraps the source; one an exchange."""

    __slots__ = ("_kept", "_kept_size", "_limit", "_replay_limit", "_source")

    def __init__(
        self,
        inbox: Inbox,
        framing: Framing,
        *,
        nominated: frozenset[bytes] = frozenset(),
        replay_limit: int,
        limit: int | None,
    ) -> None:
        self._source: BodySource = open_body(inbox, framing, nominated=nominated)
        self._replay_limit = replay_limit
        self._limit = limit
        self._kept: list[bytes] | None = []
        self._kept_size = 0

    @property
    def ended(self) -> bool:
        """Whether the client's body was read to its end."""
        return self._source.at_end()

    @property
    def size(self) -> int:
        """Payload bytes read so far."""
        return self._source.size

    @property
    def is_replayable(self) -> bool:
        """Whether everything that was read can be sent again."""
        return self._kept is not None

    def so_far(self) -> bytes:
        """Everything read so far, in the coding of the next hop, the tail included."""
        tail = self._source.tail() if self._source.at_end() else b""
        if not self._kept:
            return tail
        return b"".join(self._kept) + tail

    async def gather(self, framing: Framing, patience_seconds: float) -> None:
        """Take what is here; of a small body of known length wait a moment for the rest.

        Clients often send head and body in two writes. A body that is complete before
        a server is picked needs no second task, holds no server's connection while
        the client dawdles, and can be replayed.

        Raises:
          BodyRefused, BodyCut, trio.BrokenResourceError: as ``BodySource.receive``.
        """
        self._gather_here()
        if self.ended or not isinstance(framing, Length) or framing.size > self._replay_limit:
            return
        with trio.CancelScope(deadline=trio.current_time() + patience_seconds):
            while piece := await self._source.receive():
                self._hold(piece)

    def _gather_here(self) -> None:
        source = self._source
        while not source.at_end() and self._kept_size <= self._replay_limit:
            piece = source.take()
            self._hold(piece)
            if not piece:
                return

    async def receive(self) -> bytes:
        """Return the next piece for the server, tail included; b"" only after the end."""
        source = self._source
        if source.at_end():
            return b""
        piece = await source.receive()
        if self._kept_size + len(piece) > self._replay_limit:
            self._kept = None  # Too much to send twice; this piece goes out once.
        self._hold(piece)
        return piece + source.tail() if source.at_end() else piece

    def _hold(self, piece: bytes) -> None:
        if self._limit is not None and self._source.size > self._limit:
            raise BodyRefused(
                Reject(413, "content_too_large", f"a body larger than {self._limit} bytes")
            )
        if self._kept is not None and piece:
            self._kept.append(piece)
            self._kept_size += len(piece)
