"""Attempts under way: which server each balancer is trying for which request, by the news.

An attempt begins with SELECT and is over at the latest with RETRY, COMPLETE or ERROR. The
balancer lets the server go a little before it tells so: its own count is at most this one.
"""

from collections.abc import Mapping

from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What

Key = tuple[str, str]
"""A pool and a server of it."""


class Attempts:
    """Counts them by balancer, pool and server. Who has one lends it its ``ears``.

    A request without a number (no simulated client's) cannot be followed: ``is_blind`` says
    of a balancer that it serves such ones, and then nothing is known of its counts.
    """

    __slots__ = ("_blind", "_counts", "_rebirth", "_under_way", "ears")

    def __init__(self) -> None:
        self._under_way: dict[str, dict[int, list[Key]]] = {}
        self._counts: dict[str, dict[Key, int]] = {}
        self._blind: dict[str, None] = {}
        self._rebirth = Rebirth(self._forget)
        self.ears: Mapping[What, Ear] = {
            What.SELECT: self._begun,
            What.RETRY: self._over,
            What.COMPLETE: self._over,
            What.ERROR: self._over,
            **self._rebirth.ears,
        }

    def begin(self, world: World) -> None:
        """Take the world."""
        self._rebirth.begin(world)

    def count(self, balancer: str, pool: str, server: str) -> int:
        """Return how many are under way there."""
        return self._counts.get(balancer, {}).get((pool, server), 0)

    def is_blind(self, balancer: str) -> bool:
        """Whether it has served somebody who cannot be followed."""
        return balancer in self._blind

    def at(self, balancer: str, pool: str, server: str) -> list[int]:
        """Return the numbers of the requests that are tried there now."""
        under_way = self._under_way.get(balancer, {})
        return [req for req, keys in under_way.items() if (pool, server) in keys]

    def _begun(self, happening: Happening) -> None:
        balancer, req = happening.entity, happening.req
        if not req:
            self._blind[balancer] = None
            return
        key = (str(happening.values[1]), str(happening.values[0]))
        counts = self._counts.setdefault(balancer, {})
        counts[key] = counts.get(key, 0) + 1
        self._under_way.setdefault(balancer, {}).setdefault(req, []).append(key)

    def _over(self, happening: Happening) -> None:
        under_way = self._under_way.get(happening.entity, {})
        keys = under_way.get(happening.req)
        key = (str(happening.values[1]), str(happening.values[0]))
        # An ERROR names the last server, though a RETRY may have ended that attempt before.
        if keys is None or key not in keys:
            return
        keys.remove(key)
        if not keys:
            del under_way[happening.req]
        self._counts[happening.entity][key] -= 1

    def _forget(self, balancer: str, _: None) -> None:
        self._under_way.pop(balancer, None)
        self._counts.pop(balancer, None)
