"""Google's Maglev table (Eisenbud et al., NSDI 2016): the evenest of the hashes.

Each server has a permutation of the table's slots, made of its id. In turns, more of them
for more weight, each takes the next slot of its permutation that is still free, until all
are taken. Shares are exact to a few slots; when a server leaves, some slots of the others change
hands, too, because turns fall differently.
"""

from collections.abc import Iterator, Mapping
from heapq import heapify, heapreplace
from itertools import cycle, islice
from typing import Final

from trio_lb.policy.balance.digest import digest

SLOTS: Final = 65537
"""A prime, as the paper and Envoy have it: every step then visits every slot."""

_WALK: Final = 4


class Maglev:
    """Who owns which slot. ``adopt`` comes first."""

    def __init__(self) -> None:
        self._slots: list[str] = []
        self._size = 0

    def adopt(self, weights: Mapping[str, int]) -> None:
        """Fill the table anew; the order of ``weights`` makes no difference."""
        ids = sorted(weights)
        starts, steps = zip(*map(permutation, ids), strict=True)
        turns = islice(_turns([weights[server_id] for server_id in ids]), SLOTS)
        self._slots = [ids[owner] for owner in _fill(turns, list(starts), steps)]
        self._size = len(ids)

    def owner(self, point: int) -> str:
        """Return who owns the slot of ``point``."""
        return self._slots[point % SLOTS]

    def walk(self, point: int) -> Iterator[str]:
        """Yield the owners of the slots behind it, for a while; some come again."""
        start = point % SLOTS + 1
        for slot in range(start, start + _WALK * self._size):
            yield self._slots[slot % SLOTS]


def permutation(server_id: str) -> tuple[int, int]:
    """Return where a server's permutation of the slots starts, and its step."""
    data = digest(server_id, 16)
    start, step = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big")
    return start % SLOTS, step % (SLOTS - 1) + 1


def _turns(weights: list[int]) -> Iterator[int]:
    """Yield whose turn it is, for ever: the k-th turn of weight w is due at k / w."""
    if len(set(weights)) == 1:
        yield from cycle(range(len(weights)))
    due = [(1 / weight, number, 1) for number, weight in enumerate(weights)]
    heapify(due)
    while True:
        _, number, turn = due[0]
        yield number
        heapreplace(due, ((turn + 1) / weights[number], number, turn + 1))


def _fill(turns: Iterator[int], cursors: list[int], steps: tuple[int, ...]) -> list[int]:
    """Return for each slot the number of who took it."""
    table = [-1] * SLOTS
    for number in turns:
        slot, step = cursors[number], steps[number]
        while table[slot] >= 0:
            slot += step
            if slot >= SLOTS:
                slot -= SLOTS
        table[slot] = number
        cursors[number] = slot
    return table
