"""Middleware: the program's own code around each request, in the order in which it was given.

    client --> first --> second --> servers          async def first(request, context, call_next):
           <--       <--        <--                      response = await call_next()
                                                         return response

Each may look at the request, change it, answer it itself, call ``call_next`` again, or look
at the response, which streams. The whole is one request in the books. What middleware
raises, returns or fails to return ends its request with a 500 or a 504 and disturbs no other.
A request for another protocol (a WebSocket) may be refused here; once it is let through, its
answer goes straight to the client.
"""

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import trio

from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError, Problem, RequestCut
from trio_lb.model.message import Reject, RequestHead, Unsized
from trio_lb.model.request import Request
from trio_lb.model.response import Response
from trio_lb.proxy.dispatch import Router, dispatch
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.failure import ClientGone
from trio_lb.proxy.inner import ClientBody, InnerExchange, NewBody, head_of
from trio_lb.proxy.respond import refuse
from trio_lb.proxy.response_out import send_response
from trio_lb.state.server import Server

if TYPE_CHECKING:
    from trio_lb.app.balancer import LoadBalancer

_LAST_WORDS_SECONDS = 1.0

_FAULT = Reject(500, "middleware_error", "the request failed inside the proxy")
_LATE = Reject(504, "middleware_timeout", "the request was not dealt with in time")

_log = logging.getLogger("trio_lb.middleware")


class CallNext(Protocol):
    """Goes on to the next middleware, or to the servers behind the last."""

    async def __call__(self, request: Request | None = None) -> Response:
        """Go on with ``request`` (the one given, if None); the response's body streams.

        Raises:
          RequestCut: there is no answer: the client left, or the balancer stops.
          RuntimeError: the request's body is gone, or the request has ended.
          ValueError: the request was changed into one that can't be sent.
        """
        ...


Middleware = Callable[[Request, "MiddlewareContext", CallNext], Awaitable[Response]]
"""One of the program's own steps around each request."""


class MiddlewareContext:
    """What is known of one request; all its middleware share it.

    ``state`` is theirs to fill. ``request_id`` is the one that servers and logs see.
    """

    def __init__(self, lb: "LoadBalancer", exchange: Exchange) -> None:
        self.lb = lb
        self.state: dict[str, object] = {}
        self.client = _client_of(exchange)
        self.request_id = exchange.id
        self._exchange = exchange

    @property
    def server(self) -> Server | None:
        """Who answered, once ``call_next`` has returned; None before, and if nobody did."""
        return self._exchange.server

    @property
    def pool(self) -> str | None:
        """The name of the pool that took the request, once ``call_next`` has returned."""
        return self._exchange.pool

    @property
    def attempts(self) -> int:
        """How many attempts at servers have ended."""
        return self._exchange.attempts


def _client_of(exchange: Exchange) -> Address:
    """The client, of which a trusted proxy in front of us tells no port."""
    peer, host = exchange.client.stream.peer, exchange.client_address
    return peer if host == peer.host else Address(host, 0)


class Chain:
    """All middleware of one balancer; satisfies ``proxy.context.Around``."""

    def __init__(self, lb: "LoadBalancer", middleware: Sequence[Middleware]) -> None:
        """Stand around the requests of ``lb``.

        Raises:
          ConfigError: one is nothing that can be called.
        """
        given: Sequence[object] = middleware
        wrong = [at for at, each in enumerate(given) if not callable(each)]
        if wrong:
            message = "is not callable: write async def step(request, context, call_next)"
            raise ConfigError([Problem(f"middleware[{at}]", message) for at in wrong])
        self._lb = lb
        self._steps = tuple(middleware)

    async def answer(self, exchange: Exchange, head: RequestHead, router: Router) -> None:
        """End the exchange; never raises for what middleware, a client or a server did."""
        exchange.client.take_time()
        async with trio.open_nursery() as nursery:
            visit = _Visit(self._lb, self._steps, exchange, head, router, nursery)
            await visit.run()


