"""How a virtual connection comes to be: SYN, SYN-ACK, ACK, in the task that connects.

::

    client                 server
      |------- SYN -------->|   t + 1 latency: refused, dropped, or a place in the queue
      |<----- SYN-ACK ------|   t + 2: ``connect`` returns
      |------- ACK -------->|   t + 3: the connection may be accepted

A SYN that was dropped is sent again after 1, 3, 7, 15, 31 and 63 seconds, and 127
seconds after the first one the attempt fails: Linux's figures for tcp_syn_retries = 6.
"""

from collections.abc import Callable
from typing import Final, Protocol

import attrs
import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.link import Connects, Link, Path
from trio_lb.sim.listener import Pending, VirtualListener
from trio_lb.sim.stream import VirtualStream, connect_ends

SYN_PATIENCE_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""How long each SYN is waited for before the next one, or the failure."""


class Listening(Protocol):
    """The far host, as one who knocks sees it."""

    def listener_at(self, target: Address) -> VirtualListener | None:
        """Return who listens on an address now."""
        ...


@attrs.frozen(slots=True)
class Dial:
    """One attempt to connect: from where, to whom, and over which link."""

    local: Address
    target: Address
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
        for patience_seconds in SYN_PATIENCE_SECONDS:
            sent_at = trio.current_time()
            stream = await self._knock()
            if stream is not None:
                return stream
            await trio.sleep_until(sent_at + patience_seconds)
        raise ConnectError(f"{self.target}: connection timed out")

    async def _knock(self) -> VirtualStream | None:
        """Send one SYN; None when it, or its answer, was lost."""
        if not await _travels(self.there) or self.link.connects is Connects.BLACKHOLE:
            return None
        listener = self.far.listener_at(self.target)
        if listener is None or self.link.connects is Connects.REFUSE:
            if not await _travels(self.back):
                return None
            raise ConnectError(f"{self.target}: connection refused", refused=True)
        return None if listener.is_full else await self._be_admitted(listener)

    async def _be_admitted(self, listener: VirtualListener) -> VirtualStream | None:
        """Hold a place in the queue while the SYN-ACK travels; None when that was lost.

        The place is taken before, so that SYNs of one instant cannot all slip in.
        """
        near, far = self._make_ends()
        pending = listener.admit(far, self.there)
        answered = False
        try:
            answered = await _travels(self.back)
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
        return near, far

    def _acknowledge(
        self, listener: VirtualListener, pending: Pending, near: VirtualStream
    ) -> None:
        near.keep_alive()
        listener.complete(pending, self.there.arrival(trio.current_time()))


async def _travels(path: Path) -> bool:
    """Wait for one packet to cross; false when it was lost: by chance, a stall, a crash."""
    arrival, is_lost = path.arrival(trio.current_time()), path.is_lost()
    await trio.sleep_until(arrival)
    return not is_lost and path.delivery(arrival) <= trio.current_time()
