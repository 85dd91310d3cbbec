"""Algorithms that take turns: exact shares, no chance, a position to carry.

Weighted round robin must be smooth (no bursts), exact (in each cycle of as many picks
as the weights' sum) and cheap with 1,000 servers. nginx's smooth algorithm is the first
two but touches every server at each pick. Here servers of equal weight share a *lane*:

    weights  5  1  1  5        lane 5: a d      lane 1: b c
             a  b  c  d        10 turns of 12   2 turns of 12

Inside a lane servers take plain turns. Between lanes a heap holds when each is due next:
the k-th turn of a lane with T turns a cycle is due at (k - phase) / T of the cycle. Each
lane comes T times in a cycle whatever its phase, which makes the shares exact; phases
that differ keep lanes from being due together, which makes the order smooth. Lanes are
few, because weights repeat.
"""

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heapreplace
from math import gcd
from typing import Final

import attrs

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.draw import draw_rest
from trio_lb.policy.balance.untracked import Untracked

_GOLDEN: Final = 0.6180339887498949
"""Its multiples, modulo 1, spread over the unit interval more evenly than any other's."""
_ROUNDING: Final = 1e-9
"""A turn that was just taken must not look due again for a bit lost in a division."""


class RoundRobin(Untracked):
    """Everybody in configured order, then again, whatever the weights."""

    name = "round_robin"

    def __init__(self) -> None:
        self._seen: Sequence[Candidate] = ()
        self._next = 0

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield whose turn it is; a further choice takes a turn too.

        Were it free, the successor of a dead server would serve its own turn and the
        dead one's: twice its share.
        """
        if candidates is not self._seen:
            self._adopt(candidates)
        turn = self._next
        self._next = turn + 1 if turn + 1 < len(candidates) else 0
        yield candidates[turn]
        taken = {turn}
        while len(taken) < len(candidates):
            turn = self._further_turn(candidates, turn, taken)
            taken.add(turn)
            yield candidates[turn]

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


@attrs.define(slots=True)
class _Lane:
    """The servers of one weight, as indexes into the tuple, and their turns in a cycle."""

    weight: int
    members: list[int]
    turns: int
    phase: float
    taken: int = 0
    next_member: int = 0

    def due(self) -> float:
        """When, as a part of the cycle, its next turn comes."""
        return (self.taken + 1 - self.phase) / self.turns

    def skip_to(self, progress: float) -> None:
        """Begin in the middle of a cycle: the turns up to ``progress`` count as taken."""
        self.taken = min(int(self.turns * progress + self.phase + _ROUNDING), self.turns)

    def member(self) -> int:
        """Return whose turn it is inside the lane."""
        position = self.next_member
        self.next_member = position + 1 if position + 1 < len(self.members) else 0
        return self.members[position]


class WeightedRoundRobin(Untracked):
    """Everybody as often as its weight says, spread as evenly as can be."""

    name = "weighted_round_robin"

    def __init__(self) -> None:
        self._seen: Sequence[Candidate] = ()
        self._lanes: list[_Lane] = []
        self._heap: list[tuple[float, int]] = []
        self._progress = 0.0

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield whose turn it is; further choices are drawn by weight and take no turn."""
        if candidates is not self._seen:
            self._adopt(candidates)
        first = self._turn()
        yield candidates[first]
        yield from draw_rest(candidates, (first,), rng)

    def _turn(self) -> int:
        if len(self._lanes) == 1:
            return self._lanes[0].member()
        heap = self._heap
        if not heap:
            self._begin_cycle()
        self._progress, number = heap[0]
        lane = self._lanes[number]
        lane.taken += 1
        if lane.taken < lane.turns:
            heapreplace(heap, (lane.due(), number))
        else:
            heappop(heap)
        return lane.member()

    def _begin_cycle(self) -> None:
        """Count anew: sums of floats would drift, counts of one cycle cannot."""
        for lane in self._lanes:
            lane.taken = 0
        self._fill_heap()

    def _fill_heap(self) -> None:
        # In place: the caller holds the list.
        self._heap[:] = [
            (lane.due(), number)
            for number, lane in enumerate(self._lanes)
            if lane.taken < lane.turns
        ]
        heapify(self._heap)

    # -- when membership or weights change

    def _adopt(self, candidates: Sequence[Candidate]) -> None:
        """Make new lanes that go on at the same part of the cycle, with the same members due."""
        due = {lane.weight: self._due_ids(lane) for lane in self._lanes}
        lanes = _lanes_of(candidates)
        for lane in lanes:
            lane.next_member = _carry_member(due.get(lane.weight, ()), lane, candidates)
            lane.skip_to(self._progress)
        self._seen = candidates
        self._lanes = lanes
        self._fill_heap()

    def _due_ids(self, lane: _Lane) -> list[str]:
        turned = lane.members[lane.next_member :] + lane.members[: lane.next_member]
        return [self._seen[i].id for i in turned]


def _lanes_of(candidates: Sequence[Candidate]) -> list[_Lane]:
    members: dict[int, list[int]] = {}
    for i, candidate in enumerate(candidates):
        members.setdefault(candidate.weight, []).append(i)
    unit = gcd(*(weight * len(group) for weight, group in members.items()))
    return [
        _Lane(weight, group, weight * len(group) // unit, weight * _GOLDEN % 1.0)
        for weight, group in members.items()
    ]


def _carry_member(due_ids: Sequence[str], lane: _Lane, candidates: Sequence[Candidate]) -> int:
    """Return the place in ``lane`` of the first id that was due and is still there."""
    places = {candidates[i].id: place for place, i in enumerate(lane.members)}
    return next((places[i] for i in due_ids if i in places), 0)
