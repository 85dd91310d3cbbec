"""Plans: how a pool's configuration becomes servers, while what stays keeps its state.

Rule 1: identity is pool + address; the outlier detector, which knows servers by id,
        follows a server that is renamed and forgets one that goes.
Rule 2: a server that comes (or comes back while it leaves) takes part at once, a server
        that goes drains; both are told, in that order.
Rule 3: who gets requests is not decided here.
"""

from collections.abc import Callable

from trio_lb.config.schema import PoolConfig
from trio_lb.model.events import Event, ServerAdded
from trio_lb.policy.balance.base import Balancer
from trio_lb.policy.outlier import OutlierDetector
from trio_lb.state.drains import Drains
from trio_lb.state.enrolment import fit_health, new_server
from trio_lb.state.membership import Change, Membership
from trio_lb.state.server import Server


class Plans:
    """Applies plans to the servers of one pool.

    ``on_idle(server)`` is called when the last lease of a draining server is released.
    """

    __slots__ = ("_drains", "_membership", "_on_idle", "_outlier")

    def __init__(
        self,
        membership: Membership,
        drains: Drains,
        outlier: OutlierDetector,
        on_idle: Callable[[Server], None],
    ) -> None:
        self._membership = membership
        self._drains = drains
        self._outlier = outlier
        self._on_idle = on_idle

    def take(
        self, config: PoolConfig, balancer: Balancer, now: float, expires_at: float | None
    ) -> list[Event]:
        """Make the plan's servers the members; servers that go drain until ``expires_at``.

        Every server's leases tell ``balancer`` from now on, also those of a leaver.
        """
        change = self._membership.compare(config.servers)
        fresh = [new_server(config, each) for each in change.come]
        back = [s for s, _ in change.stay if not self._membership.is_member(s)]
        self._carry_over(change)
        for server, wanted in change.stay:
            server.configure(wanted)
            server.health = fit_health(config, server)
        self._membership.settle(config.servers, fresh)
        told: list[Event] = []
        for server in [*fresh, *back]:
            self._drains.resume(server)
            told.append(ServerAdded(at=now, pool=config.name, server_id=server.id, server=server))
        for server in change.go:
            told += self._drains.start(server, now, expires_at)
        for server in self._membership:
            server.join(balancer, self._on_idle)
        return told

    def _carry_over(self, change: Change) -> None:
        """Rule 1: forget both sides of every renaming first, since ids may be swapped."""
        known = self._outlier.snapshot()["servers"]
        for server_id in (*(server.id for server in change.go), *change.renamed):
            self._outlier.forget(server_id)
        kept = {new: known[old] for old, new in change.renamed.items() if old in known}
        self._outlier.restore({"servers": kept})
