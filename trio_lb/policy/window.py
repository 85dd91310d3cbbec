"""How many times something happened lately: a ring of buckets, O(1) in time and memory.

The last bucket is filling and the oldest has just been emptied, so a total looks back
over less than ``span_seconds`` but over more than ``span_seconds`` minus one bucket:

    now - span           now - span + width                      now
     |------- either -------|-------------- counted --------------|

Whoever must not undercount asks for one bucket more than the span (see ``budget``).
"""

import math
from collections.abc import Mapping
from typing import Any, Final

_JUST_BELOW: Final = 1 - 1e-12
"""More than rounding takes: a product of floats may lie a little beyond what division says."""


class WindowCounter:
    """Counts events of the last ``span_seconds``; who comes late counts as the last one did."""

    def __init__(self, span_seconds: float, buckets: int = 10) -> None:
        self._width_seconds = span_seconds / buckets
        self._counts = [0] * buckets
        self._total = 0
        self._tick = 0
        self._slot = 0
        # Before this instant the bucket is the same for certain; dividing finds the exact end.
        self._same_before = 0.0

    def add(self, now: float, count: int = 1) -> None:
        """Count ``count`` events at ``now``."""
        if now >= self._same_before:
            self._turn(now)
        self._counts[self._slot] += count
        self._total += count

    def total(self, now: float) -> int:
        """Return how many events the window holds at ``now``."""
        if now >= self._same_before:
            self._turn(now)
        return self._total

    def _turn(self, now: float) -> None:
        tick = int(now // self._width_seconds)
        if tick > self._tick:
            self._advance(tick)
        self._same_before = (self._tick + 1) * self._width_seconds * _JUST_BELOW

    def _advance(self, tick: int) -> None:
        """Empty the buckets that time has passed; at most one round of the ring."""
        counts = self._counts
        for passed in range(max(self._tick + 1, tick - len(counts) + 1), tick + 1):
            slot = passed % len(counts)
            self._total -= counts[slot]
            counts[slot] = 0
        self._tick = tick
        self._slot = tick % len(counts)


class ShareWindow:
    """Of the results of the last ``span_seconds``: how many, and how many were failures.

    The same ring with two counts a bucket. ``requests`` and ``failures`` are plain
    attributes, true as of the last ``count``: whoever judges has just counted. A result
    in a bucket that is still filling costs a comparison and two additions.
    """

    __slots__ = (
        "_failures",
        "_requests",
        "_slot",
        "_tick",
        "_turns_at",
        "_width_seconds",
        "failures",
        "requests",
        "span_seconds",
    )

    def __init__(self, span_seconds: float, buckets: int = 10) -> None:
        self.span_seconds = span_seconds
        self._width_seconds = span_seconds / buckets
        self._requests = [0] * buckets
        self._failures = [0] * buckets
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        for slot in range(len(self._requests)):
            self._requests[slot] = self._failures[slot] = 0
        self.requests = self.failures = self._slot = self._tick = 0
        self._turns_at = -math.inf

    def count(self, failed: bool, now: float) -> None:
        """Count one result at ``now``."""
        if now >= self._turns_at:
            self._turn(int(now // self._width_seconds))
        self.requests += 1
        self._requests[self._slot] += 1
        if failed:
            self.failures += 1
            self._failures[self._slot] += 1

    def _turn(self, tick: int) -> None:
        """Empty the buckets that time has passed; at most one round of the ring."""
        size = len(self._requests)
        for passed in range(max(self._tick + 1, tick - size + 1), tick + 1):
            slot = passed % size
            self.requests -= self._requests[slot]
            self.failures -= self._failures[slot]
            self._requests[slot] = self._failures[slot] = 0
        self._tick = max(tick, self._tick)
        self._slot = self._tick % size
        self._turns_at = (self._tick + 1) * self._width_seconds

    def snapshot(self) -> Mapping[str, Any]:
        """Return the buckets, and which instant they belong to."""
        return {
            "span_seconds": self.span_seconds,
            "tick": self._tick,
            "requests": list(self._requests),
            "failures": list(self._failures),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``snapshot`` was taken, unless the ring was of another measure."""
        requests, failures = state["requests"], state["failures"]
        if state["span_seconds"] != self.span_seconds or len(requests) != len(self._requests):
            return
        self._requests, self._failures = list(requests), list(failures)
        self.requests, self.failures = sum(requests), sum(failures)
        self._tick = state["tick"]
        self._slot = self._tick % len(requests)
        self._turns_at = (self._tick + 1) * self._width_seconds
