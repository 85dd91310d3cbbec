"""Algorithms that take turns: exact shares, no chance, a position to carry.

Weighted round robin must be smooth (no bursts), exact (in each cycle of as many picks
as the weights' sum) and cheap with 1,000 servers. nginx's smooth algorithm is the first
two but touches every server at each pick. Here servers of equal weight share a *lane*:

    weights  5  1  1  5        lane 5: a d      lane 1: b c
             a  b  c  d        10 turns of 12   2 turns of 12

Inside a lane servers take plain turns. Between lanes each turn has a window of slots: the
k-th of T turns in a cycle of W slots may not come before slot (k-1)W/T and is due by kW/T.
Among the turns that may come, the one that is due first does. As on a single processor
(earliest deadline first, Liu and Layland, 1973) no turn is ever late, so no lane is ever a
whole pick away from its share. Lanes are few, because weights repeat.
"""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from math import gcd

import attrs

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.draw import draw_rest
from trio_lb.policy.balance.indifferent import Indifferent


class RoundRobin(Indifferent):
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
    taken: int = 0
    next_member: int = 0

    def release(self, slots: int) -> int:
        """The first slot in which its next turn may come."""
        return self.taken * slots // self.turns

    def due(self, slots: int) -> int:
        """The slot before which its next turn must have come."""
        return -(-(self.taken + 1) * slots // self.turns)

    def member(self) -> int:
        """Return whose turn it is inside the lane."""
        position = self.next_member
        self.next_member = position + 1 if position + 1 < len(self.members) else 0
        return self.members[position]


class WeightedRoundRobin(Indifferent):
    """Everybody as often as its weight says, spread as evenly as can be."""

    name = "weighted_round_robin"

    def __init__(self) -> None:
        self._seen: Sequence[Candidate] = ()
        self._lanes: list[_Lane] = []
        self._slot = 0
        self._slots = 1
        # Turns that a weight is owed, in (-1, 1), as of its last change; kept while nobody
        # has that weight, or a server that flaps would never come to its turn.
        self._lags: dict[int, float] = {}
        # (due, lane) of turns that may come, (release, lane) of those that may not yet.
        self._ready: list[tuple[int, int]] = []
        self._waiting: list[tuple[int, int]] = []

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield whose turn it is; further choices are drawn by weight and take no turn."""
        if candidates is not self._seen:
            self._adopt(candidates)
        lane = self._lanes[0] if len(self._lanes) == 1 else self._turn()
        first = lane.member()
        yield candidates[first]
        yield from draw_rest(candidates, (first,), rng)

    def _turn(self) -> _Lane:
        """Return the lane whose turn it is, and plan its next one."""
        ready, waiting, slot = self._ready, self._waiting, self._slot
        if not ready and not waiting:
            slot = self._begin_cycle()
        # Without a ready lane (only just after a change) the next one is due now.
        while waiting and (waiting[0][0] <= slot or not ready):
            number = heappop(waiting)[1]
            heappush(ready, (self._lanes[number].due(self._slots), number))
        number = heappop(ready)[1]
        lane = self._lanes[number]
        lane.taken += 1
        self._slot = slot + 1
        if lane.taken < lane.turns:
            heappush(waiting, (lane.release(self._slots), number))
        return lane

    def _begin_cycle(self) -> int:
        for lane in self._lanes:
            lane.taken = 0
        self._plan()
        return 0

    def _plan(self) -> None:
        # In place: the caller holds the lists. Sorted lists are heaps.
        self._ready.clear()
        self._waiting[:] = sorted(
            (lane.release(self._slots), number)
            for number, lane in enumerate(self._lanes)
            if lane.taken < lane.turns
        )

    # -- when membership or weights change

    def _adopt(self, candidates: Sequence[Candidate]) -> None:
        """Go on at the same part of the cycle, with the same members due and the same lags."""
        old = {lane.weight: self._due_ids(lane) for lane in self._lanes}
        for lane in self._lanes:
            self._lags[lane.weight] = self._slot * lane.turns / self._slots - lane.taken
        lanes = _lanes_of(candidates)
        slots = sum(lane.turns for lane in lanes)
        slot = round(self._slot * slots / self._slots)
        for lane in lanes:
            share = slot * lane.turns / slots
            lane.taken = min(max(round(share - self._lags.get(lane.weight, 0.0)), 0), lane.turns)
            lane.next_member = _carry_member(old.get(lane.weight, ()), lane, candidates)
        self._seen, self._lanes, self._slot, self._slots = candidates, lanes, slot, slots
        self._plan()

    def _due_ids(self, lane: _Lane) -> list[str]:
        turned = lane.members[lane.next_member :] + lane.members[: lane.next_member]
        return [self._seen[i].id for i in turned]


def _lanes_of(candidates: Sequence[Candidate]) -> list[_Lane]:
    """Return a lane for each weight; turns are reduced, so that a cycle is as short as can be."""
    members: dict[int, list[int]] = {}
    for i, candidate in enumerate(candidates):
        members.setdefault(candidate.weight, []).append(i)
    unit = gcd(*(weight * len(group) for weight, group in members.items()))
    return [_Lane(weight, group, weight * len(group) // unit) for weight, group in members.items()]


def _carry_member(due_ids: Sequence[str], lane: _Lane, candidates: Sequence[Candidate]) -> int:
    """Return the place in ``lane`` of the first id that was due and is still there."""
    places = {candidates[i].id: place for place, i in enumerate(lane.members)}
    return next((places[i] for i in due_ids if i in places), 0)
