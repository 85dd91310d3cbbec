"""A WebSocket of an ASGI server, carried to a WebSocket server as messages.

    the client <-- ASGI messages --> forward <-- frames on ``lb.connect`` --> a server

The server's word counts: what it accepts is accepted, with its subprotocol; what it refuses
is refused with its status where the ASGI server can say so. Pings end here and there, as
everywhere between two hops. Compression is not offered: ASGI's messages are bare.
"""

from collections import deque
from typing import Any, Final

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    TextMessage,
)
from wsproto.events import Request as Opening
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from trio_lb.app import LoadBalancer
from trio_lb.asgi.reverse_proxy import Message, Receive, Scope, Send, client_of
from trio_lb.net.env import Stream
from trio_lb.net.relay import Stalled, send_all

LARGEST_MESSAGE_BYTES: Final = 16 * 2**20
"""ASGI wants messages whole, so one of them is held; what is larger ends the WebSocket (1009)."""

FAREWELL_SECONDS: Final = 5.0
"""How long a server may take to answer the Close of a client that has left."""

_HANDSHAKE: Final = frozenset({b"host", b"connection", b"upgrade", b"content-length"})
_READ_BYTES: Final = 64 * 1024
_LARGEST_REFUSAL_BYTES: Final = 64 * 1024
_STALL_SECONDS: Final = 30.0
_NORMAL, _NO_STATUS, _CUT, _TOO_LARGE, _FAILED = 1000, 1005, 1006, 1009, 1011
_REFUSABLE: Final = "websocket.http.response"


async def forward(
    lb: LoadBalancer, pool: str, target: str, scope: Scope, receive: Receive, send: Send
) -> None:
    """Carry one WebSocket until it is over; the client's going or the server's ends it."""
    await receive()  # websocket.connect
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    try:
        stream = lb.connect(client_of(scope), pool=pool, scheme=scheme)
    except trio.ClosedResourceError:
        await send({"type": "websocket.close", "code": _FAILED, "reason": "the proxy has ended"})
        return
    async with stream:
        chat = _Chat(stream, scope, receive, send)
        try:
            if await chat.open(target):
                await chat.carry()
        except OSError:
            return  # The client has left: so ``send`` says it.


class _Chat:
    """Frames on ``stream``, messages towards the ASGI server."""

    def __init__(self, stream: Stream, scope: Scope, receive: Receive, send: Send) -> None:
        self._stream = stream
        self._scope = scope
        self._receive = receive
        self._send = send
        self._frames = WSConnection(ConnectionType.CLIENT)
        self._events: deque[Event] = deque()
        self._parts: list[Any] = []
        self._size = 0
        self._client_left = False

    # ------------------------------------------------------------------ frames

    async def _next_event(self) -> Event | None:
        """Await what the server says next; None when it says nothing more, or nonsense."""
        while not self._events:
            try:
                data = await self._stream.receive_some(_READ_BYTES)
                if not data:
                    return None
                self._frames.receive_data(data)
                self._events += self._frames.events()
            except (trio.BrokenResourceError, RemoteProtocolError):
                return None
        return self._events.popleft()

    async def _say(self, event: Event) -> bool:
        """Send a frame; False when the server is not there to take it."""
        try:
            await send_all(self._stream, self._frames.send(event), _STALL_SECONDS)
        except (trio.BrokenResourceError, Stalled, LocalProtocolError):
            return False
        return True

    # ------------------------------------------------------------------ the opening

    async def open(self, target: str) -> bool:
        """Ask the server, and tell the client what it said; whether it accepted."""
        headers = [(bytes(name).lower(), bytes(value)) for name, value in self._scope["headers"]]
        host = next((value for name, value in headers if name == b"host"), b"localhost")
        opening = Opening(
            host=host.decode("latin-1"),
            target=target,
            subprotocols=list(self._scope.get("subprotocols", ())),
            extra_headers=[(name, value) for name, value in headers if _passes(name)],
        )
        await self._say(opening)
        event = await self._next_event()
        if isinstance(event, AcceptConnection):
            await self._send(
                {
                    "type": "websocket.accept",
                    "subprotocol": event.subprotocol,
                    "headers": list(event.extra_headers),
                }
            )
            return True
        await self._refuse(event if isinstance(event, RejectConnection) else None)
        return False

    async def _refuse(self, rejection: RejectConnection | None) -> None:
        if rejection is None or _REFUSABLE not in self._scope.get("extensions", {}):
            await self._send({"type": "websocket.close", "code": _NORMAL})
            return
        body = b""
        while rejection.has_body and len(body) <= _LARGEST_REFUSAL_BYTES:
            event = await self._next_event()
            if not isinstance(event, RejectData) or event.body_finished:
                break
            body += event.data
        await self._send(
            {
                "type": "websocket.http.response.start",
                "status": rejection.status_code,
                "headers": [(n, v) for n, v in rejection.headers if _passes(bytes(n).lower())],
            }
        )
        await self._send({"type": "websocket.http.response.body", "body": body})

    # ------------------------------------------------------------------ the messages

    async def carry(self) -> None:
        """Carry messages both ways until one side is gone."""
        left: OSError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._carry_up, nursery.cancel_scope, name="a WebSocket's client")
            try:
                await self._carry_down()
            except OSError as error:
                left = error
                await self._say(CloseConnection(code=_NORMAL))
            nursery.cancel_scope.cancel()
        if left is not None:
            raise left

    async def _carry_up(self, scope: trio.CancelScope) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self._client_left = True
                scope.deadline = trio.current_time() + FAREWELL_SECONDS
                await self._say(CloseConnection(code=_sayable(message.get("code"))))
                return
            if not await self._say(_event_of(message)):
                return  # The other task learns of the server's end, and tells.

    async def _carry_down(self) -> None:
        while True:
            event = await self._next_event()
            if self._client_left and (event is None or isinstance(event, CloseConnection)):
                return
            if event is None:
                await self._close(_FAILED, "the server is gone")
                return
            if isinstance(event, CloseConnection):
                await self._say(event.response())
                await self._close(_sayable(event.code), event.reason or "")
                return
            if isinstance(event, Ping):
                await self._say(event.response())
            elif isinstance(event, TextMessage | BytesMessage) and not await self._take(event):
                await self._say(CloseConnection(code=_TOO_LARGE))
                await self._close(_TOO_LARGE, "a message is too large")
                return

    async def _take(self, event: TextMessage | BytesMessage) -> bool:
        """Join the pieces of a message and pass it on; False when it is too large."""
        self._parts.append(event.data)
        self._size += len(event.data)
        if self._size > LARGEST_MESSAGE_BYTES:
            return False
        if event.message_finished and not self._client_left:
            is_text = isinstance(event, TextMessage)
            whole = "".join(self._parts) if is_text else b"".join(map(bytes, self._parts))
            self._parts, self._size = [], 0
            await self._send({"type": "websocket.send", "text" if is_text else "bytes": whole})
        return True

    async def _close(self, code: int, reason: str) -> None:
        await self._send({"type": "websocket.close", "code": code, "reason": reason})


def _passes(lower: bytes) -> bool:
    """Whether a field is the message's, and none of the handshake of one hop."""
    return lower not in _HANDSHAKE and not lower.startswith(b"sec-websocket-")


def _event_of(message: Message) -> TextMessage | BytesMessage:
    text = message.get("text")
    return BytesMessage(data=message["bytes"]) if text is None else TextMessage(data=text)


def _sayable(code: int | None) -> int:
    """A status that may stand in a Close frame (RFC 6455 section 7.4.1)."""
    return _NORMAL if code is None or code in (_NO_STATUS, _CUT) else int(code)
