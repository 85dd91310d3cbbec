"""The registry: one balancer's pools, and the only way in which a plan becomes state.

Start is a reload: the first plan is applied to nothing. A plan is checked whole before
anything changes; then each pool takes its part. A pool that the plan does not name any
more is *retired*: it serves nobody new and lives until its last server has left.
"""

from collections.abc import Iterator, Mapping, Sequence

import attrs

from trio_lb.config.schema import Config, PoolConfig
from trio_lb.model.errors import AmbiguousServer, UnknownServer
from trio_lb.model.events import ConfigUpdated, Event
from trio_lb.policy.balance.base import Balancer
from trio_lb.state.differences import differences
from trio_lb.state.membership import refuse_doubles
from trio_lb.state.plans import balances_otherwise, new_balancer
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server


class Registry:
    """Pools by name. ``plan`` is what is in force (an empty one before the first)."""

    def __init__(self) -> None:
        self.plan = Config()
        self._pools: dict[str, Pool] = {}
        self._retired: list[Pool] = []

    def apply(self, plan: Config, now: float) -> list[Event]:
        """Make ``plan`` come true; what stays keeps its state. Tells what changed.

        Servers that go have ``plan.drain_timeout`` seconds to finish. The same plan
        again changes nothing and tells nothing.

        Raises:
          ConfigError: nothing was changed.
        """
        for config in plan.pools.values():
            refuse_doubles(config)
        if plan == self.plan:
            return []
        balancers = self._make_balancers(plan)
        changes = tuple(differences(self.plan, plan))
        self.plan = plan
        told = self._apply_pools(plan, balancers, now)
        return [*told, ConfigUpdated(at=now, changes=changes)]

    def _make_balancers(self, plan: Config) -> Mapping[str, Balancer]:
        """Make the new algorithms before anything changes: the caller's code may refuse."""
        old = self.plan.pools
        return {
            name: new_balancer(config)
            for name, config in plan.pools.items()
            if name not in old or balances_otherwise(old[name], config)
        }

    def _apply_pools(
        self, plan: Config, balancers: Mapping[str, Balancer], now: float
    ) -> list[Event]:
        expires_at = now + plan.drain_timeout
        told: list[Event] = []
        for name in [name for name in self._pools if name not in plan.pools]:
            pool = self._pools.pop(name)
            self._retired.append(pool)
            told += pool.apply(attrs.evolve(pool.config, servers=()), now, expires_at=expires_at)
        for name, config in plan.pools.items():
            pool = self._pools[name] = self._open(name)
            told += pool.apply(
                _named(config, name), now, expires_at=expires_at, balancer=balancers.get(name)
            )
        self._forget_empty()
        return told

    def _open(self, name: str) -> Pool:
        """Return the pool of that name; a retiring one is taken back with all it knows."""
        if name in self._pools:
            return self._pools[name]
        back = next((pool for pool in self._retired if pool.name == name), None)
        self._retired = [pool for pool in self._retired if pool is not back]
        return back or Pool(name)

    def _forget_empty(self) -> None:
        self._retired = [pool for pool in self._retired if pool.servers()]

    # -- finding

    def pool(self, name: str) -> Pool:
        """Return the pool of that name.

        Raises:
          LookupError: there is none.
        """
        try:
            return self._pools[name]
        except KeyError:
            known = ", ".join(self._pools) or "none"
            raise LookupError(f"no pool is called {name!r}; known are: {known}") from None

    def find_pool(self, name: str) -> Pool | None:
        """Return the pool of that name, None without one; for the hot path."""
        return self._pools.get(name)

    def pools(self) -> Mapping[str, Pool]:
        """Return the plan's pools by name; retired ones are not among them."""
        return dict(self._pools)

    def machines(self) -> Sequence[Pool]:
        """Return all that may want the timer: the pools, and those that are retiring."""
        self._forget_empty()
        return [*self._pools.values(), *self._retired]

    def servers(self) -> Iterator[Server]:
        """Yield the servers of all pools, leavers and those of retired pools too."""
        for pool in self.machines():
            yield from pool.servers()

    def find_server(self, name: str) -> Server:
        """Return the server called ``name``: its id, or ``pool/id``.

        Raises:
          UnknownServer: no server is called so.
          AmbiguousServer: the id stands in several pools.
        """
        found = [s for pool in self._pools.values() if (s := pool.get_server(name)) is not None]
        if not found:
            found = list(self._qualified(name))
        if not found:
            raise UnknownServer(f"no server is called {name!r}")
        if len(found) > 1:
            choices = " or ".join(f"{server.pool}/{server.id}" for server in found)
            raise AmbiguousServer(f"{name!r} stands in several pools: say {choices}")
        return found[0]

    def _qualified(self, name: str) -> Iterator[Server]:
        pool_name, _, server_id = name.partition("/")
        pool = self._pools.get(pool_name)
        server = pool.get_server(server_id) if pool is not None else None
        if server is not None:
            yield server


def _named(config: PoolConfig, name: str) -> PoolConfig:
    """A plan's key is the pool's name, whatever the value calls itself."""
    return config if config.name == name else attrs.evolve(config, name=name)
