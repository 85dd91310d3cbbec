"""Algorithms that draw lots: stateless, so membership may change at any time."""

from collections.abc import Iterator, Sequence

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Context
from trio_lb.policy.balance.draw import WeightedDraw, draw_rest
from trio_lb.policy.balance.indifferent import Indifferent


class Random(Indifferent):
    """Everybody with the same chance, whatever the weights."""

    name = "random"

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the candidates in a random order, drawn as they are taken."""
        first = int(rng.random() * len(candidates))
        yield candidates[first]
        yield from draw_rest(candidates, (first,), rng, weighted=False)


class WeightedRandom(Indifferent):
    """Everybody with the chance of its weight."""

    name = "weighted_random"

    def __init__(self) -> None:
        self._draw = WeightedDraw()

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the candidates in a random order in which weight comes early."""
        first = self._draw.index(candidates, rng)
        yield candidates[first]
        yield from draw_rest(candidates, (first,), rng)
