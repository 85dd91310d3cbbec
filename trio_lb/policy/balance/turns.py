"""Exact and even turns by share, at a cost that does not grow with the number of servers.

Weighted turns must be smooth (no bursts), exact (in each cycle of as many turns as the
shares' sum) and cheap with 1,000 servers. nginx's smooth algorithm is the first two but
touches every server at each pick. Here servers of equal share stand in one *lane*:

    shares   5  1  1  5        lane 5: a d      lane 1: b c
             a  b  c  d        10 turns of 12   2 turns of 12

Inside a lane servers take plain turns. Between lanes each turn has a window of slots: the
k-th of T turns in a cycle of W slots may not come before slot (k-1)W/T and is due by kW/T.
Among the turns that may come, the one that is due first does. As on a single processor
(earliest deadline first, Liu and Layland, 1973) no turn is ever late, so no lane is ever a
whole pick away from its share. Lanes are few, because weights repeat.
"""

from collections.abc import Sequence
from heapq import heappop, heappush
from math import gcd

import attrs

from trio_lb.policy.balance.base import Candidate
from trio_lb.policy.balance.shares import Share


@attrs.define(slots=True)
class _Lane:
    """The servers of one share, as indexes into the tuple, and their turns in a cycle."""

    share: int
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


class Turns:
    """Who is next, among candidates whose shares ``share`` tells. ``adopt`` comes first."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._seen: Sequence[Candidate] = ()
        self._lanes: list[_Lane] = []
        self._slot = 0
        self._slots = 1
        # Turns that a share is owed, in (-1, 1), as of its last change; kept while nobody
        # has that share, or a server that flaps would never come to its turn.
        self._lags: dict[int, float] = {}
        # (due, lane) of turns that may come, (release, lane) of those that may not yet.
        self._ready: list[tuple[int, int]] = []
        self._waiting: list[tuple[int, int]] = []

    def take(self) -> int:
        """Return the index of the candidate whose turn it is, which it has thereby had."""
        lane = self._lanes[0] if len(self._lanes) == 1 else self._turn()
        return lane.member()

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

    # -- when membership, weights or ramps change

    def adopt(self, candidates: Sequence[Candidate], begin: int = 0) -> None:
        """Go on at the same part of the cycle, with the same members due and the same lags.

        In a lane of which nobody was known, the first at or after ``begin`` is due.
        """
        old = {lane.share: self._due_ids(lane) for lane in self._lanes}
        for lane in self._lanes:
            self._lags[lane.share] = self._slot * lane.turns / self._slots - lane.taken
        lanes = self._lanes_of(candidates)
        slots = sum(lane.turns for lane in lanes)
        slot = round(self._slot * slots / self._slots)
        for lane in lanes:
            fraction = slot * lane.turns / slots
            lane.taken = min(max(round(fraction - self._lags.get(lane.share, 0.0)), 0), lane.turns)
            lane.next_member = _carry_member(old.get(lane.share, ()), lane, candidates, begin)
        self._seen, self._lanes, self._slot, self._slots = candidates, lanes, slot, slots
        self._plan()

    def _due_ids(self, lane: _Lane) -> list[str]:
        turned = lane.members[lane.next_member :] + lane.members[: lane.next_member]
        return [self._seen[i].id for i in turned]

    def _lanes_of(self, candidates: Sequence[Candidate]) -> list[_Lane]:
        """Return a lane for each share; turns are reduced: a cycle is as short as can be."""
        members: dict[int, list[int]] = {}
        for i, candidate in enumerate(candidates):
            members.setdefault(self._share(candidate), []).append(i)
        unit = gcd(*(share * len(group) for share, group in members.items()))
        return [_Lane(share, group, share * len(group) // unit) for share, group in members.items()]


def _carry_member(
    due_ids: Sequence[str], lane: _Lane, candidates: Sequence[Candidate], begin: int
) -> int:
    """Return the place in ``lane`` of the first id that was due and is still there."""
    places = {candidates[i].id: place for place, i in enumerate(lane.members)}
    fresh = next((place for place, i in enumerate(lane.members) if i >= begin), 0)
    return next((places[i] for i in due_ids if i in places), fresh)
