"""Where a request goes: to the pool that its router names, to an answer of ours, or nowhere."""

from collections.abc import Awaitable
from typing import Protocol

from trio_lb.model.message import LocalAnswer, RequestHead
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.forward import Forward
from trio_lb.proxy.respond import NO_ROUTE, answer_as_told, refuse
from trio_lb.state.pool import Pool


class Router(Protocol):
    """Finds the pool for a request; the table of routes, or one pool for all."""

    def pool_for(self, head: RequestHead) -> Pool | LocalAnswer | None:
        """Return the pool, an answer that needs none, or None: nothing is served there (404)."""
        ...


def dispatch(exchange: Exchange, head: RequestHead, router: Router) -> Awaitable[None]:
    """Return what ends the exchange when it is awaited.

    No coroutine of its own: every wait of a request would pass through one more frame.
    """
    pool = router.pool_for(head)
    if pool is None:
        return refuse(exchange, NO_ROUTE)
    if isinstance(pool, LocalAnswer):
        return answer_as_told(exchange, pool)
    return Forward(exchange, head, pool).run()
