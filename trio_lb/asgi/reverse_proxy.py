"""An ASGI application that forwards what it gets: HTTP through ``lb.route``, WebSockets too.

    app = Starlette(routes=[Route("/own", own), Mount("/", app=ReverseProxy(lb))])

Source: the ASGI specification 3.0 (HTTP and WebSocket 2.4, lifespan 2.0). Bodies stream both
ways, each side at the other's pace. The client that the server names is the one that limits
and servers see. A client that leaves takes its request with it.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

import trio

from trio_lb.app import LoadBalancer
from trio_lb.config.schema import DEFAULT_POOL
from trio_lb.model.address import Address
from trio_lb.model.errors import RequestCut
from trio_lb.model.request import Request
from trio_lb.model.response import Response

Message = Any
"""As servers and applications type it: each in its own way."""
Scope = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_SAFE: Final = "/:@!$&'()*+,;=~%-._"

_log = logging.getLogger("trio_lb.asgi")


class ReverseProxy:
    """Forwards every request to the servers of one pool of ``lb``.

    The path goes on as the client sent it; with ``strip_root_path``, without the prefix
    under which this application is mounted.
    """

    def __init__(
        self, lb: LoadBalancer, *, pool: str = DEFAULT_POOL, strip_root_path: bool = False
    ) -> None:
        self._lb = lb
        self._pool = pool
        self._strips = strip_root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope.

        Raises:
          RuntimeError: the server does not run on trio.
          RequestCut: the answer was cut after its head; the server cuts the client, too.
          ValueError: this kind of scope is not known here.
        """
        _check_is_on_trio()
        kind = scope["type"]
        if kind == "http":
            await _Forwarded(self._lb, self._pool, scope, receive, send).run(self._target(scope))
        elif kind == "websocket":
            from trio_lb.asgi.websocket import forward  # Only who speaks it pays for it.

            await forward(self._lb, self._pool, self._target(scope), scope, receive, send)
        elif kind == "lifespan":
            await _live(receive, send)
        else:
            raise ValueError(f"trio_lb.asgi.ReverseProxy serves no scope of type {kind!r}")

    def _target(self, scope: Scope) -> str:
        """The request target as the client sent it, as far as the server still knows."""
        raw = scope.get("raw_path")
        path = quote(scope["path"], safe=_SAFE) if raw is None else raw.decode("latin-1")
        path = path.partition("?")[0]
        if self._strips:
            path = path.removeprefix(quote(scope.get("root_path", ""), safe=_SAFE))
        query = scope.get("query_string", b"").decode("latin-1")
        return (path or "/") + (f"?{query}" if query else "")


def _check_is_on_trio() -> None:
    try:
        trio.lowlevel.current_task()
    except RuntimeError as error:
        message = "trio_lb.asgi.ReverseProxy needs a server on trio (hypercorn --worker-class trio)"
        raise RuntimeError(message) from error


async def _live(receive: Receive, send: Send) -> None:
    """The balancer's life is its owner's: there is nothing to start or stop here."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


class ClientLeft(Exception):
    """The server said that the client is gone."""


def client_of(scope: Scope) -> Address | None:
    """Who the server says is the client; None behind a unix socket."""
    client = scope.get("client")
    return None if not client else Address(client[0], client[1] or 0)


def fields_of(scope: Scope) -> list[tuple[str, str]]:
    """The header lines as text."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]


def raw(response: Response) -> list[tuple[bytes, bytes]]:
    """Header lines as ASGI wants them."""
    return [
        (name.lower().encode("ascii"), value.encode("latin-1"))
        for name, value in response.headers.pairs()
    ]


class _Upload:
    """The client's body, piece by piece, as the server hands it over."""

    def __init__(self, receive: Receive) -> None:
        self.ended = trio.Event()
        self._receive = receive
        self._first: bytes | None = None

    async def begin(self) -> bytes | None:
        """Wait for the first piece; return it if it is the whole."""
        piece = await self._next()
        if self.ended.is_set():
            return piece
        self._first = piece
        return None

    def __aiter__(self) -> "_Upload":
        return self

    async def __anext__(self) -> bytes:
        if (first := self._first) is not None:
            self._first = None
            return first
        if self.ended.is_set():
            raise StopAsyncIteration
        return await self._next()

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        if not message.get("more_body", False):
            self.ended.set()
        piece: bytes = message.get("body", b"")
        return piece


class _Forwarded:
    """One HTTP request of an ASGI server."""

    def __init__(
        self, lb: LoadBalancer, pool: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._lb = lb
        self._pool = pool
        self._scope = scope
        self._receive = receive
        self._send = send
        self._upload = _Upload(receive)

    async def run(self, target: str) -> None:
        """Forward it; a client that leaves ends it in peace."""
        cut: RequestCut | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, nursery.cancel_scope, name="the client of a request")
            try:
                await self._forward(target)
            except RequestCut as error:
                cut = error
            except (ClientLeft, OSError) as error:
                _log.debug("a client has left: %r", error)
            nursery.cancel_scope.cancel()
        if cut is not None:
            raise cut

    async def _watch(self, scope: trio.CancelScope) -> None:
        """Once the request is complete, the next word of the server is that the client left."""
        await self._upload.ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def _forward(self, target: str) -> None:
        whole = await self._upload.begin()
        scope = self._scope
        body = self._upload if whole is None else whole
        try:
            request = Request(scope["method"], target, fields_of(scope), body, client_of(scope))
        except ValueError as error:
            await self._say(400, f"{error}\n")
            return
        try:
            scheme = scope.get("scheme", "http")
            response = await self._lb.route(request, pool=self._pool, scheme=scheme)
        except RequestCut:
            await self._say(503, "the proxy was stopped\n")
            return
        except trio.ClosedResourceError:
            await self._say(503, "the proxy has ended\n")
            return
        async with response:
            await self._relay(response)

    async def _relay(self, response: Response) -> None:
        await self._send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": raw(response),
            }
        )
        async for piece in response:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _say(self, status: int, text: str) -> None:
        await self._relay(Response(status, {"Content-Length": str(len(text.encode()))}, text))
