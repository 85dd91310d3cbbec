"""One connection of a TCP listener: a server for it, then bytes both ways until the end.

Nothing is read from the client before a server is connected, so every server that is
tried begins with nothing lost, and the client's first words wait where they are. It is
one request in the books: it succeeds when the client was told of the server's end.
"""

from collections.abc import Callable, Iterator
from typing import Final

import trio

from trio_lb.config.schema import TimeoutsConfig
from trio_lb.model.events import RequestCompleted, RequestFailed, RequestRecord
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.net.bridge import CLIENT_KNOWS, SERVER_KNOWS, Bridge, State
from trio_lb.net.connection_pool import UpstreamConnection
from trio_lb.net.env import Stream
from trio_lb.net.haste import hurried
from trio_lb.net.inbox import Inbox
from trio_lb.net.relay import linger
from trio_lb.policy.balance.base import Context
from trio_lb.policy.retry import GiveUp
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.trial import (
    Another,
    judge,
    pardoned,
    reach,
    tell_none_left,
    tell_retried,
    tell_selected,
)
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server

SERVER_DONE_SECONDS: Final = 30.0
"""How long a client may be silent whose server has ended: most never say another word.

The other way round there is no such limit but ``tunnel_idle``: a client that ends may
wait for an answer as long as it takes.
"""

LINGER_SECONDS: Final = 2.0
"""How long a client may go on talking to a server that left, while it reads the last words."""

METHOD: Final = "TCP"
"""What stands for a method in records and access logs."""

_CONNECTED: Final = 200
"""The status of a connection that reached a server, as in nginx's stream log."""

_UNREACHED: Final = {
    OutcomeKind.CONNECT_REFUSED: (502, "upstream_connect_refused"),
    OutcomeKind.CONNECT_FAILED: (502, "upstream_connect_failed"),
    OutcomeKind.CONNECT_TIMEOUT: (504, "upstream_connect_timeout"),
    OutcomeKind.EXHAUSTED: (503, "out_of_descriptors"),
}

_ERRORS: Final = {
    State.OPEN: "tunnel_idle",
    State.CLIENT_DONE: "tunnel_idle",
    State.CLIENT_BROKE: "client_gone",
    State.CLIENT_LEFT: "client_gone",
    State.SERVER_BROKE: "upstream_reset",
}
"""By how the bridge ended; in every other state the client got all that the server said."""

_JOINED: Final = Outcome(OutcomeKind.ANSWERED)


