"""Plans: how a pool's configuration becomes servers, while what stays keeps its state.

Rule 1: identity is pool + address. What is known of servers by id follows one that is
        renamed and is forgotten of one that goes, before anybody new gets its id.
Rule 2: a server that comes (or comes back while it leaves) takes part at once, a server
        that goes drains; both are told, in that order.
Rule 3: who gets requests is not decided here, but for stand-ins: where all that serve go
        at once, and those that come wait for their first good check, the old ones serve
        until the first new one can, for at most as long as a drain may take. Then they drain.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

from trio_lb.config.schema import PoolConfig
from trio_lb.model.events import Event, ServerAdded
from trio_lb.policy.balance.base import Balancer
from trio_lb.policy.balance.registry import make_balancer
from trio_lb.state.drains import Drains
from trio_lb.state.enrolment import fit_health, new_server
from trio_lb.state.membership import Membership
from trio_lb.state.server import Server, ServerState
from trio_lb.state.verdicts import Verdicts

_BALANCE_KNOBS: Final = (
    "algorithm",
    "hash_balance_factor",
    "response_time_window",
    "response_time_samples",
    "ewma_decay",
)


_MAY_COME: Final = (ServerState.UNKNOWN, ServerState.UNHEALTHY)


class Plans:
    """Applies plans to the servers of one pool.

    ``on_idle(server)`` is called when the last lease of a draining server is released.
    """

    __slots__ = ("_drains", "_membership", "_on_idle", "_patience", "_relief_at", "_verdicts")

    def __init__(
        self,
        membership: Membership,
        drains: Drains,
        verdicts: Verdicts,
        *,
        on_idle: Callable[[Server], None],
    ) -> None:
        self._membership = membership
        self._drains = drains
        self._verdicts = verdicts
        self._on_idle = on_idle
        self._relief_at = self._patience = math.inf

    @property
    def deadline(self) -> float | None:
        """When whoever stands in has done so for long enough."""
        has_end = self._membership.stand_ins and self._relief_at < math.inf
        return self._relief_at if has_end else None

    def take(
        self, config: PoolConfig, balancer: Balancer, now: float, expires_at: float | None
    ) -> list[Event]:
        """Make the plan's servers the members; servers that go drain until ``expires_at``.

        Every server's leases tell ``balancer`` from now on, also those of a leaver.
        """
        change = self._membership.compare(config.servers)
        fresh = [new_server(config, each, now) for each in change.come]
        back = [s for s, _ in change.stay if not self._membership.is_member(s)]
        serving = [server for server in change.go if server.is_usable and server.is_in_service]
        told = self._verdicts.part_with(change.go, now)
        self._verdicts.rename(change.renamed)
        for server, wanted in change.stay:
            server.configure(wanted)
            server.health = fit_health(config, server)
        self._membership.settle(config.servers, fresh)
        for server in [*fresh, *back]:
            self._drains.resume(server)
            told.append(ServerAdded(at=now, pool=config.name, server_id=server.id, server=server))
        if self._nobody_serves_yet(fresh):
            self._stand_in(serving, now, expires_at)
        for server in change.go:
            if server not in self._membership.stand_ins:
                told += self._drains.start(server, now, expires_at)
        for server in self._membership:
            server.join(balancer, self._on_idle, self._verdicts.permit_moved)
        return told

    def _nobody_serves_yet(self, fresh: Sequence[Server]) -> bool:
        """Whether of those that the plan names nobody can serve, but somebody may be about to."""
        awaited = any(server.state is ServerState.UNKNOWN for server in fresh)
        return awaited and not any(server.is_good for server in self._membership.members)

    def _stand_in(self, servers: Sequence[Server], now: float, expires_at: float | None) -> None:
        already = self._membership.stand_ins
        if not already:
            self._relief_at = math.inf if expires_at is None else expires_at
            self._patience = self._relief_at - now
        self._membership.stand_in([*already, *servers])

    def relieve(self, now: float) -> list[Event]:
        """Let stand-ins drain once a member serves, none can come, or their time is up."""
        stand_ins = self._membership.stand_ins
        if not stand_ins:
            return []
        members = self._membership.members
        awaited = any(server.state in _MAY_COME for server in members)
        if awaited and now < self._relief_at and not any(server.is_usable for server in members):
            return []
        self._verdicts.relieve(stand_ins)
        expires_at = None if self._patience == math.inf else now + self._patience
        told: list[Event] = []
        for server in stand_ins:
            told += self._drains.start(server, now, expires_at)
        return told


def new_balancer(config: PoolConfig) -> Balancer:
    """Make the plan's algorithm, with no memory.

    Raises:
      ConfigError: it can't be made; code of the caller's is looked at only here.
    """
    return make_balancer(config.algorithm, config)


def balances_otherwise(old: PoolConfig, new: PoolConfig) -> bool:
    """Whether the plans differ in the algorithm, or in what one was made with."""
    return any(getattr(old, knob) != getattr(new, knob) for knob in _BALANCE_KNOBS)
