"""A network without a kernel: what remains of a request's cost is ours.

Clients ask a fixed number of times and then end; servers have their answer ready as soon
as a request was sent. There is no task, no socket and no waiting behind either, so the CPU
time of a run is that of the proxy's own code (trio's scheduler included), and it differs by
less than a per cent from one run to the next, where a run over sockets differs by five.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import trio

from trio_lb.model.address import Address
from trio_lb.net.real import RealEnv

CLIENT = Address("127.0.0.1", 50000)


class CannedStream:
    """Gives ``piece`` as often as it is ``due``; then waits, or ends if it ``ends``.

    Each send makes one more due: an answer to a request, or the next request to an answer.
    """

    def __init__(self, peer: Address, piece: bytes, *, budget: int | None = None) -> None:
        self.peer = peer
        self.local = CLIENT
        self._piece = piece
        self._budget = budget
        self._due = 0 if budget is None else 1

    async def receive_some(self, max_bytes: int) -> bytes:
        """See ``Stream``."""
        await trio.lowlevel.checkpoint()
        got = self.receive_nowait(max_bytes)
        if got is None:
            await trio.sleep_forever()
        return got or b""

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """See ``Stream``."""
        if not self._due:
            return None
        self._due -= 1
        if self._budget is None:
            return self._piece
        self._budget -= 1
        return self._piece if self._budget >= 0 else b""

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``: everything is taken."""
        self._due += 1
        return len(data)

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``."""
        await trio.lowlevel.checkpoint()
        return self.send_nowait(data)

    async def send_eof(self) -> None:
        """See ``Stream``."""
        await trio.lowlevel.checkpoint()

    def is_stale(self) -> bool:
        """See ``Stream``."""
        return False

    async def aclose(self) -> None:
        """See ``Stream``."""
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """See ``Stream``."""

    def abort(self) -> None:
        """See ``Stream``."""

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


class CannedListener:
    """Hands out the clients when ``begin`` is called, and nobody else ever."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._waiting: list[CannedStream] = []
        self._begun = trio.Event()

    def begin(self, clients: Sequence[CannedStream]) -> None:
        """Let ``clients`` connect."""
        self._waiting = list(clients)
        self._begun.set()

    async def accept_batch(self, limit: int) -> Sequence[CannedStream]:
        """See ``Listener``."""
        await self._begun.wait()
        if not self._waiting:
            await trio.sleep_forever()
        batch, self._waiting = self._waiting[:limit], self._waiting[limit:]
        return batch

    async def aclose(self) -> None:
        """See ``Listener``."""
        await trio.lowlevel.checkpoint()


class CannedNetwork:
    """Every address has a server that gives the same ``answer``; one listener is remembered."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.listener: CannedListener | None = None

    async def connect(self, address: Address) -> CannedStream:
        """See ``Network``."""
        await trio.lowlevel.checkpoint()
        return CannedStream(address, self._answer)

    async def listen(self, address: Address, *, backlog: int = 1024) -> CannedListener:
        """See ``Network``."""
        await trio.lowlevel.checkpoint()
        self.listener = CannedListener(address)
        return self.listener

    async def resolve(self, name: str) -> Sequence[str]:
        """See ``Network``."""
        await trio.lowlevel.checkpoint()
        return [name]


class CannedEnv(RealEnv):
    """The real world but for its network, ``canned``."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(seed=0)
        self.canned = CannedNetwork(answer)
        # An ``Env`` has any network; that the real one's is a real one is more than it promises.
        self.network = self.canned  # type: ignore[assignment]
