"""The world as checks see it: what may be looked at, beside what is heard.

A look changes nothing, takes no time and draws no chance: a run with checks is, line by
line, the run without them. All of it may be missing (``Nowhere``): then the product's
defaults are assumed, which is how a check is tried on a handful of happenings.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import attrs

from trio_lb.config.bounds import TimeoutsConfig
from trio_lb.config.schema import PoolConfig
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.network import VirtualNetwork


class SeenServer(Protocol):
    """A server as a balancer holds it; ``state.server.Server`` is one."""

    @property
    def id(self) -> str: ...
    @property
    def pool(self) -> str: ...
    @property
    def active_connections(self) -> int: ...


class SeenConfig(Protocol):
    """A balancer's configuration; ``config.schema.Config`` is one."""

    @property
    def pools(self) -> Mapping[str, PoolConfig]: ...
    @property
    def timeouts(self) -> TimeoutsConfig: ...


class Seen(Protocol):
    """A running balancer; ``LoadBalancer`` is one."""

    @property
    def config(self) -> SeenConfig: ...
    def servers(self) -> Sequence[SeenServer]:
        """Return the servers of all pools."""
        ...


class SeenBalancer(Protocol):
    """A balancer on its host; ``lb`` is None while it does not run.

    ``names``: what happenings call the server of a pool and an id, where that differs.
    ``lives``: how often it has started. ``ended_at``: when it went down last.
    """

    @property
    def lives(self) -> int: ...
    @property
    def ended_at(self) -> float: ...
    @property
    def names(self) -> Mapping[tuple[str, str], str]: ...
    @property
    def host(self) -> HostNetwork: ...
    @property
    def lb(self) -> Seen | None: ...


class SeenClock(Protocol):
    """The clock of the run; ``DesClock`` is one."""

    def current_time(self) -> float:
        """Return the virtual second that it is."""
        ...


class World(Protocol):
    """What a check may look at; ``Simulation`` is one."""

    @property
    def clock(self) -> SeenClock: ...
    @property
    def net(self) -> VirtualNetwork: ...
    @property
    def balancers(self) -> Mapping[str, SeenBalancer]: ...


@attrs.frozen
class Standstill:
    """A clock that stands."""

    at: float = 0.0

    def current_time(self) -> float:
        """See ``SeenClock``."""
        return self.at


@attrs.frozen
class Nowhere:
    """No world: happenings are all there is."""

    clock: SeenClock = Standstill()
    net: VirtualNetwork = attrs.field(factory=VirtualNetwork)
    balancers: Mapping[str, SeenBalancer] = attrs.field(factory=dict)


DEFAULTS: Final = PoolConfig(name="default")
"""What holds for a pool that cannot be looked at."""


def pool_config(world: World, balancer: str, pool: str) -> PoolConfig:
    """Return what is configured for a pool at this instant."""
    seen = world.balancers.get(balancer)
    if seen is None or seen.lb is None:
        return DEFAULTS
    return seen.lb.config.pools.get(pool, DEFAULTS)


def name_of(world: World, balancer: str, pool: str, server_id: str) -> str:
    """Return what happenings call a server that a configuration calls ``server_id``."""
    seen = world.balancers.get(balancer)
    return server_id if seen is None else seen.names.get((pool, server_id), server_id)
