"""Calls of the caller's own under the balancer's rules: pick, lease, retry, breaker, books.

The handler stands in for connect, send and answer; everything around it is the data
path's: the pool's order, its leases, its judgement of outcomes, its retry policy and
budget. The caller chose to wrap the call, so a handler that fails may be called again.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import trio

from trio_lb.model.errors import NoServerAvailable
from trio_lb.model.events import RequestCompleted, RequestFailed, RequestRecord
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.policy.balance.base import Context
from trio_lb.policy.retry import GiveUp
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.trial import Another, judge, tell_none_left, tell_retried, tell_selected
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server

Q = TypeVar("Q")
R = TypeVar("R")

Handler = Callable[[Server, Q], Awaitable[R]]

_GOOD = Outcome(OutcomeKind.ANSWERED)
_TAKEN_BACK = Outcome(OutcomeKind.ABANDONED)


class NotAsync(TypeError):
    """A handler returned what can't be awaited: the caller's slip, and no server's failure."""


def _awaitable(made: Awaitable[R]) -> Awaitable[R]:
    if not hasattr(made, "__await__"):
        raise NotAsync(f"the handler has to be async; it returned {made!r:.80}")
    return made


class Call:
    """One wrapped call. Whatever its handler raises is a failed attempt."""

    def __init__(self, context: ProxyContext, pool: Pool, client_id: str) -> None:
        self._context = context
        self._pool = pool
        self._client_id = client_id
        self._pick = Context(client=client_id, key=client_id)
        self._started_at = context.env.now()
        self._id = context.env.token(16)
        self._attempts = 0
        self._server: Server | None = None

    async def run(self, handler: Handler[Q, R], request: Q) -> R:
        """Call ``handler(server, request)`` until it succeeds, or nothing more may be tried.

        Raises:
          TypeError: the handler is not async.
          NoServerAvailable: no server can be used; the handler was not called.
          Exception: the handler's last one, as it is.
        """
        if not callable(handler):
            raise NotAsync(f"the handler has to be an async function, not {handler!r:.80}")
        self._context.ledger.accepted()
        error: str | None = "cancelled"
        try:
            result = await self._try_all(handler, request)
            error = None
            return result
        except Exception as failure:
            error = type(failure).__name__
            raise
        finally:
            self._finish(error)

    async def _try_all(self, handler: Handler[Q, R], request: Q) -> R:
        pool = self._pool
        pool.budget.request(self._started_at)
        order = self._order()
        server = next(order, None)
        if server is None:
            raise NoServerAvailable(tell_none_left(self._context, self._pool).message)
        while True:
            began_at = self._begin(server)
            try:
                with server.lease():
                    result = await _awaitable(handler(server, request))
            except NotAsync:
                self._observe(server, _TAKEN_BACK, began_at)
                raise
            except Exception as error:
                failure = error
            except BaseException:
                self._observe(server, _TAKEN_BACK, began_at)
                raise
            else:
                self._observe(server, _GOOD, began_at)
                return result
            following = await self._after(server, failure, began_at, Another(order))
            if following is None:
                try:
                    raise failure
                finally:
                    del failure  # Or it would hold this frame, which holds it.
            server = following

    async def _after(
        self, server: Server, failure: Exception, began_at: float, another: Another
    ) -> Server | None:
        """Judge a failed attempt; return whom to try next, once it is time, or None."""
        outcome = Outcome(OutcomeKind.RESET, detail=str(failure))
        self._observe(server, outcome, began_at)
        delay_seconds = self._delay(outcome, another)
        if delay_seconds is None:
            return None
        tell_retried(
            self._context,
            self._pool,
            server,
            outcome,
            request_id=self._id,
            attempt=self._attempts,
            delay_seconds=delay_seconds,
        )
        await trio.sleep(delay_seconds)
        following = self._still(another.server or server)
        if following is None:
            tell_none_left(self._context, self._pool)
        return following

    def _still(self, wanted: Server) -> Server | None:
        if wanted.is_usable and wanted.has_room:
            return wanted
        return next(self._order(), None)

    def _order(self) -> Iterator[Server]:
        context = self._context
        return self._pool.order(self._pick, context.pick_rng, context.env.now())

    def _delay(self, outcome: Outcome, another: Another) -> float | None:
        """Return the wait before the next try, or None: this was the last one."""
        context, pool = self._context, self._pool
        timeouts = pool.config.timeouts or context.timeouts
        decision = pool.retry.decide(
            outcome,
            attempts=self._attempts,
            stale_replays=0,
            idempotent=True,
            replayable=True,
            another_server=another,
            now=context.env.now(),
            deadline=self._started_at + timeouts.total,
            budget=pool.budget,
            rng=context.retry_rng,
        )
        return None if isinstance(decision, GiveUp) else decision.delay_seconds

    # ------------------------------------------------------------------ books and news

    def _begin(self, server: Server) -> float:
        self._attempts += 1
        self._server = server
        tell_selected(self._context, self._pool, server, self._client_id, self._id)
        return self._context.env.now()

    def _observe(self, server: Server, outcome: Outcome, began_at: float) -> None:
        seconds = self._context.env.now() - began_at
        judge(self._context, self._pool, server, outcome, began_at=began_at, seconds=seconds)

    def _finish(self, error: str | None) -> None:
        context, server = self._context, self._server
        now = context.env.now()
        elapsed = now - self._started_at
        status = 200 if error is None else 0
        context.ledger.ended(status, error, elapsed, server if error is None else None)
        server_id = None if server is None else server.id
        record = self._record(elapsed, status, error)
        if error is None:
            context.bus.publish(
                RequestCompleted(
                    at=now, server_id=server_id, response_time_seconds=elapsed, record=record
                )
            )
        else:
            context.bus.publish(
                RequestFailed(at=now, server_id=server_id, error=error, record=record)
            )

    def _record(self, elapsed: float, status: int, error: str | None) -> RequestRecord:
        return RequestRecord(
            id=self._id,
            client=self._client_id,
            method="CALL",
            target="-",
            version="-",
            status=status,
            bytes_in=0,
            bytes_out=0,
            pool=self._pool.name,
            server_id=None if self._server is None else self._server.id,
            attempts=self._attempts,
            started_at=self._started_at,
            wall_at=self._context.env.wall() - elapsed,
            head_seconds=None,
            total_seconds=elapsed,
            error=error,
        )
