"""What every attempt at a server has in common, whatever is spoken: reach it, judge it, tell.

Functions without state: the loop that calls them is its caller's, and so are the counts.
"""

from collections.abc import Iterator
from typing import Final

import trio

from trio_lb.model.address import Ends
from trio_lb.model.events import NoHealthyServers, RequestRetried, ServerSelected
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.net.connection_pool import ServerConnections, UpstreamConnection
from trio_lb.net.env import ConnectError
from trio_lb.proxy.context import ProxyContext
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server
from trio_lb.state.unavailable import Unavailable

_TIMEOUTS: Final = (OutcomeKind.TIMEOUT, OutcomeKind.CONNECT_TIMEOUT)


class Another:
    """Whom to try next, looked for when the retry policy asks: a look takes a turn."""

    __slots__ = ("_order", "server")

    def __init__(self, order: Iterator[Server]) -> None:
        self._order = order
        self.server: Server | None = None

    def __call__(self) -> bool:
        """Find the next of ``order``; whether there is one."""
        self.server = next(self._order, None)
        return self.server is not None


async def reach(
    home: ServerConnections, client: Ends | None, deadline: float
) -> UpstreamConnection | Outcome:
    """Open a connection before ``deadline``, or say how that failed; see ``home.connect``."""
    try:
        with trio.move_on_at(deadline):
            return await home.connect(client)
    except ConnectError as error:
        return Outcome(_kind_of(error), None, False, str(error))
    return Outcome(OutcomeKind.CONNECT_TIMEOUT, None, False, "not connected in time")


def _kind_of(error: ConnectError) -> OutcomeKind:
    if error.ours:
        return OutcomeKind.EXHAUSTED
    return OutcomeKind.CONNECT_REFUSED if error.refused else OutcomeKind.CONNECT_FAILED


def judge(
    context: ProxyContext,
    pool: Pool,
    server: Server,
    outcome: Outcome,
    *,
    began_at: float,
    seconds: float,
) -> None:
    """Let the pool draw its conclusions from an attempt, and publish them; see ``Pool.observe``."""
    now = context.env.now()
    for event in pool.observe(
        server, outcome, now, context.retry_rng, began_at=began_at, seconds=seconds
    ):
        context.bus.publish(event)


def pardoned(outcome: Outcome, had_seconds: float, fair_seconds: float) -> Outcome:
    """Return what to judge a server by that may have been cut short by its request's own end.

    Alone with the request it would have had ``fair_seconds``. With less than half of that
    (others, or a wait, had the rest) a timeout says nothing of it.
    """
    if outcome.kind not in _TIMEOUTS or 2 * had_seconds >= fair_seconds:
        return outcome
    return Outcome(OutcomeKind.ABANDONED, None, outcome.sent, "the request's time was up")


def tell_none_left(context: ProxyContext, pool: Pool) -> Unavailable:
    """Publish that a pick found nobody; return why."""
    now = context.env.now()
    why = pool.why_none(now)
    context.bus.publish(NoHealthyServers(at=now, pool=pool.name))
    return why


def tell_selected(
    context: ProxyContext, pool: Pool, server: Server, client: str, request_id: str | None = None
) -> None:
    """Publish that ``server`` is tried for the client at that address, if anybody listens."""
    if context.bus.wants(ServerSelected):
        context.bus.publish(
            ServerSelected(
                at=context.env.now(),
                pool=pool.name,
                server_id=server.id,
                server=server,
                client_id=client,
                request_id=request_id,
            )
        )


def tell_retried(
    context: ProxyContext,
    pool: Pool,
    server: Server,
    outcome: Outcome,
    *,
    request_id: str,
    attempt: int,
    delay_seconds: float,
) -> None:
    """Publish that attempt number ``attempt`` failed and another follows, if anybody listens."""
    if context.bus.wants(RequestRetried):
        context.bus.publish(
            RequestRetried(
                at=context.env.now(),
                pool=pool.name,
                server_id=server.id,
                request_id=request_id,
                attempt=attempt,
                outcome=outcome,
                delay_seconds=delay_seconds,
            )
        )
