"""A virtual listener: the queue of connections that wait to be accepted."""

import errno
import math
from collections.abc import Callable, Sequence

import attrs
import trio

from trio_lb.model.address import Address
from trio_lb.net.env import OutOfDescriptors
from trio_lb.sim.descriptors import Descriptors
from trio_lb.sim.link import Path
from trio_lb.sim.seat import Seat
from trio_lb.sim.stream import VirtualStream
from trio_lb.sim.watch import Watch


@attrs.define(slots=True, eq=False)
class Pending:
    """A connection in the queue. It holds a place from its SYN on.

    ``ready_at`` is when the last packet of the handshake arrives, stalls apart;
    infinite as long as that was not sent.
    """

    stream: VirtualStream
    path: Path
    ready_at: float = math.inf

    def is_ready(self, now: float) -> bool:
        """Whether it may be accepted."""
        return self.delivery() <= now

    def delivery(self) -> float:
        """Return when it may be accepted; infinite while that is not known."""
        return self.path.delivery(self.ready_at)


class VirtualListener:
    """Satisfies ``net.env.Listener``; ``on_close`` frees its address.

    Fault switches: while ``out_of_descriptors`` is set, accepting fails as it does for a
    process at its limit, and the connections keep waiting; while ``is_held``, nobody is
    handed over; ``accept_delay_seconds`` passes before each one is. Who changes the latter
    two wakes the listener. ``descriptors`` are its host's: each accepted connection takes
    one, until it is closed.
    """

    def __init__(
        self,
        address: Address,
        backlog: int,
        descriptors: Descriptors,
        on_close: Callable[["VirtualListener"], None],
    ) -> None:
        self.address = address
        self.out_of_descriptors = False
        self.is_held = False
        self.accept_delay_seconds = 0.0
        self._handed_over_at = -math.inf
        self._backlog = backlog
        self._descriptors = descriptors
        self._on_close = on_close
        self._queue: list[Pending] = []
        self._closed = False
        self._accepting = Seat("accepting from this listener")
        self._tell_acceptor: Callable[[], None] = self._accepting.tell

    async def accept_batch(self, limit: int) -> Sequence[VirtualStream]:
        """See ``Listener``: in the order in which their handshakes were over, as in Linux."""
        with self._accepting:
            # Who will have to wait needs no checkpoint before it: that is one pass saved.
            if self._closed or self.next_news() <= trio.current_time():
                await trio.lowlevel.checkpoint()
            while True:
                batch = self.accept_nowait(limit)
                if batch:
                    return batch
                await self._accepting.wait(self.next_news)

    def accept_nowait(self, limit: int) -> Sequence[VirtualStream]:
        """Take those that wait, as ``accept_batch`` does; nobody is no reason to wait."""
        self._check_open()
        batch = self._ready(limit)
        return self._accept(batch) if batch else ()

    def next_news(self) -> float:
        """Return when somebody may be accepted; infinite when nobody knocks."""
        knock_at = min(map(Pending.delivery, self._queue), default=math.inf)
        if self.is_held or self.accept_delay_seconds:
            busy_until = math.inf if self.is_held else self._handed_over_at
            return max(knock_at, busy_until) + self.accept_delay_seconds
        return knock_at

    def watch_arrivals(self, look: Callable[[], object]) -> Watch:
        """Let ``look()`` be called when somebody waits; see ``Watch``. No task may accept then."""
        watch = Watch(self.next_news, look)
        self._tell_acceptor = watch.wake
        watch.arm()
        return watch

    def _ready(self, limit: int) -> list[Pending]:
        now = trio.current_time()
        if self.is_held or self.accept_delay_seconds:
            limit = 1 if self.next_news() <= now else 0
        ready = [pending for pending in self._queue if pending.is_ready(now)]
        return sorted(ready, key=Pending.delivery)[:limit]

    def _accept(self, batch: list[Pending]) -> list[VirtualStream]:
        # Checked only now: accept() fails for want of descriptors when somebody waits.
        count = self._descriptors.available(len(batch))
        if self.out_of_descriptors or not count:
            raise OutOfDescriptors(errno.EMFILE, "too many open files")
        return [self._hand_over(pending) for pending in batch[:count]]

    def _hand_over(self, pending: Pending) -> VirtualStream:
        self._queue.remove(pending)
        self._handed_over_at = trio.current_time()
        self._descriptors.take()
        pending.stream.on_leave = self._descriptors.free
        return pending.stream

    def is_full(self, cap: float = math.inf) -> bool:
        """Whether there is no place for a SYN: Linux queues one more than the backlog says.

        ``cap`` is the most that a backlog may say at present.
        """
        return len(self._queue) > min(self._backlog, cap)

    def admit(self, stream: VirtualStream, path: Path) -> Pending:
        """Give a connection whose SYN arrived a place in the queue."""
        pending = Pending(stream, path)
        self._queue.append(pending)
        return pending

    def complete(self, pending: Pending, ready_at: float) -> None:
        """Make it acceptable from ``ready_at`` on; a listener closed since has cut it already."""
        pending.ready_at = ready_at
        self._tell_acceptor()

    def withdraw(self, pending: Pending) -> None:
        """Forget a connection whose client gave up before the handshake was over."""
        if pending in self._queue:
            self._queue.remove(pending)

    def settle(self, now: float) -> None:
        """See ``Link.settle``: who waits to be accepted remembers since when."""
        for pending in self._queue:
            ready_at = pending.path.settled(pending.ready_at, now)
            if ready_at is not None:
                pending.ready_at = ready_at

    async def aclose(self) -> None:
        """See ``Listener``: what nobody accepted is reset."""
        self.close(VirtualStream.abort)
        await trio.lowlevel.checkpoint()

    def close(self, leave: Callable[[VirtualStream], None]) -> None:
        """Stop listening; what nobody accepted goes as ``leave`` says."""
        if self._closed:
            return
        self._closed = True
        self._on_close(self)
        # Swapped out first: ``withdraw`` may come meanwhile.
        queue, self._queue = self._queue, []
        for pending in queue:
            leave(pending.stream)
        self.wake()

    def wake(self) -> None:
        """Let who accepts look again."""
        self._accepting.wake()
        self._tell_acceptor()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this listener was closed")

    def __repr__(self) -> str:
        return f"<VirtualListener {self.address}, {len(self._queue)} waiting>"
