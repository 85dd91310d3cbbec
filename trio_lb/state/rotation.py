"""Rotation: which servers of a pool take requests now, and in which tiers.

The first tier with a usable server is the one that serves; the further ones (a higher
``priority`` number, then ``backup`` servers) are only reached when the first has been
tried in vain. Within a tier the order is the configured one, and the tuple stays the
same object until something changed: algorithms cache by its identity.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import Balancer, Context
from trio_lb.state.server import Server

Tiers = tuple[tuple[Server, ...], ...]


class UsableIds(Collection[str]):
    """The ids of the servers in service now, however often that changes.

    Who is on trial is not in service: nobody is sent away in the hope of a trial's success.
    They are looked up, not listed: the outlier detector asks for one or two of them at
    each failure, and failures come thickest when a pool of very many servers is down.
    """

    __slots__ = ("_by_id",)

    def __init__(self, members: Iterable[Server]) -> None:
        self._by_id: dict[object, Server] = {server.id: server for server in members}

    def __contains__(self, server_id: object) -> bool:
        server = self._by_id.get(server_id)
        return server is not None and _is_in_service(server)

    def __iter__(self) -> Iterator[str]:
        return (server.id for server in self._by_id.values() if _is_in_service(server))

    def __len__(self) -> int:
        return sum(map(_is_in_service, self._by_id.values()))


def _is_in_service(server: Server) -> bool:
    """What ``Server.is_in_service`` comes to, once its verdict is marked."""
    return server.is_usable and not server.is_on_trial


class Rotation:
    """Keeps each server's ``is_usable`` and the tuples made of it; decides no verdict."""

    __slots__ = ("_members", "_tiers", "ids", "size")

    def __init__(self) -> None:
        self._members: tuple[Server, ...] = ()
        self._tiers: Tiers | None = ()
        self.ids: Collection[str] = UsableIds(())
        """Who is in service now, by id, until the next ``replace``."""
        self.size = 0
        """How many servers take requests now."""

    def replace(self, members: Iterable[Server]) -> None:
        """Take the pool's servers, in configured order; weights or tiers may have changed.

        Who is not among them any more takes no request from now on, whoever still knows it:
        a retry that waits may hold it in its hand.
        """
        left = set(self._members)
        self._members = tuple(members)
        self.ids = UsableIds(self._members)
        for server in left.difference(self._members):
            server.is_usable = False
        self.size = sum(server.is_usable for server in self._members)
        self._tiers = None

    def mark(self, server: Server, usable: bool) -> None:
        """Note a member's verdict; free of cost when it is the old one."""
        if server.is_usable is not usable:
            server.is_usable = usable
            self.size += 1 if usable else -1
            self._tiers = None

    def renew(self) -> None:
        """Make new tuples: what algorithms derived from the old ones is not true any more."""
        self._tiers = None

    @property
    def tiers(self) -> Tiers:
        """The usable servers by tier, no tier empty."""
        if self._tiers is None:
            self._tiers = self._sorted()
        return self._tiers

    def usable(self) -> Sequence[Server]:
        """Return all usable servers, first tier first."""
        return [server for tier in self.tiers for server in tier]

    def order(self, balancer: Balancer, context: Context, rng: Rng) -> Iterator[Server]:
        """Yield servers to try, each at most once.

        What a server is may change while its turn has not come (a retry waits): it is
        looked at again when it does, and also skipped when it is full.
        """
        for tier in self._tiers if self._tiers is not None else self.tiers:
            for server in balancer.order(tier, context, rng):
                if server.is_usable and server.active_connections < server.capacity:
                    yield server

    def _sorted(self) -> Tiers:
        tiers: dict[tuple[bool, int], list[Server]] = {}
        for server in self._members:
            if server.is_usable:
                tiers.setdefault((server.backup, server.priority), []).append(server)
        return tuple(tuple(tiers[rank]) for rank in sorted(tiers))
