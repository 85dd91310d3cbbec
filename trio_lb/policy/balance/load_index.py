"""Servers sorted by load, kept up to date in place: the least loaded one in O(1).

    levels   0.0: s4 s9      0.5: s1      1.0: s2 s3 ...     (load = active / weight)
             ^ taken from the front, put back at the end

A move between two levels is O(1) while levels exist, O(log levels) when one is new.
"""

from collections import OrderedDict
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from trio_lb.policy.balance.base import Candidate

_Level = OrderedDict[str, int]  # id -> position; a plain dict finds its first item in O(n)


class LoadIndex:
    """The loads of one tuple of candidates, in which ties take turns."""

    def __init__(self, candidates: Sequence[Candidate], start: int) -> None:
        self._levels: dict[float, _Level] = {}
        self._heap: list[float] = []
        self._loads: dict[str, float] = {}
        count = len(candidates)
        for position in (*range(start, count), *range(start)):
            candidate = candidates[position]
            load = candidate.active_connections / candidate.weight
            self._loads[candidate.id] = load
            self._level(load)[candidate.id] = position

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

    def update(self, candidate: Candidate) -> None:
        """Move a server whose number of connections has changed; strangers are ignored."""
        server_id = candidate.id
        old = self._loads.get(server_id)
        if old is None:
            return
        load = candidate.active_connections / candidate.weight
        if load != old:
            position = self._levels[old].pop(server_id)
            self._loads[server_id] = load
            self._level(load)[server_id] = position

    def _level(self, load: float) -> _Level:
        level = self._levels.get(load)
        if level is None:
            if len(self._levels) > 2 * len(self._loads) + 64:
                self._prune()
            level = self._levels[load] = OrderedDict()
            heappush(self._heap, load)
        return level

    def _prune(self) -> None:
        """Drop empty levels: a burst of loads must not leave its levels behind for ever."""
        self._levels = {load: level for load, level in self._levels.items() if level}
        self._heap = list(self._levels)
        heapify(self._heap)
