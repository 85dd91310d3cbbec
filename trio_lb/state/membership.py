"""Who belongs to a pool: a plan's servers against those that are there.

Identity is the address. A server that stays keeps its object; one that goes drains and
is a *leaver* until its last request ended; one that comes back meanwhile is taken back.
A leaver may *stand in*: take requests still, while nobody of the plan can (``Plans``).
"""

from collections.abc import Iterable, Iterator, Sequence

import attrs

from trio_lb.config.schema import PoolConfig, ServerConfig
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError, Problem, UnknownServer
from trio_lb.state.server import Server


@attrs.frozen(slots=True)
class Change:
    """What a plan means for the servers: all by identity, in the plan's order."""

    stay: Sequence[tuple[Server, ServerConfig]]
    come: Sequence[ServerConfig]
    go: Sequence[Server]
    renamed: dict[str, str]
    """Old id to new id of those that stay, where it is another."""


class Membership:
    """The servers of one pool: members by id, and leavers."""

    def __init__(self, pool: str = "") -> None:
        self._pool = pool
        self._members: dict[str, Server] = {}
        self._leavers: dict[Address, Server] = {}
        self._stand_ins: tuple[Server, ...] = ()

    def __iter__(self) -> Iterator[Server]:
        """Yield the members in configured order, then the leavers in the order of leaving."""
        yield from self._members.values()
        yield from self._leavers.values()

    @property
    def members(self) -> Sequence[Server]:
        """Those that the plan names, in its order."""
        return tuple(self._members.values())

    @property
    def stand_ins(self) -> Sequence[Server]:
        """The leavers that still take requests, in the order of leaving."""
        return self._stand_ins

    @property
    def serving(self) -> Sequence[Server]:
        """Who may be given requests: the members, then those that stand in for them."""
        return (*self._members.values(), *self._stand_ins)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is left, not even a leaver."""
        return not self._members and not self._leavers

    def get(self, server_id: str) -> Server | None:
        """Return the member of that id, else a leaver that had it, else None."""
        found = self._members.get(server_id)
        if found is None:
            found = next((s for s in self._leavers.values() if s.id == server_id), None)
        return found

    def need(self, server_id: str) -> Server:
        """Return the member of that id, else a leaver that had it.

        Raises:
          UnknownServer: there is neither.
        """
        server = self.get(server_id)
        if server is None:
            raise UnknownServer(f"pool {self._pool!r} has no server {server_id!r}")
        return server

    def need_member(self, server_id: str) -> Server:
        """Return the member of that id.

        Raises:
          UnknownServer: there is none, or only one that is leaving.
        """
        server = self.need(server_id)
        if not self.is_member(server):
            raise UnknownServer(f"server {server_id!r} is leaving pool {self._pool!r} already")
        return server

    def is_member(self, server: Server) -> bool:
        """Whether the plan names this very server."""
        return self._members.get(server.id) is server

    def compare(self, plan: Sequence[ServerConfig]) -> Change:
        """Return what has to change; nothing is changed yet."""
        here = {server.address: server for server in self}
        wanted = {config.address for config in plan}
        stay = [(here[config.address], config) for config in plan if config.address in here]
        return Change(
            stay=stay,
            come=[config for config in plan if config.address not in here],
            go=[server for server in self._members.values() if server.address not in wanted],
            renamed={server.id: config.id for server, config in stay if server.id != config.id},
        )

    def settle(self, plan: Sequence[ServerConfig], fresh: Sequence[Server]) -> None:
        """Make the plan's servers the members; the other ones of now become leavers."""
        here = {server.address: server for server in (*self, *fresh)}
        members = [here.pop(config.address) for config in plan]
        self._members = {server.id: server for server in members}
        self._leavers = here
        self.stand_in(self._stand_ins)

    def stand_in(self, leavers: Iterable[Server]) -> None:
        """Let these, as far as they are leavers, be the stand-ins; without any, there is none."""
        self._stand_ins = tuple(s for s in leavers if self._leavers.get(s.address) is s)

    def drop(self, leaver: Server) -> None:
        """Forget a server that has left."""
        del self._leavers[leaver.address]
        self.stand_in(self._stand_ins)


def refuse_doubles(pool: PoolConfig) -> None:
    """Check that ids and addresses are unique in a pool.

    Raises:
      ConfigError: with every double at once.
    """
    problems = [
        Problem(f"pools.{pool.name}.servers[{index}].{field}", f"{value} is already in the pool")
        for field in ("id", "address")
        for index, value in _doubles([getattr(config, field) for config in pool.servers])
    ]
    if problems:
        raise ConfigError(problems)


def _doubles(values: Sequence[object]) -> Iterator[tuple[int, object]]:
    seen: set[object] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield index, value
        seen.add(value)
