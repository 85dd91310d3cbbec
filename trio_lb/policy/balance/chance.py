"""Algorithms that draw lots: without a position, so membership may change at any time."""

from collections.abc import Iterator, Sequence

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.draw import WeightedDraw, draw_rest
from trio_lb.policy.balance.indifferent import Indifferent
from trio_lb.policy.balance.shares import alike, is_ramping


class Random(Indifferent):
    """Everybody with the same chance, whatever the weights; less for who starts slowly."""

    name = "random"

    def __init__(self) -> None:
        self._seen: Sequence[Candidate] = ()
        self._ramps: WeightedDraw | None = None

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the candidates in a random order, drawn as they are taken."""
        if candidates is not self._seen:
            self._seen = candidates
            self._ramps = WeightedDraw(alike) if is_ramping(candidates) else None
        if self._ramps is None:
            first = int(rng.random() * len(candidates))
        else:
            first = self._ramps.index(candidates, rng)
        yield candidates[first]
        yield from draw_rest(candidates, (first,), rng, alike)


class WeightedRandom(Indifferent):
    """Everybody with the chance of its weight, and of its ramp while it starts slowly."""

    name = "weighted_random"

    def __init__(self) -> None:
        self._draw = WeightedDraw()

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the candidates in a random order in which weight comes early."""
        first = self._draw.index(candidates, rng)
        yield candidates[first]
        yield from draw_rest(candidates, (first,), rng)
