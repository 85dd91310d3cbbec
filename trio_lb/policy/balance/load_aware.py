"""Algorithms that look at how busy servers are: active requests per unit of weight."""

from collections.abc import Iterator, Sequence
from typing import Final

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.draw import WeightedDraw, draw_rest
from trio_lb.policy.balance.indifferent import Indifferent
from trio_lb.policy.balance.load_index import LoadIndex
from trio_lb.policy.balance.rotation import carry_position

SCAN_MOST: Final = 16
"""Up to so many servers a look at each is cheaper than keeping an index at every lease."""


class LeastConnections(Indifferent):
    """The least active / weight; servers that tie take turns in configured order."""

    name = "least_connections"
    tracks = True

    def __init__(self) -> None:
        self._seen: Sequence[Candidate] = ()
        self._next = 0
        self._index: LoadIndex | None = None

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the least busy server, then the others as busy as they are when asked for."""
        if candidates is not self._seen:
            self._adopt(candidates)
        first = self._scan(candidates) if self._index is None else self._index.take()
        self._next = first + 1 if first + 1 < len(candidates) else 0
        yield candidates[first]
        yield from _by_load(candidates, first)

    def leased(self, candidate: Candidate) -> None:
        """Keep the index, if there is one."""
        if self._index is not None:
            self._index.update(candidate)

    def released(self, candidate: Candidate) -> None:
        """Keep the index, if there is one."""
        if self._index is not None:
            self._index.update(candidate)

    def _adopt(self, candidates: Sequence[Candidate]) -> None:
        self._next = carry_position(self._seen, self._next, candidates)
        self._seen = candidates
        large = len(candidates) > SCAN_MOST
        self._index = LoadIndex(candidates, self._next) if large else None

    def _scan(self, candidates: Sequence[Candidate]) -> int:
        """Look at each, beginning with whose turn it is; nothing beats an idle one."""
        best, least, start = 0, float("inf"), self._next
        for turn in range(start, start + len(candidates)):
            i = turn - len(candidates) if turn >= len(candidates) else turn
            candidate = candidates[i]
            active = candidate.active_connections
            if not active:
                return i
            load = active / candidate.weight
            if load < least:
                best, least = i, load
        return best


def _by_load(candidates: Sequence[C], first: int) -> Iterator[C]:
    others = [*candidates[first + 1 :], *candidates[:first]]
    others.sort(key=lambda c: c.active_connections / c.weight)
    return iter(others)


class PowerOfTwo(Indifferent):
    """Two drawn by weight, the less busy of them first (Mitzenmacher, 2001).

    Unlike the least of all it cannot send a herd to one server: everybody's load is the
    freshest known, yet two picks in a row rarely look at the same two.
    """

    name = "power_of_two"

    def __init__(self) -> None:
        self._draw = WeightedDraw()

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the better of two, the other one, then everybody else drawn by weight."""
        if len(candidates) == 1:
            yield candidates[0]
            return
        first, second = self._draw.pair(candidates, rng)
        one, two = candidates[first], candidates[second]
        if two.active_connections * one.weight < one.active_connections * two.weight:
            one, two = two, one
        yield one
        yield two
        yield from draw_rest(candidates, (first, second), rng)
