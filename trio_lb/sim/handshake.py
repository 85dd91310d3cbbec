"""How a virtual connection comes to be: SYN, SYN-ACK, ACK.

::

    client                 server
      |------- SYN -------->|   t + 1 latency: refused, dropped, or a place in the queue
      |<----- SYN-ACK ------|   t + 2: ``connect`` returns
      |------- ACK -------->|   t + 3: the connection may be accepted

    SYN --ADMIT--> SYN_ACK --ARRIVE--> STANDS
     '--REFUSE--> REFUSAL --ARRIVE--> FAILED
    any of the three packets --LOSE--> PAUSE --RESEND--> SYN, or --GIVE_UP--> FAILED
    whatever has not ended --LEAVE--> LEFT

A SYN that was dropped is sent again after 1, 3, 7, 15, 31 and 63 seconds, and 127
seconds after the first one the attempt fails: Linux's figures for tcp_syn_retries = 6. While
a jam holds one, the next ones leave nonetheless, and are held behind it. When it clears they
arrive in one instant, and are judged then one by one, each as of when it was sent.

Nothing here waits. ``due_at`` is when ``advance`` has something to do: calls of the clock make
it (``start``), or the task that connects where there is no clock that calls (``wait``).
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final, Protocol

import attrs
import trio

from trio_lb.model import step
from trio_lb.model.address import Address
from trio_lb.model.errors import IllegalTransition
from trio_lb.net.env import ConnectError
from trio_lb.sim.clock import Call, DesClock
from trio_lb.sim.flow import Flow
from trio_lb.sim.link import Connects, Crossing, Greeter, Link, Path
from trio_lb.sim.listener import Pending, VirtualListener
from trio_lb.sim.pipe import Pipe
from trio_lb.sim.seat import Seat
from trio_lb.sim.stream import VirtualStream
from trio_lb.sim.unix_stream import UnixStream

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


class At(step.Step):
    """How far a handshake has come: which packet is under way, or what became of it."""

    SYN = "syn"
    SYN_ACK = "syn_ack"
    REFUSAL = "refusal"
    PAUSE = "pause"
    STANDS = "stands"
    FAILED = "failed"
    LEFT = "left"


class Step(step.Step):
    """What leads on."""

    ADMIT = "admit"
    REFUSE = "refuse"
    ARRIVE = "arrive"
    LOSE = "lose"
    RESEND = "resend"
    GIVE_UP = "give_up"
    LEAVE = "leave"


TRANSITIONS: Final[Mapping[At, Mapping[Step, At]]] = {
    At.SYN: {
        Step.ADMIT: At.SYN_ACK,
        Step.REFUSE: At.REFUSAL,
        Step.LOSE: At.PAUSE,
        Step.LEAVE: At.LEFT,
    },
    At.SYN_ACK: {Step.ARRIVE: At.STANDS, Step.LOSE: At.PAUSE, Step.LEAVE: At.LEFT},
    At.REFUSAL: {Step.ARRIVE: At.FAILED, Step.LOSE: At.PAUSE, Step.LEAVE: At.LEFT},
    At.PAUSE: {Step.RESEND: At.SYN, Step.GIVE_UP: At.FAILED, Step.LEAVE: At.LEFT},
    At.STANDS: {},
    At.FAILED: {},
    At.LEFT: {},
}


@attrs.frozen(slots=True)
class Route:
    """From where to whom one dials, and over which link."""

    local: Address
    target: Address
    near: Listening
    far: Listening
    link: Link
    there: Path
    back: Path
    window_bytes: int
    next_serial: Callable[[], int]


class Handshake:
    """One attempt to connect. It begins with its making: the first SYN leaves at ``now``.

    ``outcome`` is None until it is over: then our end, or the error. ``on_over(outcome)`` is
    called then, once, and with None when its owner has given up (``leave``).
    """

    __slots__ = (
        "_arrival", "_at", "_call", "_clock", "_ends", "_give_up_at", "_is_lost", "_judged_at",
        "_next_syn_at", "_on_over", "_path", "_place", "_route", "_syns", "_tell",
        "due_at", "outcome",
    )  # fmt: skip

    def __init__(
        self,
        route: Route,
        now: float,
        on_over: Callable[[VirtualStream | ConnectError | None], object],
    ) -> None:
        self.outcome: VirtualStream | ConnectError | None = None
        self.due_at = self._arrival = now
        self._route = route
        self._on_over = on_over
        self._at = At.SYN
        self._syns = 0
        self._next_syn_at = self._judged_at = now
        # Added up as ``_next_syn_at`` is: 127.0 at once may be a little more than these.
        *_, self._give_up_at = itertools.accumulate(SYN_PATIENCE_SECONDS, initial=now)
        self._ends: tuple[VirtualStream, VirtualStream] | None = None
        self._place: tuple[VirtualListener, Pending] | None = None
        self._tell: Callable[[], object] = _tell_nobody
        self._clock: DesClock | None = None
        self._call: Call | None = None
        self._knock()

    def _take(self, step: Step) -> None:
        after = TRANSITIONS[self._at].get(step)
        if after is None:
            raise IllegalTransition(f"a handshake at {self._at.value}: {step.value}")
        self._at = after

    # ------------------------------------------------------------------ who advances it

    async def wait(self) -> VirtualStream:
        """Return our end; cancelled, it leaves no trace at either end.

        Raises:
          ConnectError: refused, or nobody answered any SYN.
        """
        seat = Seat("connecting")
        clock = trio.lowlevel.current_clock()
        try:
            if isinstance(clock, DesClock):
                self.start(clock, seat.wake)
                await seat.wait(self._next_at)
            else:
                self._tell = seat.wake
                while self.outcome is None:
                    await seat.wait(self._next_at)
                    self.advance(trio.current_time())
        except BaseException:
            if isinstance(self.outcome, VirtualStream):
                self.outcome.abort()  # A call made it stand after the cancel, at the same instant.
            raise
        finally:
            self.leave()
        if isinstance(self.outcome, VirtualStream):
            return self.outcome
        assert self.outcome is not None, "who was not cancelled was told"
        raise self.outcome

    def _next_at(self) -> float:
        """What a seat waits for: where calls are made it is woken by its end."""
        return math.inf if self._clock is not None else self.due_at

    def start(self, clock: DesClock, on_done: Callable[[], object]) -> None:
        """Let calls of the clock advance it, and ``on_done()`` be called at its end."""
        self._clock = clock
        self._tell = on_done
        self._plan()

    def _plan(self) -> None:
        assert self._clock is not None, "it was started"
        self._call = self._clock.call_at(self.due_at, self._due)

    def _due(self) -> None:
        assert self._clock is not None, "it was started"
        self.advance(self._clock.current_time())
        if self.outcome is None:
            self._plan()
        else:
            self._tell()

    def leave(self) -> None:
        """Give up, unless it is over: no trace is left at either end."""
        if self._call is not None:
            self._call.cancel()
        if Step.LEAVE in TRANSITIONS[self._at]:
            self._path.forget(self._look_again)
            self._take(Step.LEAVE)
            self._withdraw()
            self.due_at = math.inf
            self._on_over(None)

    # ------------------------------------------------------------------ what happens

    def advance(self, now: float) -> None:
        """Do what is due."""
        if now < self.due_at:
            return
        if self._at is At.PAUSE:
            self._resend(now)
            return
        crossing = Crossing.LOST if self._is_lost else self._path.crossing(self._arrival, now)
        if crossing is Crossing.ARRIVED:
            self._arrived(self._path.delivery(self._arrival))
        elif crossing is Crossing.LOST or now >= self._give_up_at:
            self._path.forget(self._look_again)
            self._lose(now)
        else:
            self.due_at = self._give_up_at
            self._path.when_clear(self._look_again)

    def _look_again(self) -> None:
        """The jam is over: what it held arrives now, or never, if a cut goes on."""
        self.due_at = trio.current_time()
        self._arrival = self._path.delivery(self._arrival)
        if self._call is None:
            self._tell()
        else:
            self._call.cancel()
            self._plan()

    def _send(self, path: Path, at: float, not_before: float = -math.inf) -> None:
        self._path = path
        self.due_at = self._arrival = max(path.arrival(at), not_before)
        self._is_lost = path.is_lost()

    def _knock(self) -> None:
        """Send the next SYN as of when it is due; it does not overtake the one before."""
        sent_at = self._next_syn_at
        self._next_syn_at += SYN_PATIENCE_SECONDS[self._syns]
        self._syns += 1
        self._send(self._route.there, sent_at, not_before=self._judged_at)

    def _resend(self, now: float) -> None:
        if now >= self._give_up_at:
            self._fail(ConnectError(f"{self._route.target}: connection timed out"))
        else:
            self._take(Step.RESEND)
            self._knock()

    def _lose(self, at: float) -> None:
        self._withdraw()
        if self._at is At.SYN:
            self._judged_at = at
        self._take(Step.LOSE)
        self.due_at = self._next_syn_at  # Passed, maybe: then it is on its way behind this one.

    def _arrived(self, at: float) -> None:
        match self._at:
            case At.SYN:
                self._judged_at = at
                self._syn_arrived(at)
            case At.SYN_ACK:
                self._stand(at)
            case _:
                self._fail(self._refusal())

    def _syn_arrived(self, at: float) -> None:
        """Be admitted, refused, or lost: the far host decides."""
        route = self._route
        connects = (route.link.connects, route.far.connects)
        if Connects.BLACKHOLE in connects:
            self._lose(at)
            return
        listener = route.far.listener_at(route.target)
        is_refused = listener is None or Connects.REFUSE in connects
        if listener is not None and not is_refused:
            if not listener.is_full(route.far.backlog_cap):
                self._be_admitted(listener, at)
                return
            is_refused = route.target.is_unix or route.far.overflow is Overflow.RESET
        if is_refused:
            self._take(Step.REFUSE)
            self._send(route.back, at)
        else:
            self._lose(at)

    def _refusal(self) -> ConnectError:
        target, why = self._route.target, "connection refused"
        if target.is_unix and self._route.far.listener_at(target) is not None:
            why = "resource temporarily unavailable"  # There is no place: EAGAIN.
        return ConnectError(f"{target}: {why}", refused=True)

    def _be_admitted(self, listener: VirtualListener, at: float) -> None:
        """Hold a place in the queue while the SYN-ACK travels.

        The place is taken before, so that SYNs of one instant cannot all slip in.
        """
        self._take(Step.ADMIT)
        self._ends = self._make_ends()
        self._place = listener, listener.admit(self._ends[1], self._route.there)
        self._send(self._route.back, at)

    def _make_ends(self) -> tuple[VirtualStream, VirtualStream]:
        route = self._route
        kind = UnixStream if route.target.is_unix else VirtualStream
        near = kind(route.next_serial(), route.local, route.target, route.link)
        far = kind(route.next_serial(), route.target, route.local, route.link)
        connect_ends(near, far, route.there, route.back, route.window_bytes)
        for end, host in ((near, route.near), (far, route.far)):
            for greet in (*route.link.greeters, *host.greeters):
                greet(end)
        return near, far

    def _withdraw(self) -> None:
        """Give the place in the queue back: the answer was lost, or we left."""
        if self._place is not None and self._ends is not None:
            listener, pending = self._place
            listener.withdraw(pending)
            for end in self._ends:
                end.abort()
        self._place = self._ends = None

    # ------------------------------------------------------------------ how it ends

    def _stand(self, at: float) -> None:
        assert self._place is not None, "its place was held until now"
        assert self._ends is not None, "with both ends"
        (near, _), (listener, pending) = self._ends, self._place
        if near.is_closed:
            self._lose(at)  # Our host has lost its sockets, and knows of no such connection.
            return
        self._place = self._ends = None
        near.keep_alive()
        listener.complete(pending, self._route.there.arrival(at))
        self._end(Step.ARRIVE, near)

    def _fail(self, error: ConnectError) -> None:
        self._end(Step.ARRIVE if self._at is At.REFUSAL else Step.GIVE_UP, error)

    def _end(self, step: Step, outcome: VirtualStream | ConnectError) -> None:
        self._take(step)
        self.outcome, self.due_at = outcome, math.inf
        self._on_over(outcome)


def _tell_nobody() -> None:
    """Nobody waits yet."""


def connect_ends(
    near: VirtualStream, far: VirtualStream, there: Path, back: Path, window_bytes: int
) -> None:
    """Join two ends: ``there`` leads from ``near`` to ``far``, ``back`` the other way."""
    forth_pipe, back_pipe = Pipe(there, back, window_bytes), Pipe(back, there, window_bytes)
    flow = Flow(near._link, near._now())
    near.has_dialled = True
    near._wire(far, incoming=back_pipe, outgoing=forth_pipe, path=there, flow=flow)
    far._wire(near, incoming=forth_pipe, outgoing=back_pipe, path=back, flow=flow)
