"""Weighted draws in O(log n): prefix sums, made once for each tuple of candidates.

weights   3   1   4          a ticket in [0, 8) falls into a server's
ends      3   4   8          stretch by bisection
          |---|-|----|
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate


class WeightedDraw:
    """Draws indexes by weight; remembers the sums of the last tuple that it saw."""

    def __init__(self) -> None:
        self._seen: Sequence[Candidate] = ()
        self._ends: list[int] = []

    def ends(self, candidates: Sequence[Candidate]) -> list[int]:
        """Return the running sums of the weights; the last one is the total."""
        if candidates is not self._seen:
            self._seen = candidates
            self._ends = list(accumulate(c.weight for c in candidates))
        return self._ends

    def index(self, candidates: Sequence[Candidate], rng: Rng) -> int:
        """Draw one index, each with the chance of its weight."""
        ends = self.ends(candidates)
        return bisect_right(ends, int(rng.random() * ends[-1]))

    def pair(self, candidates: Sequence[Candidate], rng: Rng) -> tuple[int, int]:
        """Draw two different indexes (of at least two), the second among the rest.

        The first one's stretch is cut out of the second draw, so no draw is wasted.
        """
        ends = self.ends(candidates)
        first = bisect_right(ends, int(rng.random() * ends[-1]))
        begin = ends[first - 1] if first else 0
        cut = ends[first] - begin
        ticket = int(rng.random() * (ends[-1] - cut))
        return first, bisect_right(ends, ticket if ticket < begin else ticket + cut)


def draw_rest(
    candidates: Sequence[C], taken: Sequence[int], rng: Rng, *, weighted: bool = True
) -> Iterator[C]:
    """Yield everybody whose index was not taken, in a random order that favours weight.

    For the second and later choices of a request. They are rare, so each may cost O(n),
    and drawing them keeps the load of a dead server from falling onto one neighbour.
    """
    left = [c for i, c in enumerate(candidates) if i not in taken]
    while left:
        if weighted:
            ends = list(accumulate(c.weight for c in left))
            yield left.pop(bisect_right(ends, int(rng.random() * ends[-1])))
        else:
            yield left.pop(int(rng.random() * len(left)))
