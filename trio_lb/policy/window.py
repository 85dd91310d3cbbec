"""How many times something happened lately: a ring of buckets, O(1) in time and memory.

The last bucket is filling and the oldest has just been emptied, so a total looks back
over less than ``span_seconds`` but over more than ``span_seconds`` minus one bucket:

    now - span           now - span + width                      now
     |------- either -------|-------------- counted --------------|

Whoever must not undercount asks for one bucket more than the span (see ``budget``).
"""


class WindowCounter:
    """Counts events of the last ``span_seconds``; who comes late counts as the last one did."""

    def __init__(self, span_seconds: float, buckets: int = 10) -> None:
        self._width_seconds = span_seconds / buckets
        self._counts = [0] * buckets
        self._total = 0
        self._tick = 0
        self._slot = 0

    def add(self, now: float, count: int = 1) -> None:
        """Count ``count`` events at ``now``."""
        tick = int(now // self._width_seconds)
        if tick > self._tick:
            self._advance(tick)
        self._counts[self._slot] += count
        self._total += count

    def total(self, now: float) -> int:
        """Return how many events the window holds at ``now``."""
        tick = int(now // self._width_seconds)
        if tick > self._tick:
            self._advance(tick)
        return self._total

    def _advance(self, tick: int) -> None:
        """Empty the buckets that time has passed; at most one round of the ring."""
        counts = self._counts
        for passed in range(max(self._tick + 1, tick - len(counts) + 1), tick + 1):
            slot = passed % len(counts)
            self._total -= counts[slot]
            counts[slot] = 0
        self._tick = tick
        self._slot = tick % len(counts)
