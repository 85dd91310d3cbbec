"""One connection of a client: it carries its tries in their order, most often one at a time."""

from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

import attrs
import trio

from trio_lb.sim.actors.end import Distrusted, End
from trio_lb.sim.actors.http1 import Framing, Garbled, Head, MessageReader, body_of
from trio_lb.sim.clock import DesClock
from trio_lb.sim.watch import Watch

if TYPE_CHECKING:
    from trio_lb.sim.actors.asking import Asking
    from trio_lb.sim.actors.wish import Try

_PIECE_BYTES: Final = 262144


class Trouble(Enum):
    """Why a try failed; ``What.FAIL`` lists what each means."""

    REFUSED = "refused"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    RESET = "reset"
    CERTIFICATE = "certificate"
    CLOSED = "closed"
    CUT = "cut"
    GARBLED = "garbled"
    ALIEN = "alien"
    ALTERED = "altered"
    LEFT = "left"


@attrs.frozen(slots=True)
class Pace:
    """How fast a slow reader reads: so many bytes, then nothing for a while."""

    size_bytes: int = 1024
    every_seconds: float = 1.0


class Owner(Protocol):
    """Whoever a line belongs to; it is told what becomes of it."""

    def on_idle(self, line: "Line") -> None:
        """All of its tries were answered, and another one may follow."""
        ...

    def on_gone(self, line: "Line") -> None:
        """It was closed."""
        ...

    def on_unasked(self, line: "Line", size: int) -> None:
        """So many bytes came that nobody had asked for."""
        ...


