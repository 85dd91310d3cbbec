"""Positions sorted by a cost that changes with every request: the least one in O(log n).

A heap in which an entry is never moved: a new cost is a new entry, and an old one is thrown
away when it comes to the top. Costs hardly ever repeat; where loads do, ``load_index`` is
cheaper.
"""

from heapq import heapify, heappop, heappush


class CostIndex:
    """Costs by position. Of equal ones the position that was put first is the least."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int]] = []
        self._valid: dict[int, int] = {}  # position -> the number of its valid entry
        self._puts = 0

    def put(self, position: int, cost: float) -> None:
        """Give a position its cost, whether it has one or not; it stands behind its equals."""
        self._puts += 1
        self._valid[position] = self._puts
        heappush(self._heap, (cost, self._puts, position))
        if len(self._heap) > 4 * len(self._valid) + 64:
            self._heap = [entry for entry in self._heap if self._valid.get(entry[2]) == entry[1]]
            heapify(self._heap)

    def drop(self, position: int) -> None:
        """Take a position out, if it is in."""
        self._valid.pop(position, None)

    def least(self) -> int | None:
        """Return the position of the least cost; None when there is none at all."""
        heap, valid = self._heap, self._valid
        while heap:
            _, number, position = heap[0]
            if valid.get(position) == number:
                return position
            heappop(heap)
        return None
