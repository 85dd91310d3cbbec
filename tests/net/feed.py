"""A stream that is fed before it is read, and ways to cut bytes into pieces."""

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from types import TracebackType
from typing import Self

import trio
from hypothesis import strategies as st

from trio_lb.model.address import Address
from trio_lb.net.inbox import Inbox


class End(Enum):
    """What comes after the last piece."""

    EOF = "end of file"
    RESET = "a reset"


class Feed:
    """Satisfies ``net.env.Stream`` for whoever only reads: one piece a read, then ``end``.

    ``asked`` keeps the size of every read.
    """

    def __init__(self, *pieces: bytes, end: End = End.EOF) -> None:
        self.peer = Address("192.0.2.7", 40000)
        self.local = Address("192.0.2.1", 80)
        self.asked: list[int] = []
        self._pieces = [piece for piece in pieces if piece]
        self._end = end

    async def receive_some(self, max_bytes: int) -> bytes:
        """See ``Stream``."""
        await trio.lowlevel.checkpoint()
        self.asked.append(max_bytes)
        if not self._pieces:
            if self._end is End.RESET:
                raise trio.BrokenResourceError("the feed was reset")
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > max_bytes:
            self._pieces.insert(0, piece[max_bytes:])
        return piece[:max_bytes]

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """Nobody sends here."""
        raise NotImplementedError

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        """Nobody sends here."""
        raise NotImplementedError

    async def send_eof(self) -> None:
        """Nobody sends here."""
        raise NotImplementedError

    def is_stale(self) -> bool:
        """Whether a read would return at once: it always does."""
        return True

    async def aclose(self) -> None:
        """There is nothing to close."""
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """There is nothing to close."""

    def abort(self) -> None:
        """There is nothing to close."""

    async def __aenter__(self) -> Self:
        """See ``Stream``."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """There is nothing to close."""


def inbox_of(*pieces: bytes, end: End = End.EOF) -> Inbox:
    """An inbox that will receive these pieces, one a read."""
    return Inbox(Feed(*pieces, end=end), 65536)


def cut_at(data: bytes, offsets: Sequence[int]) -> list[bytes]:
    """``data`` in pieces; an offset is counted modulo its length."""
    edges = [0, *sorted({offset % (len(data) + 1) for offset in offsets}), len(data)]
    return [data[start:end] for start, end in pairwise(edges) if start < end]


CUTS = st.lists(st.integers(0, 2000), max_size=6)
"""Offsets for ``cut_at``."""
