"""How long things took, in few numbers: a histogram whose bars widen with the value.

Each octave has 32 bars, as in HDR histograms, so a quantile is within 1.6 % of the true one
over any range, in at most some hundred bars.
"""

import math
from collections.abc import Iterable
from typing import Final

BITS: Final = 5
BARS: Final = 1 << BITS
"""Bars in an octave. Values below twice as much have a bar each: they are exact."""


def bar_of(value: int) -> int:
    """Return the number of the bar that counts ``value``, which is >= 0."""
    if value < 2 * BARS:
        return value
    shift = value.bit_length() - BITS - 1
    return (shift << BITS) + (value >> shift)


def middle_of(bar: int) -> int:
    """Return the middle of a bar: no value in it is further away than 1/64 of itself."""
    if bar < 2 * BARS:
        return bar
    shift = (bar >> BITS) - 1
    return (((bar & (BARS - 1)) + BARS) << shift) + ((1 << shift) >> 1)


class Histogram:
    """Counts whole numbers >= 0; memory is that of the bars in use."""

    __slots__ = ("_bars", "count", "most", "total")

    def __init__(self) -> None:
        self._bars: dict[int, int] = {}
        self.count = 0
        self.total = 0
        self.most = 0

    def add(self, value: int) -> None:
        """Count a value."""
        bar = bar_of(value)
        self._bars[bar] = self._bars.get(bar, 0) + 1
        self.count += 1
        self.total += value
        if value > self.most:
            self.most = value

    def merge(self, other: "Histogram") -> None:
        """Count whatever ``other`` counted."""
        for bar, count in other._bars.items():
            self._bars[bar] = self._bars.get(bar, 0) + count
        self.count += other.count
        self.total += other.total
        self.most = max(self.most, other.most)

    def quantiles(self, shares: Iterable[float]) -> list[int]:
        """Return the value that each share of the values does not exceed; shares must rise.

        All are 0 when nothing was counted; none exceeds ``most``.
        """
        found: list[int] = []
        bars, seen, middle = iter(sorted(self._bars.items())), 0, 0
        for share in shares:
            rank = max(1, math.ceil(round(share * self.count, 6)))
            while seen < min(rank, self.count):
                bar, count = next(bars)
                seen, middle = seen + count, middle_of(bar)
            found.append(min(middle, self.most))
        return found

    def bars(self) -> list[tuple[int, int]]:
        """Return (middle, count) of each bar in use, by value."""
        return [(middle_of(bar), count) for bar, count in sorted(self._bars.items())]