class _Visit:
    """One request among the middleware."""

    def __init__(
        self,
        lb: "LoadBalancer",
        steps: Sequence[Middleware],
        exchange: Exchange,
        head: RequestHead,
        router: Router,
        nursery: trio.Nursery,
    ) -> None:
        self._steps = steps
        self._exchange = exchange
        self._head = head
        self._router = router
        self._nursery = nursery
        self._context = MiddlewareContext(lb, exchange)
        self._client_body = ClientBody(exchange, head)
        self._patience = trio.CancelScope()
        self._inner: list[InnerExchange] = []
        self._given: Response | None = None  # What the servers' side gave last, as it was given.
        self._passed: list[Response] = []
        self._is_over = False

    async def run(self) -> None:
        """Let the middleware decide, and answer as they said."""
        exchange = self._exchange
        try:
            await self._decide_and_send()
        except RequestCut:
            await self._cut_short()
        except ClientGone:
            self._cut("client_gone")
        except Exception:
            _log.exception("request %s: middleware failed; its client is told 500", exchange.id)
            await self._refuse(_FAULT)
        finally:
            self._is_over = True
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _LAST_WORDS_SECONDS):
                for response in self._passed:
                    await self._close(response)
                for inner in self._inner:
                    await inner.finish()  # At once: it was read to its end, or is cancelled.
            self._nursery.cancel_scope.cancel()

    async def _decide_and_send(self) -> None:
        exchange = self._exchange
        self._expect_within(exchange.timeouts.total)
        response = None
        with self._patience:
            response = await self._step(0, self._request())
        if response is None:
            _log.warning("request %s: middleware did not answer in time", exchange.id)
            await self._refuse(_LATE)
        elif not self._is_answered:  # Else the answer to an upgrade has gone to the client.
            exchange.is_ours = not self._inner
            await send_response(exchange, self._head, response)
            await self._close(response)
            inner = self._inner[-1].exchange if self._inner else None
            if inner is not None and response is self._given and response.status == inner.status:
                exchange.error = inner.error

    def _request(self) -> Request:
        head, client = self._head, self._context.client
        fields = [(name.decode(), value.decode("latin-1")) for _, name, value in head.fields]
        body = b"" if head.framing is Unsized.NO_BODY else self._client_body
        request = Request(head.method.decode(), head.target.decode(), fields, body, client)
        if head.host:
            request.headers["Host"] = head.host.decode("ascii")  # The authority that counts.
        return request

    async def _step(self, at: int, request: Request) -> Response:
        """Call the middleware of this place; behind the last stand the servers."""
        if at == len(self._steps):
            return await self._go_on(request)

        given = request

        async def call_next(request: Request | None = None) -> Response:
            return await self._step(at + 1, given if request is None else request)

        response: object = await self._steps[at](request, self._context, call_next)
        if not isinstance(response, Response):
            step = getattr(self._steps[at], "__qualname__", self._steps[at])
            raise TypeError(f"middleware {step} returned {response!r}, not a trio_lb.Response")
        self._passed.append(response)
        return response

    # ------------------------------------------------------------------ towards the servers

    async def _go_on(self, request: Request) -> Response:
        if self._is_over:
            raise RuntimeError("call_next() was called after its request had ended")
        self._patience.deadline = math.inf  # From here on the servers' timeouts count.
        try:
            if self._head.upgrade is not None:
                return await self._switch(request)
            self._given = await self._ask(request)
            return self._given
        finally:
            self._expect_within(self._exchange.timeouts.total)

    async def _ask(self, request: Request) -> Response:
        new = self._new_body(request)
        framing = self._head.framing if new is None else new.framing
        head = head_of(request, self._head, framing)
        body = self._client_body.lend() if new is None else await new.open(self._nursery)
        # One task may read from the client: it does who began first, or who reads its body.
        is_free = not any(inner.watches_client for inner in self._inner)
        watches = is_free and not self._client_body.is_being_read
        inner = InnerExchange(self._exchange, head, body, watches=watches)
        self._inner.append(inner)
        self._nursery.start_soon(inner.run, self._router, name=f"request {self._exchange.id}")
        try:
            return await inner.answer()
        except RequestCut as error:
            cut = error
        await inner.finish()
        raise cut if new is None or new.failure is None else new.failure

    def _new_body(self, request: Request) -> NewBody | None:
        """What stands in the place of the client's body, if anything does."""
        had_none = self._head.framing is Unsized.NO_BODY
        if request.body is self._client_body or (had_none and request.body == b""):
            return None
        return NewBody(request, self._exchange)

    async def _switch(self, request: Request) -> Response:
        """Let an upgrade through: from here on client and server speak directly."""
        if self._is_answered:
            raise RuntimeError("an upgrade can be let through once")
        head = head_of(request, self._head, self._head.framing)
        await dispatch(self._exchange, head, self._router)
        status = self._exchange.status
        if not status:
            raise RequestCut("the client left before its upgrade was answered")
        return Response(status)

    # ------------------------------------------------------------------ ends

    @property
    def _is_answered(self) -> bool:
        return self._exchange.status > 0

    def _expect_within(self, seconds: float) -> None:
        self._patience.deadline = trio.current_time() + seconds

    async def _close(self, response: Response) -> None:
        """Let go of what a response comes from, which may be a generator of middleware's."""
        try:
            await response.aclose()
        except Exception:
            _log.exception("request %s: the body of a response failed to close", self._exchange.id)

    async def _refuse(self, reject: Reject) -> None:
        if self._is_answered:
            self._cut(reject.code)
        else:
            await refuse(self._exchange, reject)

    async def _cut_short(self) -> None:
        """No answer came, or not all of it: of two ends that failed, name the right one."""
        reject = self._client_body.reject
        error = self._inner[-1].exchange.error if self._inner else None
        if reject is not None:
            await self._refuse(reject)
        elif error is None and self._client_body.is_begun:
            self._cut("client_gone")
        elif self._is_answered and error != "client_gone":
            self._exchange.keep = False
            self._exchange.error = error or _FAULT.code
            # A length or a missing last chunk shows it; HTTP/1.0 has nothing but a reset.
            self._exchange.cut = self._head.minor == 0
        else:
            self._cut(error or "client_gone")

    def _cut(self, error: str) -> None:
        exchange = self._exchange
        exchange.keep = False
        exchange.cut = True
        exchange.error = exchange.error or error
