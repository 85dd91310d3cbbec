"""How long a search waits for a run that may have no end.

What loops without asking for the time stands still in virtual time and is found out there; what
loops without asking for anything (``while True: pass``) can only be seen from outside, and by the
real clock. Nobody knows how long a run may take, so the others are the measure.
"""

import math
from collections.abc import Callable
from typing import Final

LEAST_SECONDS: Final = 60.0
"""A machine may be busy with something else for a while."""

TIMES: Final = 20.0
"""So many times as long as the slowest that came to its end: seeds differ, but not by that."""


class Patience:
    """Knows since when each run is under way, and which is given up.

    ``most`` is what a run may take; None: as much as follows from the others. Before any of them
    is done nobody is given up.
    """

    def __init__(self, clock: Callable[[], float], most: float | None = None) -> None:
        self._clock = clock
        self._most = most
        self._slowest: float | None = None
        self._begun: dict[object, float] = {}

    def begin(self, run: object) -> None:
        """Note that a run is under way."""
        self._begun[run] = self._clock()

    def end(self, run: object) -> None:
        """Note that it came to an end by itself."""
        lasted = self._clock() - self._begun.pop(run)
        self._slowest = max(lasted, self._slowest or 0.0)

    def give_up(self, run: object) -> None:
        """Note that nobody waits for it any more."""
        del self._begun[run]

    @property
    def seconds(self) -> float:
        """What a run may take as things stand."""
        if self._most is not None:
            return self._most
        return math.inf if self._slowest is None else max(LEAST_SECONDS, TIMES * self._slowest)

    @property
    def left(self) -> float | None:
        """In so many seconds somebody may have to be given up; None: never."""
        if not self._begun or self.seconds == math.inf:
            return None
        return max(0.0, min(self._begun.values()) + self.seconds - self._clock())

    def is_over(self, run: object) -> bool:
        """Whether it took all that it may take."""
        return self._clock() - self._begun[run] >= self.seconds
