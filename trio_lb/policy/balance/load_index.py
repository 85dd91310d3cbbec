"""Servers sorted by load, kept up to date in place: the least loaded one in O(1).

    levels   0.0: s4 s9      0.5: s1      1.0: s2 s3 ...
             ^ taken from the front, put back at the end

A move between two levels is O(1) while levels exist, O(log levels) when one is new.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush

from trio_lb.policy.balance.base import Candidate

_Level = OrderedDict[str, int]  # id -> position; a plain dict finds its first item in O(n)


def load(candidate: Candidate) -> float:
    """Return how busy it is for what it can take: active / (weight * ramp)."""
    return candidate.active_connections / (candidate.weight * candidate.ramp)


class LoadIndex:
    """The loads of one tuple of candidates, in which ties take turns."""

    def __init__(self, candidates: Sequence[Candidate], start: int) -> None:
        self._levels: dict[float, _Level] = {}
        self._heap: list[float] = []
        self._loads: dict[str, float] = {}
        count = len(candidates)
        for position in (*range(start, count), *range(start)):
            candidate = candidates[position]
            self._loads[candidate.id] = busy = load(candidate)
            self._level(busy)[candidate.id] = position

    def take(self) -> int:
        """Return the position of the least loaded server; among its equals it is last now."""
        heap = self._heap
        level = self._levels[heap[0]]
        while not level:
            del self._levels[heappop(heap)]
            level = self._levels[heap[0]]
        server_id = next(iter(level))
        level.move_to_end(server_id)
        return level[server_id]

    def take_if(self, fits: Callable[[int], bool]) -> int | None:
        """Return the first position by load that fits; whoever is refused has had its turn."""
        passed: list[float] = []
        found = None
        while self._heap and found is None:
            found = _first_that(fits, self._levels[self._heap[0]])
            if found is None:
                passed.append(heappop(self._heap))
        for busy in passed:
            heappush(self._heap, busy)
        return found

    def update(self, candidate: Candidate) -> None:
        """Move a server whose number of connections has changed; strangers are ignored."""
        server_id = candidate.id
        old = self._loads.get(server_id)
        if old is None:
            return
        new = load(candidate)
        if new != old:
            position = self._levels[old].pop(server_id)
            self._loads[server_id] = new
            self._level(new)[server_id] = position

    def _level(self, busy: float) -> _Level:
        level = self._levels.get(busy)
        if level is None:
            if len(self._levels) > 2 * len(self._loads) + 64:
                self._prune()
            level = self._levels[busy] = OrderedDict()
            heappush(self._heap, busy)
        return level

    def _prune(self) -> None:
        """Drop empty levels: a burst of loads must not leave its levels behind for ever."""
        self._levels = {busy: level for busy, level in self._levels.items() if level}
        self._heap = list(self._levels)
        heapify(self._heap)


def _first_that(fits: Callable[[int], bool], level: _Level) -> int | None:
    for _ in range(len(level)):
        server_id = next(iter(level))
        level.move_to_end(server_id)
        if fits(level[server_id]):
            return level[server_id]
    return None
