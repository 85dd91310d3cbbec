"""Weighted draws in O(1): prefix sums and a guide to them, made once a tuple of candidates.

    weights   3   1   4          a ticket in [0, 8) falls into a server's
    ends      3   4   8          stretch of the sums
              |---|-|----|
    guide     ^    ^^            for each n-th part of all tickets: where to begin

Bisection alone is O(log n), and misses the cache at each of its steps. The guide (Chen and
Asau, 1974) leaves it a stretch that holds, on average, fewer than two ends. Where all
shares are equal, as in most pools, a stretch's number follows from the ticket by itself.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate
from trio_lb.policy.balance.shares import Share, by_weight


class WeightedDraw:
    """Draws indexes by ``share``; remembers the sums of the last tuple that it saw."""

    def __init__(self, share: Share = by_weight) -> None:
        self._share = share
        self._seen: Sequence[Candidate] = ()
        self._ends: list[int] = []
        self._guide: list[int] = []
        self._is_even = False

    def index(self, candidates: Sequence[Candidate], rng: Rng) -> int:
        """Draw one index, each with the chance of its share."""
        if candidates is not self._seen:
            self._adopt(candidates)
        return self._owner(int(rng.random() * self._ends[-1]))

    def pair(self, candidates: Sequence[Candidate], rng: Rng) -> tuple[int, int]:
        """Draw two different indexes (of at least two), the second among the rest.

        The first one's stretch is cut out of the second draw, so no draw is wasted.
        """
        if candidates is not self._seen:
            self._adopt(candidates)
        ends = self._ends
        if self._is_even:
            count = len(ends)
            first, second = int(rng.random() * count), int(rng.random() * (count - 1))
            return first, second + (second >= first)
        first = self._owner(int(rng.random() * ends[-1]))
        begin = ends[first - 1] if first else 0
        cut = ends[first] - begin
        ticket = int(rng.random() * (ends[-1] - cut))
        return first, self._owner(ticket if ticket < begin else ticket + cut)

    def _owner(self, ticket: int) -> int:
        """Return whose stretch holds the ticket."""
        ends, guide = self._ends, self._guide
        part = ticket * len(ends) // ends[-1]
        return bisect_right(ends, ticket, guide[part], guide[part + 1])

    def _adopt(self, candidates: Sequence[Candidate]) -> None:
        self._seen = candidates
        self._ends = ends = list(accumulate(map(self._share, candidates)))
        count, total = len(ends), ends[-1]
        self._is_even = ends[0] * count == total and ends == [*range(ends[0], total + 1, ends[0])]
        # Whose stretch holds the border below each part; the last bound is the end.
        self._guide = [bisect_right(ends, part * total // count) for part in range(count)]
        self._guide.append(count)


def draw_rest(
    candidates: Sequence[C], taken: Sequence[int], rng: Rng, share: Share = by_weight
) -> Iterator[C]:
    """Yield everybody whose index was not taken, in a random order that favours large shares.

    For the second and later choices of a request. They are rare, so each may cost O(n),
    and drawing them keeps the load of a dead server from falling onto one neighbour.
    """
    left = [c for i, c in enumerate(candidates) if i not in taken]
    while left:
        ends = list(accumulate(map(share, left)))
        yield left.pop(bisect_right(ends, int(rng.random() * ends[-1])))
