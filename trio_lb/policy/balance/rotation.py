"""Algorithms that take turns: exact shares, no chance, a position to carry."""

from collections.abc import Iterator, Sequence

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.draw import draw_rest
from trio_lb.policy.balance.indifferent import Indifferent
from trio_lb.policy.balance.shares import alike, by_weight, is_ramping
from trio_lb.policy.balance.turns import Turns


class RoundRobin(Indifferent):
    """Everybody in configured order, then again, whatever the weights.

    While somebody starts slowly, turns are weighted by ramps.
    """

    name = "round_robin"

    def __init__(self) -> None:
        self._seen: Sequence[Candidate] = ()
        self._next = 0
        self._ramps: Turns | None = None

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield whose turn it is; a further choice takes a turn too.

        Were it free, the successor of a dead server would serve its own turn and the
        dead one's: twice its share.
        """
        if candidates is not self._seen:
            self._adopt(candidates)
        if self._ramps is not None:
            yield from self._ramped(self._ramps.take(), candidates, rng)
            return
        turn = self._next
        self._next = turn + 1 if turn + 1 < len(candidates) else 0
        yield candidates[turn]
        taken = {turn}
        while len(taken) < len(candidates):
            turn = self._further_turn(candidates, turn, taken)
            taken.add(turn)
            yield candidates[turn]

    def _ramped(self, first: int, candidates: Sequence[C], rng: Rng) -> Iterator[C]:
        """Yield by ramps; further choices are drawn, which spreads them as well."""
        self._next = first + 1 if first + 1 < len(candidates) else 0
        yield candidates[first]
        yield from draw_rest(candidates, (first,), rng, alike)

    def _further_turn(self, candidates: Sequence[C], last: int, taken: set[int]) -> int:
        """Return the next turn that was not taken; an outdated tuple rotates on its own."""
        current = candidates is self._seen
        turn = self._next if current else (last + 1) % len(candidates)
        while turn in taken:
            turn = (turn + 1) % len(candidates)
        if current:
            self._next = (turn + 1) % len(candidates)
        return turn

    def _adopt(self, candidates: Sequence[Candidate]) -> None:
        self._next = carry_position(self._seen, self._next, candidates)
        self._seen = candidates
        if not is_ramping(candidates):
            self._ramps = None
            return
        if self._ramps is None:
            self._ramps = Turns(alike)
        self._ramps.adopt(candidates, self._next)


def carry_position(old: Sequence[Candidate], position: int, new: Sequence[Candidate]) -> int:
    """Return where in ``new`` the first server stands that was due in ``old`` and is still there.

    Beginning again at every change would favour the first servers while others flap.
    """
    places = {candidate.id: i for i, candidate in enumerate(new)}
    for candidate in (*old[position:], *old[:position]):
        place = places.get(candidate.id)
        if place is not None:
            return place
    return 0


class WeightedRoundRobin(Indifferent):
    """Everybody as often as its weight says, spread as evenly as can be."""

    name = "weighted_round_robin"

    def __init__(self) -> None:
        self._seen: Sequence[Candidate] = ()
        self._turns = Turns(by_weight)

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield whose turn it is; further choices are drawn by weight and take no turn."""
        if candidates is not self._seen:
            self._turns.adopt(candidates)
            self._seen = candidates
        first = self._turns.take()
        yield candidates[first]
        yield from draw_rest(candidates, (first,), rng)
