"""A virtual stream: one end of a TCP connection that exists only in memory.

Rule 1: what we have said on our own half is a phase (``sim.phase``) and changes in ``_take`` only.
Rule 2: what the other end did is never told to us, it arrives: as an item of the
incoming pipe (bytes, FIN), or as a cut (RST) with an instant of its own.
Rule 3: as in Linux, what arrived before a reset can still be read; what would have
arrived after it is lost; and an end of file that came first stays an end of file.
Rule 4: who uses a closed end is told so; who uses an abandoned one is dead, and is told nothing.
Rule 5: who has left is told nothing more, and when both have left they let go of each other: a
connection that nobody holds is freed at once, since no collector runs during a simulation.
"""

import math
from collections.abc import Callable
from typing import Self

import trio

from trio_lb.model.address import Address
from trio_lb.model.errors import IllegalTransition
from trio_lb.sim.flow import Flow
from trio_lb.sim.link import Link, Path
from trio_lb.sim.phase import GONE, TRANSITIONS, Act, Phase
from trio_lb.sim.pipe import Pipe, why
from trio_lb.sim.rule import End, judge
from trio_lb.sim.seat import Seat
from trio_lb.sim.trip import Trip
from trio_lb.sim.watch import Watch


def _tell_nobody() -> None:
    """Whoever was here has left."""


