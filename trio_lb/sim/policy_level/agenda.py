"""Virtual time without tasks: what is due, in the order in which it is due.

    put    a heap of (instant, number, act, what); the number keeps equal instants in order
    Lane   one delay for all (a timeout): a queue is already in order, so it needs no heap

Nearly every timeout is in vain. A lane has one entry in the heap, for its oldest promise that
still holds; when that comes due, all that were kept meanwhile are dropped at once.
"""

import math
from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any, Final, Generic, TypeVar

W = TypeVar("W")

Act = Callable[[Any, float], None]
"""``act(what, now)``: what it is called with is whatever was put with it."""

_MANY: Final = 16

Entry = tuple[float, int, Act, Any]


class Agenda:
    """What is due. ``due`` and ``next_number`` are public for the one caller whose time counts."""

    __slots__ = ("due", "next_number")

    def __init__(self) -> None:
        self.next_number = count().__next__
        # The last one is never due, so that the heap is never empty.
        self.due: list[Entry] = [(math.inf, self.next_number(), _never, None)]

    def put(self, at: float, act: Act, what: Any) -> None:
        """Call ``act(what, at)`` when it is ``at``; in the order of the calls where instants tie."""
        heappush(self.due, (at, self.next_number(), act, what))

    def run_until(self, at: float) -> None:
        """Do all that is due up to ``at``, it included."""
        due = self.due
        while due[0][0] <= at:
            now, _, act, what = heappop(due)
            act(what, now)

    def run_while(self, is_wanted: Callable[[], bool]) -> float | None:
        """Go on, instant by instant, until nobody wants more; return the last one, if any."""
        due, last = self.due, None
        while due[0][0] < math.inf and is_wanted():
            last, _, act, what = heappop(due)
            act(what, last)
        return last

    def take_out(self, act: Act) -> list[Any]:
        """Forget everything that was put for ``act``; return it, what is due first, first."""
        out = sorted(entry for entry in self.due if entry[2] == act)
        self.due[:] = [entry for entry in self.due if entry[2] != act]
        heapify(self.due)
        return [what for _, _, _, what in out]


class Lane(Generic[W]):
    """Promises that come due ``seconds`` after they were made, unless they were outdated before.

    ``number_of(who)`` is who's number now: a promise made under another one is outdated.
    """

    __slots__ = ("_act", "_agenda", "_is_armed", "_kept", "_many", "_number_of", "_seconds")

    def __init__(
        self,
        agenda: Agenda,
        seconds: float,
        act: Callable[[W, float], None],
        number_of: Callable[[W], int],
    ) -> None:
        self._agenda = agenda
        self._seconds = seconds
        self._act = act
        self._number_of = number_of
        self._kept: deque[tuple[float, W, int]] = deque()
        self._is_armed = False
        self._many = 0

    def __len__(self) -> int:
        """How many promises are remembered, outdated ones among them."""
        return len(self._kept)

    def keep(self, who: W, number: int, now: float) -> None:
        """Call ``act(who, then)`` if ``who`` has the same number by then."""
        at = now + self._seconds
        kept = self._kept
        kept.append((at, who, number))
        if len(kept) > self._many:
            self._drop_outdated()
            self._arm()

    def _drop_outdated(self) -> None:
        """Let go of what would only fill memory until it is due: whenever there are twice as many."""
        kept, number_of = self._kept, self._number_of
        good = [entry for entry in kept if number_of(entry[1]) == entry[2]]
        kept.clear()
        kept.extend(good)

    def _arm(self) -> None:
        """See to it that the oldest promise is looked at in time; none kept: the next one's call."""
        kept = self._kept
        self._many = 2 * len(kept) + _MANY if kept else 0
        if kept and not self._is_armed:
            self._is_armed = True
            self._agenda.put(kept[0][0], self._review, None)

    def _review(self, _: None, now: float) -> None:
        self._is_armed = False
        kept, number_of = self._kept, self._number_of
        while kept:
            at, who, number = kept[0]
            if number_of(who) == number:
                if at > now:
                    break
                kept.popleft()
                self._act(who, now)
            else:
                kept.popleft()
        self._arm()


def _never(what: Any, now: float) -> None:
    raise AssertionError("the end of time has come")
