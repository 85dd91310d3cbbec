"""Bugs in a request's way: leases, retries, budgets, timeouts."""

import math
from typing import Any

import trio

from tests.sim.planted.bug import Bed, Patch, one_in
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.net.connection_pool import ServerConnections, UpstreamConnection
from trio_lb.policy.budget import RetryBudget
from trio_lb.policy.retry import IDEMPOTENT_METHODS, RetryPolicy
from trio_lb.proxy import forward
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.forward import Forward
from trio_lb.proxy.trial import reach
from trio_lb.state.lease import Lease
from trio_lb.state.rotation import Rotation
from trio_lb.state.server import Server

PATCH = Patch()


@PATCH.bug
def leaked_lease(bed: Bed) -> None:
    """One request in 200 never gives back its place at the server."""
    leave, is_it = Lease.__exit__, one_in(200)

    def forgets(self: Lease, *raised: Any) -> None:
        if not is_it():
            leave(self, *raised)

    bed.replace(Lease, "__exit__", forgets)


@PATCH.bug
def place_kept_for_who_left(bed: Bed) -> None:
    """A request whose client leaves in the middle keeps its place at the server for ever."""
    observe = Forward._observe

    def keeps(self: Forward, server: Server, outcome: Outcome) -> None:
        observe(self, server, outcome)
        if outcome.kind is OutcomeKind.ABANDONED:
            server.active_connections += 1

    bed.replace(Forward, "_observe", keeps)


@PATCH.bug
def max_connections_off_by_one(bed: Bed) -> None:
    """A server gets one request more than its max_connections allow."""

    def order(self: Rotation, balancer: Any, context: Any, rng: Any) -> Any:
        for tier in self.tiers:
            for server in balancer.order(tier, context, rng):
                if server.is_usable and server.active_connections <= server.capacity:
                    yield server

    bed.replace(Rotation, "order", order)


@PATCH.bug
def post_sent_twice(bed: Bed) -> None:
    """A POST is retried like a GET, though the server may have done what it says."""
    bed.replace(forward, "IDEMPOTENT_METHODS", IDEMPOTENT_METHODS | {b"POST"})


@PATCH.bug
def post_on_a_stale_connection(bed: Bed) -> None:
    """A POST takes any idle connection, without a look at its age or whether it was closed."""
    take = ServerConnections.take

    def takes(
        self: ServerConnections, now: float, *, idempotent: bool
    ) -> UpstreamConnection | None:
        idle = self._plan._idle
        if idempotent or not idle:
            return take(self, now, idempotent=idempotent)
        return idle.pop()[1]

    bed.replace(ServerConnections, "take", takes)


@PATCH.bug
def one_retry_too_many(bed: Bed) -> None:
    """A request is retried once more than max_retries says."""
    counted = RetryPolicy._counted

    def off_by_one(self: RetryPolicy, outcome: Outcome, tries: int, *rest: Any) -> Any:
        return counted(self, outcome, max(tries - 1, 1), *rest)

    bed.replace(RetryPolicy, "_counted", off_by_one)


@PATCH.bug
def retries_in_step(bed: Bed) -> None:
    """The delay before a retry grows, but has no jitter."""

    def exact(self: RetryPolicy, retry: int, rng: Any) -> float:
        return min(self.config.max_delay, self.config.base_delay * 2.0**retry)

    bed.replace(RetryPolicy, "_backoff_seconds", exact)


@PATCH.bug
def budget_never_charged(bed: Bed) -> None:
    """The retry budget is asked, but a retry is never taken out of it."""

    def generous(self: RetryBudget, now: float) -> bool:
        return self._retries.total(now) + 1 <= self._allowed(now)

    bed.replace(RetryBudget, "try_spend", generous)


@PATCH.bug
def budget_charged_late(bed: Bed) -> None:
    """A retry is taken out of the budget a second after it has begun."""

    def late(self: RetryBudget, now: float) -> bool:
        owed = pending.setdefault(id(self), [])
        while owed and owed[0] <= now - 1.0:
            owed.pop(0)
            self._retries.add(now)
        if self._retries.total(now) + 1 > self._allowed(now):
            return False
        owed.append(now)
        return True

    pending: dict[int, list[float]] = {}
    bed.replace(RetryBudget, "try_spend", late)


@PATCH.bug
def total_timeout_ignored(bed: Bed) -> None:
    """Nothing bounds all tries of a request together: timeouts.total is never looked at."""
    begin = Forward.__init__

    def unbounded(self: Forward, *args: Any) -> None:
        begin(self, *args)
        self._deadline = math.inf

    bed.replace(Forward, "__init__", unbounded)


@PATCH.bug
def connect_timeout_doubled(bed: Bed) -> None:
    """A connection that does not come is waited for twice as long as configured."""

    async def patient(home: Any, client: Any, deadline: float) -> Any:
        now = trio.current_time()
        return await reach(home, client, now + 2 * (deadline - now))

    bed.replace(forward, "reach", patient)


@PATCH.bug
def end_never_told(bed: Bed) -> None:
    """One request in 300 is missing in the books: its end is never told."""
    finish, is_it = Exchange.finish, one_in(300)

    def silent(self: Exchange) -> float:
        return self.context.env.now() if is_it() else finish(self)

    bed.replace(Exchange, "finish", silent)
