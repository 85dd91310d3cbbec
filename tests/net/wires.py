"""A stream that was recorded: it yields given pieces, for readers that need no network."""

import itertools
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import trio

from trio_lb.model.address import Address
from trio_lb.net.inbox import Inbox


class Recorded:
    """Satisfies ``net.env.Stream`` for a reader: the pieces in order, then the end or a reset.

    What is sent is kept in ``sent``; ``asked`` holds the sizes that reads asked for.
    """

    peer = local = Address("192.0.2.1", 1)

    def __init__(self, pieces: Sequence[bytes], *, broken: bool = False) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self._broken = broken
        self.asked: list[int] = []
        self.sent = b""

    async def receive_some(self, max_bytes: int) -> bytes:
        await trio.lowlevel.checkpoint()
        got = self.receive_nowait(max_bytes)
        return await self.nothing_more() if got is None else got

    async def nothing_more(self) -> bytes:
        """What a read comes to when nothing is here, and nothing will come."""
        await trio.sleep_forever()
        return b""

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """All of it is there from the beginning."""
        self.asked.append(max_bytes)
        if not self._pieces:
            if self._broken:
                raise trio.BrokenResourceError("reset")
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > max_bytes:
            self._pieces.insert(0, piece[max_bytes:])
        return piece[:max_bytes]

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        self.sent += bytes(data)
        return len(data)

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        await trio.lowlevel.checkpoint()
        return self.send_nowait(data)

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()

    def is_stale(self) -> bool:
        return bool(self._pieces) or self._broken

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """There is nothing to close."""

    def abort(self) -> None:
        """There is nothing to abort."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing was opened."""


def inbox_of(*pieces: bytes, broken: bool = False) -> Inbox:
    """An inbox that will receive these pieces."""
    return Inbox(Recorded(pieces, broken=broken), 65536)


def split(data: bytes, at: Sequence[int]) -> list[bytes]:
    """Cut ``data`` at these offsets; no piece is empty."""
    cuts = [0, *sorted(min(offset, len(data)) for offset in at), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(cuts) if begin < end]
