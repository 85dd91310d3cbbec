"""One direction of one connection: a queue of what was sent, each with its arrival.

::

    sender                                              receiver
    put(b"GET /") --> [ (7.001, b"GET /"), (7.003, FIN) ] --> take(65536)
       room() <------ [ (7.002, 5 bytes read)           ] <------'

The receiver takes what has arrived by now and otherwise waits until the first
arrival. What it read frees the window one latency later, as an acknowledgement
would: no news travels faster than the link. One that is lost comes with the copy
that the sender sends for want of it, which the receiver drops; or the next one
says it, too, if that is there before.
"""

import errno
import math
import os
from collections.abc import Sequence
from typing import Final, TypeVar

from trio_lb.sim.link import Path
from trio_lb.sim.rule import Rule, Valve

T = TypeVar("T")

_FIN: Final = b""
"""The last item of a direction. It stays in the queue, so end of file can be read again."""


class Pipe:
    """Bytes under way from one end to the other; ``window_bytes`` bounds how many.

    All instants are seconds on trio's clock. ``until`` is the instant up to which
    arrivals count: now, or the instant of a reset that came before. ``rules`` and ``valves``
    are those of faults; who adds or removes a valve wakes the receiver. ``window`` may be
    changed: a smaller one is filled by what is under way. ``sent_at`` is when bytes were sent last;
    ``broken_by`` is what the sender is told, should the connection break.
    """

    __slots__ = (
        "_acks",
        "_back",
        "_is_over",
        "_items",
        "_last",
        "_lost",
        "_lost_from",
        "_path",
        "_sent_bytes",
        "_unread",
        "broken_by",
        "rules",
        "sent_at",
        "valves",
        "window",
    )

    def __init__(self, path: Path, back: Path, window_bytes: int) -> None:
        self._path = path
        self._back = back
        self.window = window_bytes
        self.rules: list[Rule] = []
        self.valves: list[Valve] = []
        self._is_over = False
        # Short lists: an empty deque takes 600 bytes, and connections are many.
        self._items: list[tuple[float, bytes | memoryview]] = []
        self._acks: list[tuple[float, int]] = []
        self._unread = 0
        self._last = -math.inf
        self._lost_from = math.inf
        # Of each piece that was lost: where it ends, when it would have come, when its copy does.
        self._lost: Sequence[tuple[int, float, float]] = ()
        self._sent_bytes = 0
        self.sent_at = -math.inf
        self.broken_by = errno.ECONNRESET

    # The sender's side.

    def room(self, now: float) -> int:
        """Return how many bytes fit into the window now."""
        acks, arrived = self._acks, 0
        while arrived < len(acks) and self._back.delivery(acks[arrived][0]) <= now:
            self._unread -= acks[arrived][1]
            arrived += 1
        if arrived:
            del acks[:arrived]
        return self.window - self._unread

    def put(
        self, data: bytes, now: float, *, passes: bool = True, late_seconds: float = 0.0
    ) -> float:
        """Send bytes that fit, and return when they arrive if nothing stalls.

        What does not pass fills the window and never arrives, nor does what follows it. What
        comes behind the end of file vanishes.
        """
        arrival = self._path.arrival(now, len(data)) + late_seconds
        if self._is_over:
            return arrival
        self.sent_at = now
        self._unread += len(data)
        return self._append(data, arrival, passes=passes)

    def put_eof(self, now: float, *, passes: bool = True) -> None:
        """Send the end of file behind all that was sent; once."""
        if not self._is_over:
            self._is_over = True
            self._append(_FIN, self._path.arrival(now), passes=passes)

    def _append(self, data: bytes, arrival: float, *, passes: bool) -> float:
        self._sent_bytes += len(data)
        # Streams keep their order: a piece that is late (loss, jitter) holds up the next.
        if passes:
            late = arrival + self._path.retransmission_seconds()
            if late > arrival:
                # Copies that have left by then can be changed by nothing any more.
                open_ones = [each for each in self._lost if each[2] > arrival]
                self._lost = [*open_ones, (self._sent_bytes, arrival, late)]
        else:
            late, self._lost_from = math.inf, min(arrival, self._lost_from)
        self._last = max(self._last, late)
        self._items.append((self._last, data))
        return self._last

    def unheard_since(self, now: float) -> float | None:
        """Return when the first of what has not arrived by now was sent; None: all has arrived."""
        for arrival, _ in self._items:
            if self._path.delivery(arrival) > now:
                return min(arrival, self._lost_from) - self._path.latency_seconds
        return None

    def lose_rest(self, now: float) -> None:
        """Send no more of it: what has not arrived by now never does, nor does anything else."""
        self._items = [each for each in self._items if self._path.delivery(each[0]) <= now]
        self._is_over = True
        self.broken_by = errno.ETIMEDOUT

    def retry(self, path: Path, now: float) -> bool:
        """Let what was lost come earlier, as less is lost from now on; return whether it does.

        What was sent behind a lost piece waits for it, and comes with it.
        """
        if path is not self._path or not self._lost:
            return False
        planned = self._lost
        self._lost = [(end, at, path.copy_arrival(at, late, now)) for end, at, late in planned]
        if planned == self._lost:
            return False
        late_ones = {late: None for _, _, late in planned}
        items, last = list[tuple[float, bytes | memoryview]](), -math.inf
        position = self._sent_bytes - sum(len(data) for _, data in self._items)
        for arrival, data in self._items:
            position += len(data)
            if arrival in late_ones:
                before = (late for end, _, late in self._lost if end <= position)
                arrival = max(before, default=arrival)
            last = max(last, arrival)
            items.append((last, data))
        self._items, self._last = items, last
        return True

    def settle(self, now: float) -> None:
        """See ``Link.settle``."""
        self._items = _settled(self._path, self._items, now)
        self._acks = _settled(self._back, self._acks, now)

    def next_ack(self) -> float:
        """Return when the window opens further; infinite when nothing was read."""
        return self._back.delivery(self._acks[0][0]) if self._acks else math.inf

    # The receiver's side.

    def take(self, max_bytes: int, now: float, until: float) -> bytes | None:
        """Return bytes that arrived by ``until``, b"" at the end of file, None for nothing yet."""
        if self.valves:
            if self._opens_at() > until:
                return None
        elif len(self._items) == 1 and 0 < len(self._items[0][1]) <= max_bytes:
            return self._take_only(now, until)
        parts = self._pop(self._admitted(max_bytes) if self.valves else max_bytes, until)
        if parts:
            self._acknowledge(now, sum(map(len, parts)))
            for valve in self.valves:
                valve.took(now)
            return b"".join(parts)
        return b"" if self._arrived_at() <= until else None

    def _take_only(self, now: float, until: float) -> bytes | None:
        """Take the one piece that is under way, and fits: nearly each receive of a short message."""
        arrival, data = self._items[0]
        if self._path.delivery(arrival) > until:
            return None
        self._items.clear()
        self._acknowledge(now, len(data))
        return bytes(data)

    def _acknowledge(self, now: float, count: int) -> None:
        acks, back = self._acks, self._back
        arrival = now + back.latency_seconds + back.late_news_seconds()
        place = len(acks)
        while place and acks[place - 1][0] > arrival:  # What tells of more tells of those before.
            place -= 1
            acks[place] = (arrival, acks[place][1])
        acks.append((arrival, count))

    def _admitted(self, max_bytes: int) -> int:
        return min(valve.most_bytes(max_bytes) for valve in self.valves)

    def _opens_at(self) -> float:
        return max(valve.opens_at for valve in self.valves)

    def _pop(self, room: int, until: float) -> list[bytes | memoryview]:
        """Take what has arrived, at most ``room`` bytes, in the pieces in which it came."""
        items, parts, whole = self._items, list[bytes | memoryview](), 0
        while room and whole < len(items):
            arrival, data = items[whole]
            if not len(data) or self._path.delivery(arrival) > until:
                break
            if len(data) > room:
                view = memoryview(data)
                parts.append(view[:room])
                items[whole] = (arrival, view[room:])
                break
            parts.append(data)
            room -= len(data)
            whole += 1
        del items[:whole]
        return parts

    def has_bytes(self, until: float) -> bool:
        """Whether bytes, and not only the end, wait in the kernel, behind whatever valve."""
        return self._arrived_at() <= until and len(self._items[0][1]) > 0

    def _arrived_at(self) -> float:
        return self._path.delivery(self._items[0][0]) if self._items else math.inf

    def next_delivery(self) -> float:
        """Return when the first item can be or could be read; infinite when there is none."""
        if not self._items:
            return math.inf
        arrived_at = self._path.delivery(self._items[0][0])
        return max(arrived_at, self._opens_at()) if self.valves else arrived_at

    @property
    def hides_resets(self) -> bool:
        """Whether who receives sees nothing at all at present."""
        return any(valve.hides_resets for valve in self.valves)

    def has_ended(self, until: float) -> bool:
        """Whether the end of file arrived, be there bytes before it or not."""
        if not self._items:
            return False
        arrival, data = self._items[-1]
        return not len(data) and self._path.delivery(arrival) <= until

    def first_bytes_after(self, until: float) -> float | None:
        """Return the arrival, stalls apart, of the first bytes that come after ``until``."""
        for arrival, data in self._items:
            if len(data) and self._path.delivery(arrival) > until:
                return arrival
        return None


def _settled(path: Path, coming: list[tuple[float, T]], now: float) -> list[tuple[float, T]]:
    """Return the same; what has arrived with the instants at which it did."""
    settled = [(path.settled(arrival, now), arrival, what) for arrival, what in coming]
    return [(arrival if at is None else at, what) for at, arrival, what in settled]


def why(outgoing: Pipe) -> str:
    """Return in words why the connection broke whose sending side this is."""
    return os.strerror(outgoing.broken_by).lower()
