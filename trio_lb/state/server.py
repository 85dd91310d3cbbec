"""A server as the balancer knows it now: configuration, verdicts and counts in one place.

Its identity is pool + address: re-weighting or renaming a server keeps the object and
with it health, counts and the requests in flight.
"""

import enum
import sys
from collections.abc import Callable, Mapping
from typing import Final

from trio_lb.config.schema import ServerConfig
from trio_lb.model.address import Address
from trio_lb.policy.balance.base import Balancer
from trio_lb.policy.breaker import Breaker, BreakerState
from trio_lb.policy.drain import DrainMachine
from trio_lb.policy.health import HealthMachine, HealthState
from trio_lb.state.lease import Lease, Trial

UNLIMITED: Final = sys.maxsize
"""The capacity of a server without ``max_connections``: one comparison serves both cases."""


class ServerState(enum.StrEnum):
    """A server's state in one word, for people and REST; each member equals its text."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    DRAINING = "draining"
    DISABLED = "disabled"


class Server:
    """One server of one pool: the live, mutable object that the public API hands out.

    Read-only for callers; its ``Pool`` writes it. Compared by identity.

    ``active_connections`` requests and tunnels in flight (leases held).
    ``requests`` attempts that were sent or tried; ``failures`` those that counted
    against the server, ``abandoned`` those that say nothing of it (the client left). ``responses`` and ``response_time_sum`` (seconds) tell of the
    requests that ended with this server's answer.
    ``config`` is what the plan says of it. ``ramp`` in (0, 1] is the part of its share that
    it gets now: below 1 while it starts slowly.
    ``is_usable`` says whether the pool gives it new requests now. What speaks against it
    stands in ``state``, in ``is_ejected`` (by outlier detection) and in ``breaker`` (None
    where it has none); ``is_held``: fail-open counts it as good whatever its checks say.
    Monotonic instants: ``added_at``; ``last_seen_at``, of its last answer to a request;
    ``next_check_at``, of its next probe; both None when there is none.
    """

    __slots__ = (
        "__weakref__",
        "_lease",
        "_on_permit",
        "_trials",
        "abandoned",
        "active_connections",
        "added_at",
        "address",
        "backup",
        "breaker",
        "capacity",
        "config",
        "disabled",
        "drain",
        "failures",
        "health",
        "id",
        "is_ejected",
        "is_held",
        "is_usable",
        "last_seen_at",
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

    def __init__(
        self,
        pool: str,
        config: ServerConfig,
        health: HealthMachine | None,
        *,
        added_at: float = 0.0,
    ) -> None:
        self.pool = pool
        self.address = config.address
        self.added_at = added_at
        self.health = health
        self.breaker: Breaker | None = None
        self.drain = DrainMachine(pool, config.id)
        self.active_connections = 0
        self.requests = 0
        self.failures = 0
        self.abandoned = 0
        self.responses = 0
        self.response_time_sum = 0.0
        self.is_usable = False
        self.is_ejected = False
        self.is_held = False
        self.ramp = 1.0
        self.last_seen_at: float | None = None
        self.next_check_at: float | None = None
        self._lease = Lease(self)
        self._trials: Breaker | None = None
        self._on_permit: Callable[[Server], None] = _nobody_waits
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
        if self.breaker is not None:
            self.breaker.server_id = config.id

    def join(
        self,
        balancer: Balancer,
        on_idle: Callable[["Server"], None],
        on_permit: Callable[["Server"], None],
    ) -> None:
        """Let leases tell ``balancer``, if it tracks, and ``on_idle`` when a drain empties.

        ``on_permit`` hears of every permit of a trial that is taken or given back. Leases
        that are held now end under the new terms.
        """
        self._lease.serve(balancer, on_idle)
        self._on_permit = on_permit

    def lease(self) -> Lease | Trial:
        """Return the context manager that counts one request in flight."""
        trials = self._trials
        return self._lease if trials is None else Trial(self._lease, trials, self._on_permit)

    def open_trials(self, breaker: Breaker | None) -> None:
        """Let every lease be a trial of ``breaker`` from now on; None: no more trials."""
        self._trials = breaker

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
    def is_good(self) -> bool:
        """Whether a person and its checks (or fail-open in their place) are for it."""
        state = self.state
        return state is ServerState.HEALTHY or (self.is_held and state is ServerState.UNHEALTHY)

    @property
    def is_fit(self) -> bool:
        """Whether all but its breaker speaks for sending it requests."""
        return self.is_good and not self.is_ejected

    @property
    def is_in_service(self) -> bool:
        """Whether nothing at all speaks against it, not even a breaker that only tries it."""
        breaker = self.breaker
        return self.is_fit and (breaker is None or breaker.state is BreakerState.CLOSED)

    @property
    def is_on_trial(self) -> bool:
        """Whether its breaker is half-open: requests there are trials."""
        return self._trials is not None

    @property
    def successes(self) -> int:
        """Attempts that spoke for it, since the start."""
        return self.requests - self.failures - self.abandoned

    @property
    def has_room(self) -> bool:
        """Whether it may take one more request now."""
        return self.active_connections < self.capacity

    @property
    def last_check_at(self) -> float | None:
        """The monotonic instant at which its last check ended; None before the first."""
        history = self.health.history if self.health is not None else ()
        return history[-1].at if history else None

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
