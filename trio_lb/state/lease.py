"""Leases: how a request enters a server, is counted while it is there, and leaves.

Of two kinds: the shared ``Lease`` of a server in service, and a ``Trial`` for one request
at a server whose breaker is half-open, which also holds one of the breaker's permits.
"""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from trio_lb.policy.balance.base import Balancer
from trio_lb.policy.breaker import Breaker, BreakerState

if TYPE_CHECKING:
    from trio_lb.state.server import Server


class Lease:
    """One server's door: whoever is inside counts as one request in flight.

    It carries nothing of a single request, so one object serves all of them at once
    and a lease allocates nothing. Its ``with`` block is the only way in and out.
    """

    __slots__ = ("_on_idle", "_tracker", "server")

    def __init__(self, server: "Server") -> None:
        self.server = server
        self._tracker: Balancer | None = None
        self._on_idle: Callable[[Server], None] = _nobody_waits

    def serve(self, balancer: Balancer, on_idle: Callable[["Server"], None]) -> None:
        """Tell these from now on, ``balancer`` only if it tracks."""
        self._tracker = balancer if balancer.tracks else None
        self._on_idle = on_idle

    def __enter__(self) -> "Server":
        server = self.server
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
        server = self.server
        server.active_connections -= 1
        if self._tracker is not None:
            self._tracker.released(server)
        if server.active_connections == 0 and not server.drain.is_active:
            self._on_idle(server)

    def judged(self) -> None:
        """Hear that the attempt's verdict is known, though it goes on (a tunnel)."""


class Trial:
    """One request's way through the door of a half-open server: a lease, and a permit with it.

    Who finds no permit free has a lease all the same: it was not the rotation that sent
    it here. The permit goes back at the end of the block, or as soon as the attempt is
    judged, or when its client has kept it waiting; whatever became of the breaker meanwhile, it is
    this breaker's permit. ``client_seconds`` is for whoever waits for that client to count.
    """

    __slots__ = ("_breaker", "_lease", "_on_permit", "client_seconds", "has_permit")

    def __init__(
        self, lease: Lease, breaker: Breaker, on_permit: Callable[["Server"], None]
    ) -> None:
        self._lease = lease
        self._breaker = breaker
        self._on_permit = on_permit
        self.client_seconds = 0.0
        self.has_permit = False

    def __enter__(self) -> "Server":
        breaker = self._breaker
        if breaker.state is BreakerState.HALF_OPEN and breaker.may_try:
            breaker.begin_trial()
            self.has_permit = True
            self._on_permit(self._lease.server)
        return self._lease.__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lease.__exit__(exc_type, exc, traceback)
        self.judged()

    def judged(self) -> None:
        """Give the permit back, if there is still one."""
        if self.has_permit:
            self.has_permit = False
            self._breaker.end_trial()
            self._on_permit(self._lease.server)


def _nobody_waits(server: "Server") -> None:
    """Stand in until a pool takes the server."""
