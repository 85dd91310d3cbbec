"""One request's way to an answer: pick, try, judge, perhaps try again.

Every decision here is asked of a policy; this module only carries the answers from
one to the next, in one loop that leaves in exactly one way: answered, refused, or cut.
"""

from collections.abc import Iterator

import trio

from trio_lb.model.message import LocalAnswer, Reject, RequestHead
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.net.connection_pool import UpstreamConnection
from trio_lb.net.haste import hurried
from trio_lb.policy.retry import IDEMPOTENT_METHODS, GiveUp
from trio_lb.proxy.attempt import Attempt, Phase
from trio_lb.proxy.attend import READ_AHEAD
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.pick_key import pick_context
from trio_lb.proxy.respond import LOOP, answer_as_told, fail, refuse
from trio_lb.proxy.trial import (
    Another,
    judge,
    pardoned,
    reach,
    tell_none_left,
    tell_retried,
    tell_selected,
)
from trio_lb.proxy.tunnel import tunnel
from trio_lb.proxy.websocket_tunnel import websocket_tunnel
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server

_LEFT = Outcome(OutcomeKind.ABANDONED, None, False, "the client left before another attempt")


class Forward:
    """Carries one exchange through one pool."""

    __slots__ = (
        "_began_at",
        "_deadline",
        "_exchange",
        "_head",
        "_idempotent",
        "_pick_context",
        "_pool",
        "_refusal",
    )

    def __init__(self, exchange: Exchange, head: RequestHead, pool: Pool) -> None:
        self._exchange = exchange
        self._head = head
        self._pool = pool
        self._idempotent = head.method in IDEMPOTENT_METHODS
        self._refusal: Reject | None = None
        self._pick_context = pick_context(exchange, pool.config)
        self._began_at = exchange.started_at
        exchange.pool = pool.name
        if pool.config.timeouts is not None:
            exchange.timeouts = pool.config.timeouts
        self._deadline = exchange.started_at + exchange.timeouts.until_head

    async def run(self) -> None:
        """End the exchange; never raises for what a client or a server did."""
        exchange = self._exchange
        pool = self._pool
        pool.budget.request(exchange.started_at)
        order = self._order(exchange.started_at)
        server = next(order, None)
        if server is None:
            await self._none_left()
            return
        stale_replays = 0
        fresh = False
        while True:
            outcome = await self._try(server, fresh=fresh)
            if outcome is None or outcome.kind is OutcomeKind.ANSWERED:
                return
            another = Another(order)
            decision = pool.retry.decide(
                outcome,
                attempts=exchange.attempts,
                stale_replays=stale_replays,
                idempotent=self._idempotent,
                replayable=exchange.body.is_replayable,
                another_server=another,
                now=exchange.context.env.now(),
                deadline=self._deadline,
                budget=pool.budget,
                rng=exchange.context.retry_rng,
            )
            if isinstance(decision, GiveUp) or exchange.status or self._refusal is not None:
                await fail(exchange, outcome, self._refusal)
                return
            tell_retried(
                exchange.context, pool, server, outcome,
                request_id=exchange.id, attempt=exchange.attempts,
                delay_seconds=decision.delay_seconds,
            )  # fmt: skip
            if decision.delay_seconds > 0:
                exchange.client.take_time()
                await trio.sleep(decision.delay_seconds)
            if self._client_left():
                await fail(exchange, _LEFT, None)
                return
            stale_replays += decision.is_replay
            fresh = decision.fresh_connection
            following = self._still(server if decision.same_server else another.server)
            if following is None:
                await fail(exchange, outcome, None)
                return
            server = following

    def _client_left(self) -> bool:
        """Whether a reset has come, which nobody looked for in between two attempts."""
        try:
            self._exchange.client.inbox.peek(READ_AHEAD)
        except trio.BrokenResourceError:
            return True
        return False

    def _still(self, wanted: Server | None) -> Server | None:
        """Return ``wanted``, unless the wait took it out of rotation or filled it: then another."""
        if wanted is not None and wanted.is_usable and wanted.has_room:
            return wanted
        return next(self._order(self._exchange.context.env.now()), None)

    def _order(self, now: float) -> Iterator[Server]:
        return self._pool.order(self._pick_context, self._exchange.context.pick_rng, now)

    async def _none_left(self) -> None:
        exchange = self._exchange
        unavailable = tell_none_left(exchange.context, self._pool)
        fallback = self._pool.config.circuit_breaker.fallback_response
        if fallback is not None and unavailable.by_breaker:
            fields = tuple(fallback.headers.items())
            body = fallback.body.encode()
            told = LocalAnswer(fallback.status, fields, body, "circuit_breaker_open")
            await answer_as_told(exchange, told)
            return
        reject = Reject(503, "no_healthy_server", unavailable.message)
        await refuse(exchange, reject, retry_after_seconds=unavailable.retry_after_seconds)

    # ------------------------------------------------------------------ one attempt

    async def _try(self, server: Server, *, fresh: bool) -> Outcome | None:
        """Make one attempt; None when the request ended without one (a loop)."""
        exchange = self._exchange
        context = exchange.context
        request = exchange.client.writer.write(
            self._head,
            request_id=exchange.id,
            server=server.address,
            client=exchange.client_address,
        )
        if request is None:
            await refuse(exchange, LOOP)
            return None
        exchange.attempts += 1
        exchange.server = server
        tell_selected(context, self._pool, server, exchange.client_address, exchange.id)
        exchange.lease = lease = server.lease()
        with lease:
            connection = await self._connection(server, fresh=fresh)
            if isinstance(connection, Outcome):
                self._observe(server, connection)
                return connection
            with connection:
                outcome = await self._talk(connection, request)
                self._observe(server, outcome)
                if exchange.status == 101 and outcome.kind is OutcomeKind.ANSWERED:
                    lease.judged()  # A tunnel may last for hours; the verdict stands now.
                    carry = websocket_tunnel if self._is_websocket() else tunnel
                    connection.is_complete = await carry(exchange, connection)
                return outcome

    def _is_websocket(self) -> bool:
        """Whether that is the one protocol that the client offered, and so the server's choice."""
        return (self._head.upgrade or b"").lower() == b"websocket"

    async def _connection(self, server: Server, *, fresh: bool) -> UpstreamConnection | Outcome:
        """Reuse a connection that was quiet just now, or open one."""
        context = self._exchange.context
        home = context.connections.of(server, server.address)
        now = self._began_at = context.env.now()
        ends = None
        if self._pool.config.proxy_protocol != "off":
            stream = self._exchange.client.stream
            ends, fresh = (stream.peer, stream.local), True
        if not fresh:
            connection = home.take(now, idempotent=self._idempotent)
            if connection is not None:
                return connection
        self._exchange.client.take_time()
        deadline = min(now + self._exchange.timeouts.connect, self._deadline)
        return await reach(home, ends, hurried(context.env, "connect", deadline))

    async def _talk(self, connection: UpstreamConnection, request: bytes) -> Outcome:
        exchange = self._exchange
        body = exchange.body
        attempt = Attempt(exchange, self._head, connection, request + body.so_far())
        outcome = await attempt.run(self._deadline)
        self._refusal = attempt.refusal
        if outcome.kind is OutcomeKind.STALE:
            connection.was_stale()
        elif outcome.kind is OutcomeKind.TIMEOUT:
            connection.fell_silent()
        connection.is_complete = attempt.phase is Phase.DONE
        connection.is_reusable = attempt.is_clean
        return outcome

    # ------------------------------------------------------------------ news

    def _observe(self, server: Server, outcome: Outcome) -> None:
        exchange = self._exchange
        context, began_at = exchange.context, self._began_at
        head_at = context.env.now() if exchange.head_at is None else exchange.head_at
        if exchange.status == 0:
            outcome = self._judged_fairly(outcome, head_at - began_at)
        judge(context, self._pool, server, outcome, began_at=began_at, seconds=head_at - began_at)

    def _judged_fairly(self, outcome: Outcome, had_seconds: float) -> Outcome:
        timeouts = self._exchange.timeouts
        is_connect = outcome.kind is OutcomeKind.CONNECT_TIMEOUT
        wait = timeouts.connect if is_connect else timeouts.first_byte
        return pardoned(outcome, had_seconds, min(wait, timeouts.until_head))
