"""A pool as programs see it: its servers, and the verbs that change them.

Each verb is a small plan: it is checked whole, applied at once, and noted in the
configuration, so that ``lb.config`` is always what is in force.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import trio

from trio_lb.app.household import Household
from trio_lb.config.schema import PoolConfig, ServerConfig
from trio_lb.model.errors import ConfigError, Problem, UnknownServer
from trio_lb.model.events import (
    Event,
    ServerAdded,
    ServerDrained,
    ServerEvent,
    ServerRemoved,
    ServerResumed,
)
from trio_lb.net.bus import Bus
from trio_lb.policy.drain import DrainState
from trio_lb.state.pool import Pool, PoolStatistics
from trio_lb.state.server import Server

_WHOLE: Final = ("address", "url")
_ADDRESSES: Final = {"host", "port", "app", *_WHOLE}


class PoolFace:
    """One pool of a running balancer. Its verbs raise LookupError once a plan has left it out."""

    def __init__(self, household: Household, bus: Bus, pool: Pool) -> None:
        self._household = household
        self._bus = bus
        self._pool = pool

    @property
    def name(self) -> str:
        """The pool's name."""
        return self._pool.name

    @property
    def config(self) -> PoolConfig:
        """What is in force."""
        return self._pool.config

    @property
    def is_usable(self) -> bool:
        """Whether any server takes requests now."""
        return self._pool.is_usable

    def statistics(self) -> PoolStatistics:
        """Return the pool's present as a value."""
        return self._pool.statistics()

    def servers(self) -> list[Server]:
        """Return the servers in configured order, then those that are leaving."""
        return list(self._pool.servers())

    def healthy_servers(self) -> list[Server]:
        """Return the servers whose health lets them take requests."""
        return list(self._pool.healthy_servers())

    def get_server(self, server_id: str) -> Server | None:
        """Return the server with this id, or None."""
        return self._pool.get_server(server_id)

    # ------------------------------------------------------------------ verbs

    def add_server(self, **given: object) -> Server:
        """Add a server, and return it; where it is probed, it waits for its first good check.

        Takes what a server of a configuration file takes: ``id`` (or ``name``; its address
        if not given), ``host`` and ``port``, or ``address``, or ``url``, or ``app``;
        ``weight``, ``max_connections``, ``metadata``, ``disabled``, ``backup``, ``zone``,
        ``priority``, ``health_check``, ``tls``.

        Raises:
          ConfigError: a value is refused, or id or address stand in the pool already;
            nothing was changed.
        """
        config = self._read(given)
        self._household.check_server(config, self.name)
        told = self._in_force.add_server(config, self._household.now())
        self._changed(told)
        server = self._pool.get_server(config.id)
        assert server is not None, "it has just been added"
        return server

    def update_server(self, server_id: str, **given: object) -> Server:
        """Change what is given of a server, and return it; another address is another server.

        Raises:
          UnknownServer: there is no such server.
          ConfigError: a value is refused; nothing was changed.
        """
        pool = self._in_force
        config = self._merged(self._config_of(server_id), given)
        self._household.check_server(config, self.name)
        told = pool.update_server(config, self._household.now())
        self._changed(told)
        server = self._pool.get_server(config.id)
        assert server is not None, "it has just been changed"
        return server

    async def remove_server(
        self, server_id: str, *, drain: bool = True, deadline_seconds: float | None = None
    ) -> None:
        """Remove a server; with ``drain``, return when its last request has ended.

        Requests that are still there after ``deadline_seconds`` (``drain_timeout`` if not
        given) are not waited for any longer. New ones go elsewhere at once.

        Raises:
          UnknownServer: there is no such server.
        """
        now = self._household.now()
        seconds = self._limit(deadline_seconds) if drain else 0.0
        server = self._pool.get_server(server_id)
        async with self._bus.subscribe(ServerRemoved, ServerAdded) as news:
            told = self._in_force.remove_server(server_id, now, expires_at=now + seconds)
            self._changed(told)
            while drain and server is not None and self._is_leaving(server):
                await anext(news)
        await trio.lowlevel.checkpoint()

    def _is_leaving(self, server: Server) -> bool:
        """Whether it has gone from the plan and not yet for good; somebody may take it back."""
        return server in self._pool.servers() and server not in self._pool.members

    async def drain(self, server_id: str, *, deadline_seconds: float | None = None) -> bool:
        """Send a server no more requests, and wait for those that it has.

        It stays in the pool, drained, until ``resume`` or ``remove_server``. True when its
        last request ended in time, which is ``drain_timeout`` if not given; False when it did
        not, or when somebody called the drain off.

        Raises:
          UnknownServer: there is no such server.
        """
        now = self._household.now()
        async with self._bus.subscribe(ServerDrained, ServerResumed, ServerAdded) as news:
            told = self._in_force.drain_server(
                server_id, now, expires_at=now + self._limit(deadline_seconds)
            )
            self._household.follow(told)
            server = self._pool.get_server(server_id)
            if not told and server is not None and server.drain.state is DrainState.DRAINED:
                await trio.lowlevel.checkpoint()
                return server.active_connections == 0  # It was drained before.
            async for event in news:
                assert isinstance(event, ServerEvent), "no other kinds were asked for"
                if (event.pool, event.server_id) == (self.name, server_id):
                    return isinstance(event, ServerDrained) and event.clean
        raise AssertionError("a subscription ends with its block only")

    def resume(self, server_id: str) -> None:
        """Let a drained or draining server take requests again.

        Raises:
          UnknownServer: there is no such server.
        """
        self._household.follow(self._in_force.resume_server(server_id, self._household.now()))

    @property
    def _in_force(self) -> Pool:
        """The pool, to be changed; what a plan has left out would come back by a verb."""
        if self._household.registry.find_pool(self.name) is not self._pool:
            raise LookupError(f"pool {self.name!r} has left the configuration")
        return self._pool

    def _read(self, given: Mapping[str, object]) -> ServerConfig:
        from trio_lb.config.changes import server_from  # Only who changes servers loads readers.

        return server_from(self._pool.config, **given)

    def _merged(self, base: ServerConfig, given: Mapping[str, object]) -> ServerConfig:
        """Return ``base`` with what is given, read as a whole server and taken apart again."""
        from trio_lb.config.knobs import spellings

        names = spellings(ServerConfig)
        fields = {names.get(key, "address") for key in given}
        where: dict[str, object] = {} if "id" in fields else {"id": base.id}
        if not _ADDRESSES & given.keys():
            at = {"app": base.app} if base.app is not None else {"address": str(base.address)}
            where.update(at)
        made = self._read({**where, **given})
        if made.id != base.id:
            message = f"{made.id!r} is another server than {base.id!r}: an id stays as it is"
            raise ConfigError([Problem("id", message)])
        if fields & {"address", "app"}:
            fields |= {"address", "app"}  # One stands in the other's place.
        if "address" in fields and _has_scheme(given):
            fields.add("tls")  # A URL says whether TLS is spoken, too.
        changes: dict[str, Any] = {name: getattr(made, name) for name in fields}
        return attrs.evolve(base, **changes)

    def _config_of(self, server_id: str) -> ServerConfig:
        for config in self._pool.config.servers:
            if config.id == server_id:
                return config
        raise UnknownServer(f"pool {self.name!r} has no server {server_id!r}")

    def _changed(self, told: Sequence[Event]) -> None:
        self._household.change_pool(self._pool.config)
        self._household.follow(told)

    def _limit(self, deadline_seconds: float | None) -> float:
        if deadline_seconds is not None:
            return deadline_seconds
        return self._household.registry.plan.drain_timeout


def _has_scheme(given: Mapping[str, object]) -> bool:
    return any(isinstance(text := given.get(key), str) and "://" in text for key in _WHOLE)
