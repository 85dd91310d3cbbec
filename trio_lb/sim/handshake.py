"""How a virtual connection comes to be: SYN, SYN-ACK, ACK, in the task that connects.

::

    client                 server
      |------- SYN -------->|   t + 1 latency: refused, dropped, or a place in the queue
      |<----- SYN-ACK ------|   t + 2: ``connect`` returns
      |------- ACK -------->|   t + 3: the connection may be accepted

A SYN that was dropped is sent again after 1, 3, 7, 15, 31 and 63 seconds, and 127
seconds after the first one the attempt fails: Linux's figures for tcp_syn_retries = 6.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, Protocol

import attrs
import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.flow import Flow
from trio_lb.sim.link import Connects, Greeter, Link, Path
from trio_lb.sim.listener import Pending, VirtualListener
from trio_lb.sim.pipe import Pipe
from trio_lb.sim.stream import VirtualStream

SYN_PATIENCE_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""How long each SYN is waited for before the next one, or the failure."""


class Overflow(Enum):
    """What becomes of a SYN for which a full backlog has no place."""

    DROP = "drop"
    RESET = "reset"


class Listening(Protocol):
    """The far host, as one who knocks sees it."""

    @property
    def connects(self) -> Connects:
        """What it does to attempts to connect, whoever listens."""
        ...

    @property
    def backlog_cap(self) -> float:
        """The most that any backlog of it may say; -1: no place at all."""
        ...

    @property
    def overflow(self) -> Overflow:
        """What a SYN meets that finds no place."""
        ...

    @property
    def greeters(self) -> Sequence[Greeter]:
        """Who wants to see its end of each new connection."""
        ...

    def listener_at(self, target: Address) -> VirtualListener | None:
        """Return who listens on an address now."""
        ...


@attrs.frozen(slots=True)
class Dial:
    """One attempt to connect: from where, to whom, and over which link."""

    local: Address
    target: Address
    near: Listening
    far: Listening
    link: Link
    there: Path
    back: Path
    window_bytes: int
    next_serial: Callable[[], int]

    async def run(self) -> VirtualStream:
        """Return our end of the connection.

        Raises:
          ConnectError: refused, or nobody answered any SYN.
        """
        next_at = trio.current_time()
        give_up_at = next_at + sum(SYN_PATIENCE_SECONDS)
        for patience_seconds in SYN_PATIENCE_SECONDS:
            stream = await self._knock(give_up_at)
            if stream is not None:
                return stream
            next_at += patience_seconds  # A jam may have held this SYN for longer than that.
            await trio.sleep_until(next_at)
            if trio.current_time() >= give_up_at:
                break
        raise ConnectError(f"{self.target}: connection timed out")

    async def _knock(self, give_up_at: float) -> VirtualStream | None:
        """Send one SYN; None when it, or its answer, was lost."""
        if not await self.there.crosses(give_up_at):
            return None
        connects = (self.link.connects, self.far.connects)
        if Connects.BLACKHOLE in connects:
            return None
        listener = self.far.listener_at(self.target)
        is_refused = listener is None or Connects.REFUSE in connects
        if listener is not None and not is_refused:
            if not listener.is_full(self.far.backlog_cap):
                return await self._be_admitted(listener, give_up_at)
            is_refused = self.far.overflow is Overflow.RESET
        if is_refused:
            await self._be_refused(give_up_at)
        return None

    async def _be_refused(self, give_up_at: float) -> None:
        """Learn it from the answer, unless that is lost."""
        if await self.back.crosses(give_up_at):
            raise ConnectError(f"{self.target}: connection refused", refused=True)

    async def _be_admitted(
        self, listener: VirtualListener, give_up_at: float
    ) -> VirtualStream | None:
        """Hold a place in the queue while the SYN-ACK travels; None when that was lost.

        The place is taken before, so that SYNs of one instant cannot all slip in.
        """
        near, far = self._make_ends()
        pending = listener.admit(far, self.there)
        answered = False
        try:
            answered = await self.back.crosses(give_up_at)
        finally:
            if not answered:  # Lost, or we were cancelled: no trace is left at either end.
                listener.withdraw(pending)
                near.abort()
                far.abort()
        if not answered:
            return None
        self._acknowledge(listener, pending, near)
        return near

    def _make_ends(self) -> tuple[VirtualStream, VirtualStream]:
        near = VirtualStream(self.next_serial(), self.local, self.target, self.link)
        far = VirtualStream(self.next_serial(), self.target, self.local, self.link)
        connect_ends(near, far, self.there, self.back, self.window_bytes)
        for end, host in ((near, self.near), (far, self.far)):
            for greet in (*self.link.greeters, *host.greeters):
                greet(end)
        return near, far

    def _acknowledge(
        self, listener: VirtualListener, pending: Pending, near: VirtualStream
    ) -> None:
        near.keep_alive()
        listener.complete(pending, self.there.arrival(trio.current_time()))


def connect_ends(
    near: VirtualStream, far: VirtualStream, there: Path, back: Path, window_bytes: int
) -> None:
    """Join two ends: ``there`` leads from ``near`` to ``far``, ``back`` the other way."""
    forth_pipe, back_pipe = Pipe(there, back, window_bytes), Pipe(back, there, window_bytes)
    flow = Flow(near._link, near._now())
    near.has_dialled = True
    near._wire(far, incoming=back_pipe, outgoing=forth_pipe, path=there, flow=flow)
    far._wire(near, incoming=forth_pipe, outgoing=back_pipe, path=back, flow=flow)
