"""One client connection: its requests, one after the other, and the waits between them.

    IDLE -- BYTES --> HEAD -- REQUEST --> BUSY -- ENDED --> IDLE
      `------------ REQUEST ---------------^
    each of them -- CLOSE --> CLOSED

One task and one cancel scope a connection. The scope's deadline is moved as rarely
as can be: it may fire early, in a wait for a request that has more time left; then
the loop makes a new scope and waits on. It never fires in the middle of a request: a
request does not begin under a scope that has fired, it starts with some room before the
deadline, and whatever may take longer lifts it first (``Client.take_time``).
"""

import logging
import math
from collections.abc import Mapping
from typing import Final

import trio

from trio_lb.model.message import Reject, RequestHead, Unsized
from trio_lb.model.step import Step
from trio_lb.net.body import BodyCut, BodyRefused
from trio_lb.net.env import Stream
from trio_lb.net.relay import linger
from trio_lb.proxy.attempt import PATIENCE_SECONDS
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.dispatch import Router, dispatch
from trio_lb.proxy.exchange import Client, Exchange
from trio_lb.proxy.local import answers_itself
from trio_lb.proxy.request_body import RequestBody
from trio_lb.proxy.respond import DENIED, INTERNAL, refuse

LINGER_SECONDS = 2.0
"""How long a client may take to read our last answer while it is still sending."""

NEWCOMER_SECONDS = 1.0
"""How long a connection that never sent anything is waited for once a stop has begun."""

_ROOM_SECONDS = 10.0
"""A request starts with at least this much left on the connection's deadline."""

_log = logging.getLogger("trio_lb.connection")


class Phase(Step):
    """What the connection is waiting for."""

    IDLE = "the next request"
    HEAD = "the rest of a head"
    BUSY = "a request to end"
    CLOSED = "nothing"


class Signal(Step):
    """What moves it on."""

    BYTES = "part of a head came"
    REQUEST = "a whole head came"
    ENDED = "the request ended, and another may follow"
    CLOSE = "no other may follow"


TRANSITIONS: Final[Mapping[Phase, Mapping[Signal, Phase]]] = {
    Phase.IDLE: {
        Signal.BYTES: Phase.HEAD,
        Signal.REQUEST: Phase.BUSY,
        Signal.CLOSE: Phase.CLOSED,
    },
    Phase.HEAD: {Signal.REQUEST: Phase.BUSY, Signal.CLOSE: Phase.CLOSED},
    Phase.BUSY: {Signal.ENDED: Phase.IDLE, Signal.CLOSE: Phase.CLOSED},
    Phase.CLOSED: {},
}


