"""An ASGI application takes its turn: a request as a scope, and two callables between.

Source: the ASGI specification 3.0, HTTP connection scope 2.4: the head waits for the first
piece of the body; ``receive`` tells of a client that left; ``send`` to one raises OSError.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import unquote

import trio

from trio_lb.proxy.inside.answer import BadAnswer
from trio_lb.proxy.inside.turn import Turn

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

ASGI: Final = {"version": "3.0", "spec_version": "2.4"}


class ClientLeft(ConnectionResetError):
    """``send`` after the client has left; ASGI asks for an OSError."""


class AsgiCall:
    """One request at an ASGI application."""

    def __init__(self, app: AsgiApp, state: Mapping[str, Any] | None, turn: Turn) -> None:
        self._app = app
        self._state = state
        self._turn = turn
        self._is_read = False

    def __call__(self) -> Awaitable[None]:
        """Call the application; whatever it returns or raises is the caller's to judge."""
        return self._app(scope_of(self._turn, self._state), self._receive, self._send)

    async def _receive(self) -> Message:
        turn = self._turn
        if self._is_read:
            await turn.ended.wait()
            return {"type": "http.disconnect"}
        piece = await turn.read()
        if piece is None:
            return {"type": "http.disconnect"}
        self._is_read = not turn.has_body
        return {"type": "http.request", "body": piece, "more_body": turn.has_body}

    async def _send(self, message: Message) -> None:
        turn = self._turn
        kind = message["type"]
        if turn.gone.is_set():
            await trio.lowlevel.checkpoint()
            raise ClientLeft("the client has left")
        if kind == "http.response.start":
            await trio.lowlevel.checkpoint()
            turn.answer.begin(message["status"], _fields(message.get("headers", ())))
        elif kind == "http.response.body":
            await self._write(message.get("body", b""), bool(message.get("more_body", False)))
        else:
            raise BadAnswer(f"{kind!r} is no message of an HTTP answer")

    async def _write(self, piece: object, more: bool) -> None:
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise BadAnswer(f"a body is bytes, not a {type(piece).__name__}")
        await write(self._turn, bytes(piece), more=more)


async def write(turn: Turn, piece: bytes, *, more: bool) -> None:
    """Send a piece of the answer's body; a stream of the application's own never looks like ours.

    Raises:
      ClientLeft: nobody is there to take it.
      BadAnswer: it does not fit.
    """
    try:
        await turn.answer.write(piece, more=more)
    except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
        turn.leave()
        raise ClientLeft("the client has left") from error


def _fields(headers: Any) -> list[tuple[bytes, bytes]]:
    try:
        return [(bytes(name), bytes(value)) for name, value in headers]
    except (TypeError, ValueError) as error:
        raise BadAnswer("headers are pairs of bytes") from error


def scope_of(turn: Turn, state: Mapping[str, Any] | None) -> Scope:
    """Describe a request as ASGI does; client and scheme are those that the balancer vouches for.

    Nobody but the balancer dials an application, so what it put in is believed.
    """
    head = turn.head
    path, _, query = head.target.partition(b"?")
    scope: Scope = {
        "type": "http",
        "asgi": dict(ASGI),
        "http_version": f"1.{head.minor}",
        "method": head.method.decode("ascii"),
        "scheme": _last(head.get(b"x-forwarded-proto")) or "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(lower, value) for lower, _, value in head.fields],
        "client": client_of(turn),
        "server": _server(head.host.decode("ascii")),
    }
    if state is not None:
        scope["state"] = dict(state)
    return scope


def client_of(turn: Turn) -> tuple[str, int] | None:
    """Return whom the balancer calls the client, None where it is told to name nobody.

    A probe is the balancer's own question: it came through no proxy, so it has no Via.
    """
    host = turn.head.get(b"x-real-ip")
    if host is None and turn.head.get(b"via") is None:
        host = b"127.0.0.1"
    return (host.decode("latin-1"), 0) if host else None


def _last(value: bytes | None) -> str:
    return (value or b"").rpartition(b",")[2].strip().decode("latin-1")


def _server(host: str) -> tuple[str, int | None] | None:
    """What the client called us: the Host field taken apart."""
    if not host:
        return None
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit():
        return name, int(port)
    return host, None
