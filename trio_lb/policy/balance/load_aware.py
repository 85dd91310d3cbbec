"""Algorithms that look at how busy servers are: active requests per unit of weight.

A server that starts slowly counts as lighter, so a busy pool gives it only the ramp's part
of what others hold. That alone would not slow it in an idle pool, where it holds nothing
and neither do they: so `least_connections` also passes it over with the chance 1 - ramp.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.draw import WeightedDraw, draw_rest
from trio_lb.policy.balance.indifferent import Indifferent
from trio_lb.policy.balance.load_index import LoadIndex, load
from trio_lb.policy.balance.rotation import carry_position
from trio_lb.policy.balance.shares import is_ramping

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
        self._is_ramping = False
        self._is_even = False

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the least busy server, then the others as busy as they are when asked for."""
        if candidates is not self._seen:
            self._adopt(candidates)
        if self._is_ramping:
            first = self._take_ramped(candidates, rng)
        else:
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
        self._is_ramping = is_ramping(candidates)
        self._is_even = all(each.weight == candidates[0].weight for each in candidates)
        large = len(candidates) > SCAN_MOST
        self._index = LoadIndex(candidates, self._next) if large else None

    def _scan(self, candidates: Sequence[Candidate]) -> int:
        """Look at each, beginning with whose turn it is; nothing beats an idle one."""
        if self._is_even:
            return self._scan_even(candidates)
        best, least, start = 0, float("inf"), self._next
        for turn in range(start, start + len(candidates)):
            i = turn - len(candidates) if turn >= len(candidates) else turn
            candidate = candidates[i]
            active = candidate.active_connections
            if not active:
                return i
            busy = active / candidate.weight
            if busy < least:
                best, least = i, busy
        return best

    def _scan_even(self, candidates: Sequence[Candidate]) -> int:
        """The same among equal weights, which most pools have: nothing to divide by."""
        start = turn = best = self._next
        least = float("inf")
        for candidate in (*candidates[start:], *candidates[:start]):
            active = candidate.active_connections
            if active < least:
                best, least = turn, active
                if not active:
                    break
            turn += 1
        return best - len(candidates) if best >= len(candidates) else best

    def _take_ramped(self, candidates: Sequence[Candidate], rng: Rng) -> int:
        """Return the first by load that chance lets pass; if nobody, the first of all."""

        def passes(position: int) -> bool:
            ramp = candidates[position].ramp
            return ramp >= 1 or rng.random() < ramp

        if self._index is not None:
            found = self._index.take_if(passes)
            return self._index.take() if found is None else found
        count = len(candidates)
        turned = [turn % count for turn in range(self._next, self._next + count)]
        turned.sort(key=lambda position: load(candidates[position]))
        return next(filter(passes, turned), turned[0])


def _by_load(candidates: Sequence[C], first: int) -> Iterator[C]:
    return iter(sorted([*candidates[first + 1 :], *candidates[:first]], key=load))


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
        first_takes, second_takes = one.weight * one.ramp, two.weight * two.ramp
        if two.active_connections * first_takes < one.active_connections * second_takes:
            one, two = two, one
        yield one
        yield two
        yield from draw_rest(candidates, (first, second), rng)