class TcpConnection:
    """Serves one accepted stream and owns it; a listener's ``Guest``.

    ``find_pool`` returns the pool that serves it, or None when the configuration has it
    no more. ``stream``'s own addresses are the ends that a PROXY header names.
    """

    __slots__ = (
        "_attempts",
        "_bridge",
        "_context",
        "_error",
        "_find_pool",
        "_id",
        "_joined_at",
        "_pool",
        "_reason",
        "_server",
        "_started_at",
        "_status",
        "_stream",
        "_target",
    )

    def __init__(
        self, context: ProxyContext, find_pool: Callable[[], Pool | None], stream: Stream
    ) -> None:
        self._context = context
        self._find_pool = find_pool
        self._stream = stream
        # For the record, which is made when the stream is closed and has no address any more.
        self._target = str(stream.local)
        self._id = context.env.token(16)
        self._pool: Pool | None = None
        self._server: Server | None = None
        self._bridge: Bridge | None = None
        self._attempts = 0
        self._status = 0
        self._error: str | None = None
        self._reason = ""
        self._started_at = 0.0
        self._joined_at: float | None = None

    def close_if_idle(self) -> None:
        """Nothing: a TCP connection is never known to be idle, so a stop waits for its end."""

    async def run(self) -> None:
        """Serve the client to its end; cancelled or failed, both sides see a reset."""
        self._started_at = self._context.env.now()
        self._context.ledger.accepted()
        try:
            await self._serve()
        except BaseException as error:
            self._error = "internal_error" if isinstance(error, Exception) else "cancelled"
            self._stream.abort()
            raise
        finally:
            self._finish()

    async def _serve(self) -> None:
        access = self._context.access
        if access is not None and not access.permits(self._stream.peer.host):
            self._refuse(403, "access_denied")
            return
        self._pool = self._find_pool()
        if self._pool is None:
            self._refuse(503, "no_route")
            return
        await self._forward(self._pool)

    def _refuse(self, status: int, error: str) -> None:
        """Reset the client, who is told nothing: no word of ours belongs into its protocol."""
        self._status, self._error = status, error
        self._stream.abort()

    # ------------------------------------------------------------------ finding a server

    async def _forward(self, pool: Pool) -> None:
        """Try servers until one is joined to the client, or none is left to try."""
        pool.budget.request(self._started_at)
        deadline = self._started_at + self._timeouts(pool).total
        order = self._order(pool)
        server = next(order, None)
        if server is None:
            tell_none_left(self._context, pool)
            self._refuse(503, "no_healthy_server")
            return
        while True:
            outcome = await self._try(pool, server, deadline)
            if outcome is _JOINED:
                return
            following = await self._following(pool, server, Another(order), outcome, deadline)
            if following is None:
                self._reason = outcome.detail
                self._refuse(*_UNREACHED[outcome.kind])
                return
            server = following

    async def _following(
        self, pool: Pool, tried: Server, another: Another, outcome: Outcome, deadline: float
    ) -> Server | None:
        """Return whom to try after ``tried``, when it is time; None to give up."""
        context = self._context
        decision = pool.retry.decide(
            outcome,
            attempts=self._attempts,
            stale_replays=0,
            idempotent=False,
            replayable=True,
            another_server=another,
            now=context.env.now(),
            deadline=deadline,
            budget=pool.budget,
            rng=context.retry_rng,
        )
        if isinstance(decision, GiveUp):
            return None
        tell_retried(
            context, pool, tried, outcome,
            request_id=self._id, attempt=self._attempts, delay_seconds=decision.delay_seconds,
        )  # fmt: skip
        if decision.delay_seconds > 0:
            await trio.sleep(decision.delay_seconds)
        wanted = tried if decision.same_server else another.server
        if wanted is not None and wanted.is_usable and wanted.has_room:
            return wanted
        return next(self._order(pool), None)

    def _order(self, pool: Pool) -> Iterator[Server]:
        context = self._context
        client = Context(client=self._stream.peer.host)
        return pool.order(client, context.pick_rng, context.env.now())

    async def _try(self, pool: Pool, server: Server, deadline: float) -> Outcome:
        """Make one attempt; once joined, it ends with the connection."""
        context, stream = self._context, self._stream
        began_at = context.env.now()
        self._attempts += 1
        self._server = server
        tell_selected(context, pool, server, stream.peer.host, self._id)
        lease = server.lease()
        with lease:
            home = context.connections.of(server, server.address)
            timeouts = self._timeouts(pool)
            in_time = min(deadline, began_at + timeouts.connect)
            in_time = hurried(context.env, "connect", in_time)
            connection = await reach(home, (stream.peer, stream.local), in_time)
            outcome = connection if isinstance(connection, Outcome) else _JOINED
            seconds = context.env.now() - began_at
            judged = pardoned(outcome, seconds, min(timeouts.connect, timeouts.total))
            judge(context, pool, server, judged, began_at=began_at, seconds=seconds)
            if isinstance(connection, UpstreamConnection):
                lease.judged()  # It may last for hours; the verdict stands now.
                with connection:
                    await self._carry(pool, connection)
        return outcome

    def _timeouts(self, pool: Pool) -> TimeoutsConfig:
        return pool.config.timeouts or self._context.timeouts

    # ------------------------------------------------------------------ joined

    async def _carry(self, pool: Pool, connection: UpstreamConnection) -> None:
        """Be a bridge; then close who knows of the other's end, and reset who does not."""
        context = self._context
        timeouts = self._timeouts(pool)
        self._status = _CONNECTED
        self._joined_at = context.env.now()
        idle = timeouts.tunnel_idle
        bridge = self._bridge = Bridge(
            Inbox(self._stream, context.limits.buffer_size),
            connection.inbox,
            silence={State.OPEN: idle, State.SERVER_DONE: min(idle, SERVER_DONE_SECONDS)},
            stall_seconds=timeouts.write_stall,
        )
        state = await bridge.run()
        self._error = _ERRORS.get(state)
        connection.is_complete = state in SERVER_KNOWS
        if state not in CLIENT_KNOWS:
            self._stream.abort()
            return
        if self._stream.is_stale():
            # Closing over unread bytes would be a reset, which may overtake the last words.
            await linger(self._stream, LINGER_SECONDS)
        self._stream.close()

    # ------------------------------------------------------------------ the books

    def _finish(self) -> None:
        """Count the connection, exactly once, and tell of it."""
        context, error, server = self._context, self._error, self._server
        now = context.env.now()
        elapsed = now - self._started_at
        # It answered when it was joined; how long it then lasts says nothing of its server.
        seconds = elapsed if self._head_seconds is None else self._head_seconds
        context.ledger.ended(self._status, error, seconds, None if error else server)
        server_id = None if server is None else server.id
        if error is None:
            if context.bus.wants(RequestCompleted):
                context.bus.publish(
                    RequestCompleted(
                        at=now,
                        server_id=server_id,
                        response_time_seconds=seconds,
                        record=self._record(elapsed),
                    )
                )
        elif context.bus.wants(RequestFailed):
            context.bus.publish(
                RequestFailed(
                    at=now, server_id=server_id, error=error, record=self._record(elapsed)
                )
            )

    @property
    def _head_seconds(self) -> float | None:
        return None if self._joined_at is None else self._joined_at - self._started_at

    def _record(self, elapsed: float) -> RequestRecord:
        bridge = self._bridge
        return RequestRecord(
            id=self._id,
            client=self._stream.peer.host,
            method=METHOD,
            target=self._target,
            version="-",
            status=self._status,
            bytes_in=0 if bridge is None else bridge.bytes_up,
            bytes_out=0 if bridge is None else bridge.bytes_down,
            pool=None if self._pool is None else self._pool.name,
            server_id=None if self._server is None else self._server.id,
            attempts=self._attempts,
            started_at=self._started_at,
            wall_at=self._context.env.wall() - elapsed,
            head_seconds=self._head_seconds,
            total_seconds=elapsed,
            error=self._error,
            reason=self._reason,
        )
