"""A small, honest HTTP/1.1 server that names itself: for tests, demonstrations and play.

It answers every request that h11 calls valid, reads bodies to their end, keeps
connections alive, and can be made slow, unreliable, or dead.
"""

import email.utils
import http
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

import attrs
import h11
import trio

from trio_lb.net.env import AcceptError, Env, Listener, Stream
from trio_lb.net.relay import Stalled, send_all

IDLE_SECONDS: Final = 60.0
"""How long a client may be silent."""
STALL_SECONDS: Final = 30.0
"""How long a client may take nothing."""
HEALTH_PATH: Final = "/health"

_ACCEPT_BATCH: Final = 64
_READ_BYTES: Final = 64 * 1024
_NO_DESCRIPTORS_PAUSE_SECONDS: Final = 0.1
_EVERYTHING_A_CLIENT_MAY_DO: Final = (
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    trio.TooSlowError,
    Stalled,
)


@attrs.define(slots=True)
class Behaviour:
    """How a server answers; may be changed while it runs.

    ``content`` is its name, in body and ``X-Server``. Each answer takes
    ``latency_seconds``; ``fail_fraction`` of them, drawn by lot, are 500. ``drops`` is a
    pattern that is gone through again and again: where it says True the server hangs up
    without an answer. HEALTH_PATH is spared: what is ill there rarely knows it.
    """

    content: str = "Backend Server"
    latency_seconds: float = 0.0
    fail_fraction: float = 0.0
    drops: Sequence[bool] = ()


class BackendServer:
    """One server on one listener, which it owns. ``answered`` counts its answers."""

    def __init__(self, env: Env, listener: Listener, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.answered = 0
        self._asked = 0
        self._env = env
        self._listener = listener
        self._rng = env.rng(f"backend {behaviour.content}")
        self._streams: set[Stream] = set()

    async def serve(self) -> None:
        """Serve until cancelled or crashed; its connections end with this call."""
        async with aclosing(self._listener), trio.open_nursery() as nursery:
            while await self._accept(nursery):
                pass

    async def _accept(self, nursery: trio.Nursery) -> bool:
        """Take who waits; False once the listener is closed."""
        try:
            batch = await self._listener.accept_batch(_ACCEPT_BATCH)
        except trio.ClosedResourceError:
            return False
        except AcceptError:
            await trio.sleep(_NO_DESCRIPTORS_PAUSE_SECONDS)
            return True
        for stream in batch:
            nursery.start_soon(self._converse, stream)
        return True

    async def crash(self) -> None:
        """Die as a killed process does: the port refuses, open connections are reset."""
        await self._listener.aclose()
        for stream in self._streams:
            stream.abort()

    async def _converse(self, stream: Stream) -> None:
        self._streams.add(stream)
        try:
            async with stream:
                await self._answer_all(Conversation(stream))
        except _EVERYTHING_A_CLIENT_MAY_DO:
            return
        finally:
            self._streams.discard(stream)

    async def _answer_all(self, conversation: "Conversation") -> None:
        while True:
            try:
                request = await conversation.next_request()
            except h11.RemoteProtocolError as error:
                await self._refuse(conversation, error)
                return
            if request is None:
                return
            await trio.sleep(self.behaviour.latency_seconds)
            if self._drops(request):
                return
            await self._answer(conversation, self._status_for(request))

    def _drops(self, request: h11.Request) -> bool:
        if request.target == HEALTH_PATH.encode():
            return False
        self._asked += 1
        pattern = self.behaviour.drops
        return bool(pattern) and pattern[(self._asked - 1) % len(pattern)]

    def _status_for(self, request: h11.Request) -> int:
        if request.method == b"CONNECT":
            return 405  # 200 would promise a tunnel.
        return 500 if self._rng.random() < self.behaviour.fail_fraction else 200

    async def _refuse(self, conversation: "Conversation", error: h11.RemoteProtocolError) -> None:
        if conversation.may_answer:
            await self._answer(conversation, error.error_status_hint)

    async def _answer(self, conversation: "Conversation", status: int) -> None:
        self.answered += 1
        text = self.behaviour.content if status == 200 else f"{status} {self.behaviour.content}"
        body = f"{text}\n".encode()
        headers = [
            ("Date", email.utils.formatdate(self._env.wall(), usegmt=True)),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("X-Server", _header_value(self.behaviour.content)),
        ]
        await conversation.answer(status, headers, body)


class Conversation:
    """One connection: h11's state machine over a stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._h11 = h11.Connection(h11.SERVER)
        self._method = b""

    @property
    def may_answer(self) -> bool:
        """Whether an answer can still begin."""
        return self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    async def next_request(self) -> h11.Request | None:
        """Read a request and drop its body; None when the client is done.

        Raises:
          h11.RemoteProtocolError: it is not HTTP/1.1.
          trio.TooSlowError: the client was silent for IDLE_SECONDS.
        """
        if self._h11.our_state in (h11.MUST_CLOSE, h11.ERROR):
            return None
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
        request = None
        while True:
            event = await self._next_event()
            match event:
                case h11.Request():
                    request = event
                    self._method = event.method
                case h11.EndOfMessage():
                    return request
                case h11.ConnectionClosed() | h11.PAUSED:
                    return None

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            if self._h11.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            with trio.fail_after(IDLE_SECONDS):
                self._h11.receive_data(await self._stream.receive_some(_READ_BYTES))
        assert not isinstance(event, type) or event is h11.PAUSED
        return event

    async def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send a whole answer; one to HEAD speaks of its body and does not have it."""
        reason = http.HTTPStatus(status).phrase
        head = h11.Response(status_code=status, headers=headers, reason=reason)
        content = [] if self._method == b"HEAD" else [h11.Data(data=body)]
        await self._send(head, *content, h11.EndOfMessage())

    async def _send(self, *events: h11.Event) -> None:
        data = b"".join(self._h11.send(event) or b"" for event in events)
        await send_all(self._stream, data, STALL_SECONDS)


def _header_value(text: str) -> str:
    """A name may be anything; a header's value is visible ASCII."""
    return "".join(char if " " <= char <= "~" else "?" for char in text).strip()
