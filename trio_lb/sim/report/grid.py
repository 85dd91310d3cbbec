"""Time in buckets of one width, chosen before a run begins, so that memory is bounded by it."""

import math
from typing import Final

import attrs

MOST_BUCKETS: Final = 400
"""About what a screen can show; narrower ones would show the chance of arrivals, not the run."""

LEAST_STEP_MS: Final = 10
"""Below 10 ms a bucket holds single requests, and a rate stops meaning anything."""


@attrs.frozen(slots=True)
class Grid:
    """``count`` buckets of ``step`` seconds, from instant 0.

    Columns have one place more, for whatever comes after the horizon: it belongs to totals, but
    minutes of a slow end heaped up on one bucket would hide the run.
    """

    step: float
    count: int

    @classmethod
    def over(cls, seconds: float) -> "Grid":
        """Return the finest grid over a run whose step is a round number, of minutes if long."""
        step_ms = nice_above(max(seconds * 1e3 / MOST_BUCKETS, LEAST_STEP_MS))
        if step_ms > 20_000:
            step_ms = 60_000 * nice_above(seconds / 60 / MOST_BUCKETS)
        return cls(step_ms / 1e3, max(1, math.ceil(round(seconds * 1e3 / step_ms, 6))))

    @property
    def end(self) -> float:
        """Where the last bucket ends, in seconds."""
        return self.step * self.count

    def index(self, at: float) -> int:
        """Return the number of the bucket that holds an instant; ``count``: none of them."""
        return min(int(at / self.step), self.count)

    def zeros(self) -> list[int]:
        """Return a column that counts something."""
        return [0] * (self.count + 1)


def nice_above(value: float) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is not below ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    fits = (factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))
    return round(next(fits), 9)


class Gauge:
    """A level that stays until it is set anew; of each bucket its peak is kept.

    A queue in which nothing moves for a minute is as long as before for that minute: peaks
    of buckets without news are the level they began with.
    """

    __slots__ = ("_filled", "level", "peaks")

    def __init__(self, grid: Grid) -> None:
        self.level = 0
        self.peaks = grid.zeros()
        self._filled = 0

    def move(self, bucket: int, level: int) -> None:
        """The level is another one from some instant in ``bucket`` on."""
        if bucket > self._filled:
            self.fill(bucket)
        self.level = level
        if level > self.peaks[bucket]:
            self.peaks[bucket] = level

    def fill(self, bucket: int) -> None:
        """Carry the level on up to ``bucket``, it included."""
        for each in range(self._filled + 1, bucket + 1):
            self.peaks[each] = self.level
        self._filled = max(self._filled, bucket)