class ClientConnection:
    """Serves one accepted stream to its end. ``run`` owns the stream."""

    __slots__ = (
        "_accepted_at",
        "_client",
        "_context",
        "_due",
        "_must_linger",
        "_phase",
        "_refused",
        "_requests",
        "_router",
        "_stream",
    )

    def __init__(
        self, context: ProxyContext, router: Router, stream: Stream, *, scheme: str
    ) -> None:
        now = context.env.now()
        self._context = context
        self._router = router
        self._stream = stream
        self._client = Client(context, stream, scheme)
        self._phase = Phase.IDLE
        self._accepted_at = now
        self._due = now + context.timeouts.client_head
        self._requests = 0
        self._must_linger = False
        self._refused = b""  # The bytes that were no request head, or not yet.

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be lost by closing now: no request, no byte of one."""
        return (
            self._phase is Phase.IDLE
            and not self._client.inbox.data
            and not self._stream.is_stale()
        )

    def close_if_idle(self) -> None:
        """Close now if that loses nothing; else after the current answer, by draining.

        The look and the close are one step: a request that comes a moment later must
        find the connection closed, not accepted and then dropped.
        """
        if not self.is_idle:
            return
        if self._requests:
            self._take(Signal.CLOSE)
            self._stream.close()
        else:
            # Who has just connected has a request under way, and expects no close.
            soon = self._context.env.now() + NEWCOMER_SECONDS
            self._wait_until(min(self._due, soon))

    async def run(self) -> None:
        """Serve requests until either side has had enough."""
        async with self._stream:
            try:
                await self._serve_all()
                if self._must_linger:
                    await linger(self._stream, LINGER_SECONDS)
            except trio.BrokenResourceError:
                return  # The client reset it between requests: nothing is owed.
            except trio.ClosedResourceError:
                if self._phase is not Phase.CLOSED:
                    raise
                return  # ``close_if_idle`` closed it under the wait for a request.
            except BaseException:
                self._stream.abort()  # Cut short: it must not look like a clean end.
                raise

    def _take(self, signal: Signal) -> None:
        self._phase = TRANSITIONS[self._phase][signal]

    async def _serve_all(self) -> None:
        while self._phase is not Phase.CLOSED:
            with trio.CancelScope(deadline=self._due) as self._client.scope:
                await self._serve()
            if self._client.scope.cancelled_caught:
                await self._on_deadline()

    async def _on_deadline(self) -> None:
        """The scope fired: close if the wait is really over, else wait on."""
        now = self._context.env.now()
        if self._phase is Phase.CLOSED or now < self._due:
            return
        if self._phase is Phase.IDLE and self._client.inbox.data:
            self._due = now + self._context.timeouts.client_head  # It came in the last moment.
        elif self._phase is Phase.HEAD:
            seconds = self._context.timeouts.client_head
            message = f"no complete request head within {seconds:g} s"
            self._refused = self._client.inbox.data
            await self._refuse_head(Reject(408, "request_timeout", message))
        else:
            self._take(Signal.CLOSE)

    # ------------------------------------------------------------------ heads

    async def _serve(self) -> None:
        while self._phase is not Phase.CLOSED:
            head = await self._next_head()
            if head is None:
                self._take(Signal.CLOSE)
            elif isinstance(head, Reject):
                await self._refuse_head(head)
            else:
                await self._serve_request(head)

    async def _next_head(self) -> RequestHead | Reject | None:
        inbox = self._client.inbox
        reader = self._context.request_reader
        while True:
            if self._client.scope is not None and self._client.scope.cancel_called:
                # The deadline fired in the pass in which these bytes came. A request must not
                # begin under a cancelled scope: it waits in the inbox for the next one.
                await trio.lowlevel.checkpoint()
            data = inbox.data
            head = reader.next_head(inbox)
            if head is not None:
                if isinstance(head, Reject):
                    self._refused = data
                return head
            if inbox.data and self._phase is Phase.IDLE:
                self._take(Signal.BYTES)
                if self._requests:
                    self._wait_until(self._context.env.now() + self._context.timeouts.client_head)
            if not (await inbox.glance() or await inbox.fill()):
                return None

    def _wait_until(self, due: float) -> None:
        self._due = due
        if self._client.scope is not None:
            self._client.scope.deadline = due

    async def _refuse_head(self, reject: Reject) -> None:
        """Answer a head that is no request; what follows it can't be understood."""
        self._take(Signal.REQUEST)
        self._wait_until(math.inf)
        now = self._context.env.now()
        exchange = Exchange(self._context, self._client, None, self._no_body(), now=now, keep=False)
        exchange.is_bodiless = self._refused.lstrip(b"\r\n").startswith(b"HEAD ")
        try:
            await refuse(exchange, reject)
            self._must_linger = not exchange.cut
        finally:
            exchange.finish()
        self._take(Signal.CLOSE)

    def _no_body(self) -> RequestBody:
        return RequestBody(self._client.inbox, Unsized.NO_BODY, replay_limit=0, limit=None)

    # ------------------------------------------------------------------ requests

    async def _serve_request(self, head: RequestHead) -> None:
        context = self._context
        self._take(Signal.REQUEST)
        self._requests += 1
        now = context.env.now()
        if self._client.scope is not None and self._client.scope.deadline < now + _ROOM_SECONDS:
            self._client.scope.deadline = math.inf
        limits = context.limits
        body = RequestBody(
            self._client.inbox,
            head.framing,
            nominated=head.connection,
            replay_limit=limits.replay_body_size,
            limit=limits.body_size,
        )
        keep = (
            head.keep_alive
            and not context.draining
            and self._requests < limits.requests_per_connection
            and now - self._accepted_at < limits.connection_age
        )
        exchange = Exchange(context, self._client, head, body, now=now, keep=keep)
        try:
            await self._answer(exchange, head)
        except Exception:
            _log.exception("request %s: a fault of the proxy itself ended it", exchange.id)
            await self._apologise(exchange)
        except BaseException:
            exchange.error = exchange.error or "cancelled"
            exchange.finish()
            raise
        self._after(exchange, exchange.finish())
        if exchange.is_ours:
            # It took no wait: who pipelines what is refused must not hold everybody up.
            await trio.lowlevel.checkpoint()

    async def _apologise(self, exchange: Exchange) -> None:
        """Our own bug: say so if nothing was said yet, else make the cut visible."""
        exchange.keep = False
        if exchange.status:
            exchange.error = INTERNAL.code
            exchange.cut = True
            return
        try:
            await refuse(exchange, INTERNAL)
        except BaseException:
            exchange.finish()  # Even that failed: the books close all the same.
            raise

    async def _answer(self, exchange: Exchange, head: RequestHead) -> None:
        access = self._context.access
        if access is not None and not access.permits(exchange.client_address):
            await refuse(exchange, DENIED)
            return
        if head.framing is not Unsized.NO_BODY and not await self._gather(exchange, head):
            return
        if head.max_forwards == 0 and await answers_itself(exchange, head):
            return
        around = self._context.middleware
        if around is not None:
            await around.answer(exchange, head, self._router)
            return
        await dispatch(exchange, head, self._router)

    async def _gather(self, exchange: Exchange, head: RequestHead) -> bool:
        """Take what is here of the body; False if that already ended the request."""
        limit = self._context.limits.body_size
        size = getattr(head.framing, "size", 0)
        try:
            if limit is not None and size > limit:
                message = f"a body of {size} bytes is larger than {limit}"
                raise BodyRefused(Reject(413, "content_too_large", message))
            patience = 0.0 if head.expects_continue else PATIENCE_SECONDS
            await exchange.body.gather(head.framing, patience)
        except BodyRefused as refused:
            exchange.keep = False
            await refuse(exchange, refused.reject)
            return False
        except (BodyCut, trio.BrokenResourceError):
            exchange.keep = False
            exchange.cut = True
            exchange.error = "client_gone"
            return False
        return True

    def _after(self, exchange: Exchange, now: float) -> None:
        """Decide whether the connection goes on."""
        if exchange.keep and not self._context.draining:
            self._take(Signal.ENDED)
            self._client.inbox.begin()
            due = now + self._context.timeouts.client_keep_alive
            self._due = due
            scope = self._client.scope
            if scope is not None and scope.deadline > due:
                scope.deadline = due
            return
        self._take(Signal.CLOSE)
        if exchange.cut:
            self._stream.abort()
        else:
            # Bytes that nobody will read turn a close into a reset, which may overtake the answer.
            unread = bool(self._client.inbox.data) or self._stream.is_stale()
            self._must_linger = not exchange.body.ended or unread