class Line:
    """Sends tries' bytes, reads the answers in their order, and tells each try, once."""

    __slots__ = (
        "_clock",
        "_left",
        "_owner",
        "_pace",
        "_pauses_until",
        "_reader",
        "_room",
        "_slow",
        "_tries",
        "_watch",
        "carried",
        "idle_since",
        "stream",
    )

    def __init__(
        self, stream: End, owner: Owner, clock: DesClock, pace: Pace | None = None
    ) -> None:
        self.stream = stream
        self.carried = 0
        self.idle_since = 0.0
        self._clock = clock
        self._owner = owner
        self._pace = pace
        self._pauses_until = 0.0
        self._reader = MessageReader()
        self._tries: deque[Try] = deque()
        self._left = memoryview(b"")
        self._slow: deque[tuple[float, memoryview]] = deque()
        self._room: Watch | None = None
        self._watch = stream.watch_arrivals(self._look)

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent: nothing has come that nobody waits for."""
        return not self.stream.is_closed and (bool(self._tries) or not self.stream.is_stale())

    @property
    def is_sending_slowly(self) -> bool:
        """Whether a request's bytes are still to come: others' would stand between them."""
        return bool(self._slow)

    @property
    def depth(self) -> int:
        """How many tries wait for their answer."""
        return len(self._tries)

    # ------------------------------------------------------------------ out

    def carry(self, one: "Try", data: bytes) -> None:
        """Send a try; it is told of its answer or of its trouble, once."""
        self._tries.append(one)
        self.carried += 1
        self._left = memoryview(b"".join((self._left, data)) if self._left else data)
        self._push()

    def carry_slowly(self, one: "Try", asking: "Asking") -> None:
        """Send the rest of it byte by byte, from where it wants to be slow."""
        data, begin = asking.to_bytes(), asking.drips_from or 0
        self._slow.append((asking.every_seconds, memoryview(data)[begin:]))
        self.carry(one, data[:begin])
        self._clock.call_at(self._clock.current_time(), self._drip)

    def _drip(self) -> None:
        if self.stream.is_closed or not self._slow:
            return
        every_seconds, data = self._slow.popleft()
        self._left = memoryview(b"".join((self._left, data[:1])))
        self._push()
        if len(data) > 1 and not self.stream.is_closed:
            self._slow.appendleft((every_seconds, data[1:]))
            self._clock.call_at(self._clock.current_time() + every_seconds, self._drip)

    def _push(self) -> None:
        try:
            self._left = self._left[self.stream.send_nowait(self._left) :]
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # The reset, or an answer before it, is still to be read.
        if self._left and self._room is None:
            self._room = self.stream.watch_room(self._push)
        elif self._left and self._room is not None:
            self._room.arm()

    # ------------------------------------------------------------------ in

    def _look(self) -> None:
        if self._pace is not None and self._clock.current_time() < self._pauses_until:
            return  # What has just arrived waits, as what was there before it does.
        try:
            while data := self.stream.receive_nowait(self._most_bytes()):
                self._take(data)
                if self._pace is not None:
                    self._pause(self._pace)
                    return
            if data is None:
                self._watch.arm()
            else:
                self._ended()
        except Distrusted:
            self._fail(Trouble.CERTIFICATE)
        except trio.BrokenResourceError:
            self._fail(Trouble.CUT if self._reader.has_begun else Trouble.RESET)
        except trio.ClosedResourceError:
            return
        except Garbled:
            self._fail(Trouble.GARBLED)

    def _most_bytes(self) -> int:
        most = _PIECE_BYTES if self._pace is None else self._pace.size_bytes
        one = self._tries[0] if self._tries else None
        return most if one is None or one.leaves_after is None else max(1, one.leaves_after)

    def _pause(self, pace: Pace) -> None:
        if not self.stream.is_closed:
            self._pauses_until = self._clock.current_time() + pace.every_seconds
            self._clock.call_at(self._pauses_until, self._watch.arm)

    def _take(self, data: bytes) -> None:
        if not self._tries:
            self._owner.on_unasked(self, len(data))
            self.drop()
            return
        one = self._tries[0]
        self._reader.feed(data)
        self._read()
        if one.leaves_after is not None and not one.is_over:
            one.leaves_after -= len(data)
            if one.leaves_after <= 0:
                one.leave()

    def _read(self) -> None:
        """Read whole answers, as many as are there."""
        reader = self._reader
        while self._tries and (head := reader.read_head()) is not None:
            one, status = self._tries[0], _status(head)
            if 100 <= status < 200 and status != 101:
                reader.next_message()  # Only an interim answer.
                continue
            if not one.has_head:
                one.has_head = True
                reader.expect(*_framing(head, status, one.method))
            if not reader.is_whole:
                return
            self._whole(head, status)

    def _whole(self, head: Head, status: int, *, last: bool = False) -> None:
        one, body = self._tries.popleft(), self._reader.body
        served_by = (head.get(b"x-served-by") or b"").decode("latin-1")
        self._reader.next_message()
        if last or self._left or self._slow or not head.keeps_alive:
            self._leave_the_others()
            self.close()
        elif not self._tries:
            self._rest()
        trouble = _compare(one, body) if served_by and status == 200 else None
        if trouble is not None:
            one.failed(trouble)
        else:
            one.answered(status, len(body), served_by)

    def _rest(self) -> None:
        if self._reader.has_begun:
            self._owner.on_unasked(self, self._reader.buffered)
            self.drop()
        else:
            self.idle_since = self._clock.current_time()
            self._owner.on_idle(self)

    def _leave_the_others(self) -> None:
        """No answer follows for those who asked behind this one."""
        others, self._tries = self._tries, deque()
        for other in others:
            other.failed(Trouble.CLOSED)

    def _ended(self) -> None:
        reader = self._reader
        reader.end_of_stream()
        if self._tries and reader.is_whole and reader.head is not None:
            self._whole(reader.head, _status(reader.head), last=True)
        elif self._tries:
            self._fail(Trouble.CUT if reader.has_begun else Trouble.CLOSED)
        else:
            self.close()

    def _fail(self, trouble: Trouble) -> None:
        tries, self._tries = self._tries, deque()
        self.close(reset=True)
        for turn, one in enumerate(tries):
            one.failed(trouble if not turn else Trouble.CLOSED)

    # ------------------------------------------------------------------ the end

    def drop(self, leaver: "Try | None" = None) -> None:
        """Leave at once; ``leaver`` knows it already, whoever else asked here is told."""
        tries, self._tries = self._tries, deque()
        self.close(reset=True)
        for one in tries:
            if one is not leaver:
                one.failed(Trouble.CLOSED)

    def close(self, *, reset: bool = False) -> None:
        """End the connection: FIN, or RST."""
        if reset:
            self.stream.abort()
        else:
            self.stream.close()
        self._watch.end()
        if self._room is not None:
            self._room.end()
        self._owner.on_gone(self)


def _status(head: Head) -> int:
    parts = head.line.split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
        raise Garbled(f"{head.line[:40]!r} is no status line")
    return int(parts[1])


def _framing(head: Head, status: int, method: str) -> tuple[Framing, int]:
    if method == "HEAD" or status in (204, 304):
        return Framing.NONE, 0
    framing, length = head.framing()
    return (Framing.UNTIL_CLOSE, 0) if framing is Framing.NONE else (framing, length)


def _compare(one: "Try", body: bytes) -> Trouble | None:
    """Whether the body is the one of this request, byte for byte."""
    if one.method == "HEAD" or body == body_of(one.number, len(body)):
        return None
    number = body.split(b" ", 1)[0]
    other = number.isdigit() and int(number) != one.number
    return Trouble.ALIEN if other else Trouble.ALTERED
