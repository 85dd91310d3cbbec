"""A server as the balancer knows it now: configuration, verdicts and counts in one place.

Its identity is pool + address: re-weighting or renaming a server keeps the object and
with it health, counts and the requests in flight.
"""

import enum
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final

from trio_lb.config.schema import ServerConfig
from trio_lb.model.address import Address
from trio_lb.policy.balance.base import Balancer
from trio_lb.policy.drain import DrainMachine
from trio_lb.policy.health import HealthMachine, HealthState

UNLIMITED: Final = sys.maxsize
"""The capacity of a server without ``max_connections``: one comparison serves both cases."""


class ServerState(enum.StrEnum):
    """A server's state in one word, for people and REST; each member equals its text."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    DRAINING = "draining"
    DISABLED = "disabled"


class Lease:
    """One server's door: whoever is inside counts as one request in flight.

    It carries nothing of a single request, so one object serves all of them at once
    and a lease allocates nothing. Its ``with`` block is the only way in and out.
    """

    __slots__ = ("_on_idle", "_server", "_tracker")

    def __init__(
        self, server: "Server", tracker: Balancer | None, on_idle: Callable[["Server"], None]
    ) -> None:
        self._server = server
        self._tracker = tracker
        self._on_idle = on_idle

    def __enter__(self) -> "Server":
        server = self._server
        server.active_connections += 1
        if self._tracker is not None:
            self._tracker.leased(server)
        return server

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        server = self._server
        server.active_connections -= 1
        if self._tracker is not None:
            self._tracker.released(server)
        if server.active_connections == 0 and not server.drain.is_active:
            self._on_idle(server)

    def judged(self) -> None:
        """Hear that the attempt's verdict is known, though it goes on (a tunnel)."""


class Server:
    """One server of one pool: the live, mutable object that the public API hands out.

    Read-only for callers; its ``Pool`` writes it. Compared by identity.

    ``active_connections`` requests and tunnels in flight (leases held).
    ``requests`` attempts that were sent or tried; ``failures`` those that counted
    against the server. ``responses`` and ``response_time_sum`` (seconds) tell of the
    requests that ended with this server's answer.
    ``config`` is what the plan says of it. ``ramp`` in (0, 1] is the part of its share that
    it gets now: below 1 while it starts slowly. ``is_usable`` says whether the pool gives it
    new requests now; ``next_check_at`` is the monotonic instant of its next probe, None
    when none is planned.
    """

    __slots__ = (
        "__weakref__",
        "_lease",
        "active_connections",
        "address",
        "backup",
        "capacity",
        "config",
        "disabled",
        "drain",
        "failures",
        "health",
        "id",
        "is_usable",
        "max_connections",
        "metadata",
        "next_check_at",
        "pool",
        "priority",
        "ramp",
        "requests",
        "response_time_sum",
        "responses",
        "weight",
        "zone",
    )

    def __init__(self, pool: str, config: ServerConfig, health: HealthMachine | None) -> None:
        self.pool = pool
        self.address = config.address
        self.health = health
        self.drain = DrainMachine(pool, config.id)
        self.active_connections = 0
        self.requests = 0
        self.failures = 0
        self.responses = 0
        self.response_time_sum = 0.0
        self.is_usable = False
        self.ramp = 1.0
        self.next_check_at: float | None = None
        self._lease = Lease(self, None, _nobody_waits)
        self.configure(config)

    def configure(self, config: ServerConfig) -> None:
        """Take over everything but the identity; ``config.address`` must be the same."""
        self.config = config
        self.id: str = config.id
        self.weight: int = config.weight
        self.max_connections: int | None = config.max_connections
        self.capacity = UNLIMITED if config.max_connections is None else config.max_connections
        self.metadata: Mapping[str, object] = config.metadata
        self.zone: str | None = config.zone
        self.priority: int = config.priority
        self.disabled: bool = config.disabled
        self.backup: bool = config.backup
        self.drain.server_id = config.id
        if self.health is not None:
            self.health.server_id = config.id

    def join(self, balancer: Balancer, on_idle: Callable[["Server"], None]) -> None:
        """Let leases tell ``balancer``, if it tracks, and ``on_idle`` when a drain empties.

        Leases that are held now end under the new terms.
        """
        tracker = balancer if balancer.tracks else None
        self._lease._tracker = tracker
        self._lease._on_idle = on_idle

    def lease(self) -> Lease:
        """Return the context manager that counts one request in flight."""
        return self._lease

    @property
    def host(self) -> str:
        """The host's name or literal, or ``unix:/path``."""
        return self.address.host

    @property
    def port(self) -> int:
        """The TCP port; 0 for a unix socket."""
        return self.address.port

    @property
    def state(self) -> ServerState:
        """A person's decision first (disabled, draining), then what checks say."""
        if self.disabled:
            return ServerState.DISABLED
        if not self.drain.is_active:
            return ServerState.DRAINING
        if self.health is None:
            return ServerState.HEALTHY
        return _STATES[self.health.state]

    @property
    def wants_requests(self) -> bool:
        """Whether everything but an ejection speaks for sending it requests."""
        return self.state is ServerState.HEALTHY

    @property
    def has_room(self) -> bool:
        """Whether it may take one more request now."""
        return self.active_connections < self.capacity

    @property
    def identity(self) -> tuple[str, Address]:
        """What keeps its state through reloads: pool and address."""
        return self.pool, self.address

    def __repr__(self) -> str:
        return f"<Server {self.pool}/{self.id} {self.address} {self.state}>"


_STATES: Final = {
    HealthState.HEALTHY: ServerState.HEALTHY,
    HealthState.UNHEALTHY: ServerState.UNHEALTHY,
    HealthState.UNKNOWN: ServerState.UNKNOWN,
}


def _nobody_waits(server: Server) -> None:
    """Stand in until a pool takes the server."""
