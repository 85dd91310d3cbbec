"""Attempts under way: which server each balancer is trying for which request, by the news.

An attempt begins with SELECT and is over at the latest with RETRY, COMPLETE or ERROR. The
balancer lets the server go a little before it tells so: its own count is at most this one.

A client that gave up may ask again before its balancer notices, so tries of one number overlap.
"""

from collections.abc import Mapping

from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, Value, What

Key = tuple[Value, Value]
"""A pool and a server of it."""


class _Books:
    """Of one balancer."""

    __slots__ = ("counts", "retried", "under_way")

    def __init__(self) -> None:
        self.under_way: dict[int, list[Key]] = {}
        self.retried: dict[int, list[tuple[Key, Value]]] = {}
        self.counts: dict[Key, int] = {}


class Attempts:
    """Counts them by balancer, pool and server. Who has one lends it its ``ears``.

    A request without a number (no simulated client's) cannot be followed: ``is_blind`` says
    of a balancer that it serves such ones, and then nothing is known of its counts.
    """

    __slots__ = ("_blind", "_books", "_rebirth", "ears")

    def __init__(self) -> None:
        self._books: dict[str, _Books] = {}
        self._blind: dict[str, None] = {}
        self._rebirth = Rebirth(self._books.pop)
        self.ears: Mapping[What, Ear] = {
            What.SELECT: self.begun,
            What.RETRY: self._over,
            What.COMPLETE: self._over,
            What.ERROR: self._over,
            **self._rebirth.ears,
        }

    def begin(self, world: World) -> None:
        """Take the world."""
        self._rebirth.begin(world)

    def count(self, balancer: str, pool: Value, server: Value) -> int:
        """Return how many are under way there."""
        books = self._books.get(balancer)
        return 0 if books is None else books.counts.get((pool, server), 0)

    def is_blind(self, balancer: str) -> bool:
        """Whether it has served somebody who cannot be followed."""
        return balancer in self._blind

    def at(self, balancer: str, pool: Value, server: Value) -> list[int]:
        """Return the numbers of the requests that are tried there now."""
        books = self._books.get(balancer)
        under_way = {} if books is None else books.under_way
        return [req for req, keys in under_way.items() if (pool, server) in keys]

    def begun(self, happening: Happening) -> int:
        """Count an attempt that begins; return how many were under way there before it."""
        _, _, balancer, _, req, (server, pool, _) = happening
        books = self._books.get(balancer)
        if books is None:
            books = self._books[balancer] = _Books()
        key = (pool, server)
        before = books.counts.get(key, 0)
        if not req:
            self._blind[balancer] = None
            return before
        books.counts[key] = before + 1
        keys = books.under_way.get(req)
        if keys is None:
            books.under_way[req] = [key]
        else:
            keys.append(key)
        return before

    def _over(self, happening: Happening) -> None:
        books = self._books.get(happening.entity)
        if books is None or not happening.req:
            return
        key = (happening.values[1], happening.values[0])
        if happening.what is What.ERROR and _was_left(books, happening, key):
            return
        keys = books.under_way.get(happening.req, [])
        if key not in keys:
            return
        keys.remove(key)
        books.counts[key] -= 1
        if happening.what is What.RETRY:
            books.retried.setdefault(happening.req, []).append((key, happening.values[2]))
        elif not keys:
            books.retried.pop(happening.req, None)
        if not keys:
            del books.under_way[happening.req]


def _was_left(books: _Books, error: Happening, key: Key) -> bool:
    """Whether a RETRY had ended the attempt with which a request ends: nobody was tried since."""
    left = books.retried.get(error.req, [])
    attempt = (key, error.values[3])
    if attempt not in left:
        return False
    left.remove(attempt)
    return True
