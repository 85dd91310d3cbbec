"""Plans: how a pool's configuration becomes servers, while what stays keeps its state.

Rule 1: identity is pool + address. What is known of servers by id follows one that is
        renamed and is forgotten of one that goes, before anybody new gets its id.
Rule 2: a server that comes (or comes back while it leaves) takes part at once, a server
        that goes drains; both are told, in that order.
Rule 3: who gets requests is not decided here.
"""

from collections.abc import Callable
from typing import Final

from trio_lb.config.schema import PoolConfig
from trio_lb.model.events import Event, ServerAdded
from trio_lb.policy.balance.base import Balancer
from trio_lb.policy.balance.registry import make_balancer
from trio_lb.state.drains import Drains
from trio_lb.state.enrolment import fit_health, new_server
from trio_lb.state.membership import Membership
from trio_lb.state.server import Server
from trio_lb.state.verdicts import Verdicts

_BALANCE_KNOBS: Final = (
    "algorithm",
    "hash_balance_factor",
    "response_time_window",
    "response_time_samples",
    "ewma_decay",
)


class Plans:
    """Applies plans to the servers of one pool.

    ``on_idle(server)`` is called when the last lease of a draining server is released.
    """

    __slots__ = ("_drains", "_membership", "_on_idle", "_verdicts")

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

    def take(
        self, config: PoolConfig, balancer: Balancer, now: float, expires_at: float | None
    ) -> list[Event]:
        """Make the plan's servers the members; servers that go drain until ``expires_at``.

        Every server's leases tell ``balancer`` from now on, also those of a leaver.
        """
        change = self._membership.compare(config.servers)
        fresh = [new_server(config, each, now) for each in change.come]
        back = [s for s, _ in change.stay if not self._membership.is_member(s)]
        told = self._verdicts.part_with(change.go, now)
        self._verdicts.rename(change.renamed)
        for server, wanted in change.stay:
            server.configure(wanted)
            server.health = fit_health(config, server)
        self._membership.settle(config.servers, fresh)
        for server in [*fresh, *back]:
            self._drains.resume(server)
            told.append(ServerAdded(at=now, pool=config.name, server_id=server.id, server=server))
        for server in change.go:
            told += self._drains.start(server, now, expires_at)
        for server in self._membership:
            server.join(balancer, self._on_idle, self._verdicts.permit_moved)
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
