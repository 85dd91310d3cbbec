"""The hash ring (Karger et al., 1997): a key goes to the next point clockwise.

                  s1      each server has points where its id hashes to, about POINTS
               s3    s2   for each unit of its weight; whoever leaves takes only its own
     key ->   s2      s1  arcs with it, whoever joins cuts a piece from each
                s1  s3

A point is an integer: 44 bits of hash above 20 bits of the server's number, so that a
sorted array of integers is the whole ring. Beside it stands a guide, as in ``draw``: for
each n-th part of the circle, where in the array to begin.
"""

from array import array
from bisect import bisect
from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import log10
from struct import unpack
from typing import Final

from trio_lb.policy.balance.digest import digest

POINTS: Final = 128
"""Points for each unit of weight: a share strays by 9 % (nginx has 160, HAProxy 16)."""

MOST_POINTS: Final = 1 << 16
"""More than so many are scaled down, everybody's by the same factor."""

_NUMBER: Final = (1 << 20) - 1
_WALK: Final = 4


class Ring:
    """Who owns which arc. ``adopt`` comes first."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._points = array("Q")
        self._guide = array("I")
        self._shift = 64

    def adopt(self, weights: Mapping[str, int]) -> None:
        """Place everybody; the order of ``weights`` makes no difference."""
        self._ids = sorted(weights)
        counts = points_each(weights)
        points = sorted(
            point & ~_NUMBER | number
            for number, server_id in enumerate(self._ids)
            for point in _points_of(server_id, counts[server_id])
        )
        bits = len(points).bit_length()
        self._points, self._shift = array("Q", points), 64 - bits
        sizes = [0] * ((1 << bits) + 1)
        for point in points:
            sizes[(point >> self._shift) + 1] += 1
        self._guide = array("I", accumulate(sizes))

    def owner(self, point: int) -> str:
        """Return whose arc ``point`` is in."""
        return self._ids[self._points[self._place(point)] & _NUMBER]

    def walk(self, point: int) -> Iterator[str]:
        """Yield the owners of the arcs behind it, for a while; some come again."""
        points = self._points
        start = self._place(point) + 1
        for place in range(start, start + min(len(points), _WALK * len(self._ids))):
            yield self._ids[points[place % len(points)] & _NUMBER]

    def _place(self, point: int) -> int:
        """Return the index of the next point clockwise."""
        part = point >> self._shift
        place = bisect(self._points, point, self._guide[part], self._guide[part + 1])
        return place if place < len(self._points) else 0


def points_each(weights: Mapping[str, int]) -> dict[str, int]:
    """Return how many points each has, at least one.

    It must not change with who else is there, or keys would move between servers that
    stay. But weights of hundreds would make a ring of millions, where their proportion is
    enough: if the heaviest weighs more than 31, tens are units, above 316 hundreds, and so
    on. What is still too much for one ring is scaled down to it; then a change moves up to
    twice as many keys as it must, of a pool that has 16 servers at least.
    """
    unit = 10 ** max(0, round(log10(max(weights.values()))) - 1)
    scale = min(POINTS / unit, MOST_POINTS / sum(weights.values()))
    return {server_id: max(1, round(weight * scale)) for server_id, weight in weights.items()}


def _points_of(server_id: str, count: int) -> Iterator[int]:
    """Yield the first ``count`` of its points: a heavier server has the lighter one's, too."""
    for block in range((count + 7) // 8):
        yield from unpack(">8Q", digest(f"{server_id}#{block}", 64))[: count - 8 * block]
