"""Positions sorted by a cost that changes with every request: the least one in O(log n).

A heap of *bounds*: each position has one, and costs at least as much. A cost that rises, as
at every lease, needs nothing: the bound still holds. One that falls below its bound gets a
lower one, and what is left of the old one in the heap is thrown away when it comes to the
top. Whoever comes to the top with a bound that is too low is put back with its true cost.

Costs hardly ever repeat; where loads do, ``load_index`` is cheaper.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush, heapreplace

_Entry = tuple[float, int, int]  # (bound, number, position); numbers let equals take turns


class CostIndex:
    """Positions by ``cost(position)``; ``note`` tells of each cost that may have fallen."""

    def __init__(self, cost: Callable[[int], float]) -> None:
        self._cost = cost
        self._heap: list[_Entry] = []
        self._entries: dict[int, _Entry] = {}  # the one of each position that is valid
        self._number = 0

    def note(self, position: int, cost: float) -> None:
        """Hear what a position costs now; if that is no more than its bound, or it is new,
        it stands behind its equals from now on.
        """
        entry = self._entries.get(position)
        if entry is None or cost <= entry[0]:
            heappush(self._heap, self._enter(cost, position))
            if len(self._heap) > 4 * len(self._entries) + 64:
                self._prune()

    def drop(self, position: int) -> None:
        """Take a position out, if it is in."""
        self._entries.pop(position, None)

    def least(self) -> int | None:
        """Return the position of the least cost; None when there is none at all."""
        heap, entries = self._heap, self._entries
        while heap:
            entry = heap[0]
            bound, _, position = entry
            if entries.get(position) is not entry:
                heappop(heap)
                continue
            cost = self._cost(position)
            if cost <= bound:
                return position
            heapreplace(heap, self._enter(cost, position))
        return None

    def turn(self) -> None:
        """Put the position that ``least`` has just returned behind its equals."""
        bound, _, position = self._heap[0]
        heapreplace(self._heap, self._enter(bound, position))

    def _enter(self, cost: float, position: int) -> _Entry:
        self._number += 1
        entry = self._entries[position] = (cost, self._number, position)
        return entry

    def _prune(self) -> None:
        """Forget the bounds that were replaced before they came to the top."""
        self._heap = [entry for entry in self._heap if self._entries.get(entry[2]) is entry]
        heapify(self._heap)
