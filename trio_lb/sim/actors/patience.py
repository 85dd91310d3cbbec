"""Patience: deadlines that are all equally far off, which costs one call for many of them.

    add(a) add(b) ... add(z)      one call, at a's deadline --> a is over? then at b's ...

Most tries are over long before their deadline. A call of the clock for each would be made in vain,
and all of them would lie in its heap until then.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from trio_lb.sim.clock import Call, DesClock

T = TypeVar("T")


class Patience(Generic[T]):
    """Calls ``on_lost(item)`` so many ``seconds`` after ``add``, unless ``is_over(item)`` by then."""

    __slots__ = ("_call", "_clock", "_is_over", "_items", "_on_lost", "seconds")

    def __init__(
        self,
        clock: DesClock,
        seconds: float,
        is_over: Callable[[T], bool],
        on_lost: Callable[[T], object],
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._is_over = is_over
        self._on_lost = on_lost
        self._items: deque[tuple[float, T]] = deque()
        self._call: Call | None = None

    def add(self, item: T) -> None:
        """Begin to wait; without an end if ``seconds`` is infinite."""
        if self.seconds == math.inf:
            return
        self._items.append((self._clock.current_time() + self.seconds, item))
        if self._call is None:
            self._plan()

    def end(self) -> None:
        """Wait for nothing of it any more."""
        self._items.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _plan(self) -> None:
        self._call = self._clock.call_at(self._items[0][0], self._due)

    def _due(self) -> None:
        now = self._clock.current_time()
        while self._items and (self._items[0][0] <= now or self._is_over(self._items[0][1])):
            _, item = self._items.popleft()
            if not self._is_over(item):
                self._on_lost(item)
        self._call = None
        if self._items:
            self._plan()