class VirtualStream:
    """One end; satisfies ``net.env.Stream``. Made in pairs by ``connect_ends``.

    ``serial`` is its identity in the link's book of open streams, in which it stands
    from here until its owner closes it: a reset by the peer does not take it out,
    since a real socket stays open then, too. ``on_leave`` is called once, when it is
    taken out: it gives back what the connection held of its host. ``has_dialled`` tells the
    end that connected from the one that was accepted.
    """

    __slots__ = (
        "_cuts", "_flow", "_hears", "_incoming", "_link", "_now", "_outgoing", "_path", "_phase",
        "_receiving", "_remote", "_sending", "_tell_receiver", "_tell_sender",
        "has_dialled", "local", "on_leave", "peer", "serial",
    )  # fmt: skip

    def __init__(self, serial: int, local: Address, peer: Address, link: Link) -> None:
        self.serial = serial
        self.local = local
        self.peer = peer
        self.on_leave: Callable[[], None] | None = None
        self.has_dialled = False
        self._link = link
        self._now = trio.lowlevel.current_clock().current_time
        self._phase = Phase.OPEN
        self._cuts: list[Trip] = []
        self._hears = True
        self._receiving: Seat | None = None
        self._sending: Seat | None = None
        # Whom to tell of arrivals and of room: the tasks in the seats, or an actor's watches.
        self._tell_receiver: Callable[[], None] = _tell_nobody
        self._tell_sender: Callable[[], None] = _tell_nobody
        link.streams[serial] = self

    def _wire(
        self, remote: "VirtualStream", incoming: Pipe, outgoing: Pipe, path: Path, flow: Flow
    ) -> None:
        """Second half of the making: the two ends of a pair need each other to exist first."""
        self._remote = remote
        self._incoming = incoming
        self._outgoing = outgoing
        self._path = path
        self._flow = flow

    def _take(self, act: Act) -> None:
        after = TRANSITIONS[self._phase].get(act)
        if after is None:
            raise IllegalTransition(f"{self!r} cannot {act.value}: it is {self._phase.value}")
        self._phase = after

    # Receiving.

    async def receive_some(self, max_bytes: int) -> bytes:
        """See ``Stream``: waits until the first arrival; nothing is taken before it returns."""
        with self._receiver() as seat:
            # Who will have to wait needs no checkpoint before it: that is one pass saved.
            if self._phase in GONE or not self._hears or self.next_news() <= self._now():
                await trio.lowlevel.checkpoint()
            else:
                await seat.wait(self.next_news)
            while (data := self.receive_nowait(max_bytes)) is None:
                await seat.wait(self.next_news)
            return data

    def _receiver(self) -> Seat:
        """The seat of the task that receives; an actor has none."""
        if self._receiving is None:
            self._receiving = Seat("receiving from this stream")
            self._tell_receiver = self._receiving.tell
        return self._receiving

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """See ``Stream``."""
        self._check_not_closed()
        return self._received(max_bytes)

    def _received(self, max_bytes: int) -> bytes | None:
        """Return what can be had now, None for nothing yet: rule 3 is here."""
        now = self._now()
        cut_at = self._cut_at() if self._cuts else math.inf
        data = self._incoming.take(max_bytes, now, min(now, cut_at))
        if data is None and cut_at <= now and not self._incoming.hides_resets:
            raise trio.BrokenResourceError(f"receive from {self.peer}: {why(self._outgoing)}")
        if data is None and not self._hears:
            return b""
        if data:
            self._remote._tell_sender()
        return data

    def next_news(self) -> float:
        """Return when something arrives or arrived: bytes, the end, or a reset."""
        if not self._cuts or self._incoming.hides_resets:
            return self._incoming.next_delivery()
        return min(self._incoming.next_delivery(), self._cut_at())

    def next_room(self) -> float:
        """Return when the window opens further, or a reset tells that it never will."""
        return min(self._outgoing.next_ack(), self._cut_at())

    def stop_hearing(self) -> None:
        """Take silence for the end of file from now on (SHUT_RD); what arrives can be read still.

        The peer is told nothing, so it is no phase of our half.
        """
        self._hears = False
        self.wake()

    def is_stale(self) -> bool:
        """Whether anything at all has arrived: bytes, the end, or a reset."""
        return self._phase in GONE or self.next_news() <= self._now()

    # For an owner without a task.

    def watch_arrivals(self, look: Callable[[], object]) -> Watch:
        """Let ``look()`` be called at the next arrival; see ``Watch``. No task may receive then."""
        watch = Watch(self.next_news, look)
        self._tell_receiver = watch.wake
        watch.arm()
        return watch

    def watch_room(self, look: Callable[[], object]) -> Watch:
        """Let ``look()`` be called when there is room again after ``send_nowait`` took not all."""
        watch = Watch(self.next_room, look)
        self._tell_sender = watch.wake
        watch.arm()
        return watch

    # Sending.

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``: hands over what the window takes, without a checkpoint."""
        self._check_may_send()
        if self._phase is Phase.ABANDONED:
            return len(data)
        now = self._now()
        size = min(len(data), self._outgoing.room(now))
        if size > 0:
            passes = self._flow.passes(now)
            piece = bytes(data if size == len(data) else memoryview(data)[:size])
            if self._outgoing.rules:
                self._send_ruled(piece, now, passes=passes)
            else:
                self._sent(self._outgoing.put(piece, now, passes=passes))
        return size

    def _sent(self, arrival: float) -> None:
        # The sender cannot know yet that nobody is there: it is told by the answer.
        if self._remote._phase in GONE:
            self._be_answered_by_reset(arrival)
        else:
            self._remote._tell_receiver()

    def _send_ruled(self, piece: bytes, now: float, *, passes: bool) -> None:
        """Send what the rules leave of a piece, and how they end the direction, if they do."""
        data, late_seconds, end = judge(self._outgoing.rules, piece, now)
        arrival = now
        if data:
            arrival = self._outgoing.put(data, now, passes=passes, late_seconds=late_seconds)
            self._sent(arrival)
        if end is End.DROP:
            self._outgoing.put(piece[len(data) :], now, passes=False)
            self._link.patience.watch()
        elif end is End.FIN:
            self._send_fin()
        elif end is End.RESET:
            self._remote._be_cut(Trip(max(arrival, now + self._path.latency_seconds), self._path))
            self.cut()

    def _sender(self) -> Seat:
        if self._sending is None:
            self._sending = Seat("sending to this stream")
            self._tell_sender = self._sending.tell
        return self._sending

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``: waits until the window opens or a reset arrives."""
        with self._sender() as seat:
            await trio.lowlevel.checkpoint()
            while True:
                sent = self.send_nowait(data)
                if sent or not len(data):
                    return sent
                await seat.wait(self.next_room)

    async def wait_writable(self) -> None:
        """Wait until a send would not wait: there is room, or it would fail."""
        with self._sender() as seat:
            await trio.lowlevel.checkpoint()
            while self._would_wait():
                await seat.wait(self.next_room)
            self._check_not_closed()

    def _would_wait(self) -> bool:
        now = self._now()
        is_open = self._phase is Phase.OPEN and self._cut_at() > now
        return is_open and self._outgoing.room(now) <= 0

    async def send_eof(self) -> None:
        """See ``Stream``: FIN follows the bytes; saying it twice changes nothing."""
        await trio.lowlevel.checkpoint()
        self.finish()

    def finish(self) -> None:
        """The same without a checkpoint.

        Raises:
          trio.BrokenResourceError: a reset has arrived.
        """
        self._check_not_closed()
        if self.is_reset:
            raise trio.BrokenResourceError(f"end of file to {self.peer}: the connection was reset")
        if self._phase is Phase.OPEN:
            self._take(Act.FINISH)
            self._send_fin()
            self.wake()  # Who waits for room would wait in vain.

    def _send_fin(self) -> None:
        now = self._now()
        self._outgoing.put_eof(now, passes=self._flow.passes(now))
        self._remote._tell_receiver()

    # The end of it.

    async def aclose(self) -> None:
        """See ``Stream``: ``close``, then a checkpoint."""
        self.close()
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """See ``Stream``; with bytes unread it says RST instead of FIN, as Linux does."""
        now = self._now()
        if self._phase in GONE or self.is_reset:
            self.vanish()  # Nothing is said on a connection that was reset.
        elif self._incoming.has_bytes(now):
            self.abort()
        else:
            if self._phase is Phase.OPEN:
                self._send_fin()
            self._leave(now)

    def abort(self) -> None:
        """See ``Stream``: RST, which bytes that wait for bandwidth do not hold up."""
        if self._phase in GONE or self.is_reset:
            self.vanish()  # Nothing is said on a connection that was reset.
            return
        now = self._now()
        reset = Trip(self._path.arrival(now), self._path)
        if self._flow.passes(now):
            self._remote._be_cut(reset)
        self._leave(now)

    def vanish(self) -> None:
        """Be gone without a word, as when our host lost its power."""
        if self._phase not in GONE:
            self._leave(self._now())

    def abandon(self) -> None:
        """Once closed: those who used it are dead, and what they still do in this instant is void."""
        if self._phase is Phase.CLOSED:
            self._take(Act.ABANDON)
            self._cuts.clear()
            self._incoming = Pipe(self._path, self._path, 0)  # Nothing comes any more.

    @property
    def incoming(self) -> Pipe:
        """What comes to us: faults put their rules and valves there."""
        return self._incoming

    @property
    def outgoing(self) -> Pipe:
        """What we send."""
        return self._outgoing

    @property
    def remote(self) -> "VirtualStream":
        """The other end; this one, once nobody is at either."""
        return getattr(self, "_remote", self)

    def keep_alive(self) -> None:
        """Send a packet without bytes: boxes in the middle see that we still talk."""
        self._flow.passes(self._now())

    def leaves_by(self, path: Path) -> bool:
        """Whether it is the end of a connection from which ``path`` leads away."""
        return self._path is path

    @property
    def is_closed(self) -> bool:
        """Whether its owner, or the crash of its host, has closed it."""
        return self._phase in GONE

    @property
    def is_reset(self) -> bool:
        """Whether a reset has arrived; bytes that came before it may still be there to read."""
        return bool(self._cuts) and self._cut_at() <= self._now()

    @property
    def has_ended(self) -> bool:
        """Whether the peer's end of file arrived, read or not, and no reset before it."""
        return self._incoming.has_ended(min(self._now(), self._cut_at()))

    def cut(self) -> None:
        """Suffer a reset from the middle of the link, at this instant."""
        self._be_cut(Trip(self._now(), None))

    def _leave(self, now: float) -> None:
        """Be gone for our side; bytes that are still under way to us meet a closed end."""
        self._take(Act.CLOSE)
        del self._link.streams[self.serial]
        if self.on_leave is not None:
            self.on_leave()
        self.wake()
        self._tell_receiver = self._tell_sender = _tell_nobody
        late = self._incoming.first_bytes_after(now)
        if late is not None:
            self._remote._be_answered_by_reset(late)
        if self._remote._phase in GONE:
            del self._remote._remote, self._remote

    def _be_answered_by_reset(self, arrival: float) -> None:
        """Bytes of ours reach a closed end at ``arrival``: its reset comes back from there."""
        self._be_cut(Trip(arrival, self._path, self._remote._path))

    def _be_cut(self, reset: Trip) -> None:
        # All are kept and the first to arrive counts: which one that is, stalls decide.
        self._cuts.append(reset)
        self._tell_receiver()
        self._tell_sender()

    def _cut_at(self) -> float:
        return min(reset.ends_at() for reset in self._cuts) if self._cuts else math.inf

    def settle(self, now: float) -> None:
        """See ``Link.settle``."""
        self._incoming.settle(now)
        self._outgoing.settle(now)
        for reset in self._cuts:
            reset.settle(now)

    def wake(self) -> None:
        """Let those who wait on this end look again: tasks at once, watches at the next news."""
        for seat in (self._receiving, self._sending):
            if seat is not None:
                seat.wake()
        self._tell_receiver()
        self._tell_sender()

    def _check_not_closed(self) -> None:
        if self._phase is Phase.CLOSED:
            raise trio.ClosedResourceError("this stream was closed")

    def _check_may_send(self) -> None:
        self._check_not_closed()
        if self._phase is Phase.FINISHED or self.is_reset:
            raise trio.BrokenResourceError(f"send to {self.peer}: broken pipe")

    async def __aenter__(self) -> Self:
        """Own the stream for a block."""
        return self

    async def __aexit__(self, *why: object) -> None:
        """Close the stream, without a checkpoint."""
        self.close()

    def __repr__(self) -> str:
        return f"<VirtualStream {self.local} to {self.peer}, {self._phase.value}>"
