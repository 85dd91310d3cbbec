"""A listener's life: accept in batches, serve each connection, stop without losing one."""

import logging
import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Protocol

import trio

from trio_lb.model.address import Address
from trio_lb.model.events import ListenerClosed, ListenerOpened, RequestShed
from trio_lb.net.env import AcceptError, Listener, Stream
from trio_lb.net.relay import linger
from trio_lb.proxy.answer_out import error_answer
from trio_lb.proxy.connection import NEWCOMER_SECONDS
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.entrance import Entrance

ACCEPT_BATCH = 1024
"""How many waiting connections are taken before others get their turn: all that wait, for a
scheduler's pass gets longer with every busy connection, and whoever is left over waits a whole
one. With 64 the last of 2,000 waited thirty passes: p99 was six times p50 instead of two."""

_ACCEPT_PAUSE_SECONDS = 0.1
_QUIET_SECONDS = 10.0
_LAST_LOOK_SECONDS = 0.001
_MAX_REFUSING = 128
"""Connections over the limit that are told so at one time; more are reset."""

_log = logging.getLogger("trio_lb.listener")


class _Pause:
    """Accepting fails: for want of descriptors, mostly. One line when it begins, one at its end.

    Who waits keeps waiting in the kernel meanwhile. At the limit it comes and goes with each
    connection that ends, so pauses soon after one that was told are not told.
    """

    def __init__(self, context: ProxyContext, where: str) -> None:
        self._context = context
        self._where = where
        self._since: float | None = None
        self._quiet_until = -math.inf

    async def wait(self, error: AcceptError, open_connections: int) -> None:
        """Let others end something before the next try."""
        now = self._context.env.now()
        if self._since is None and now >= self._quiet_until:
            self._since, self._quiet_until = now, now + _QUIET_SECONDS
            _log.warning(
                "listener %s: %s; accepting pauses while %d connections are open",
                self._where, error, open_connections,
            )  # fmt: skip
        await trio.sleep(_ACCEPT_PAUSE_SECONDS)

    def over(self) -> None:
        """Say that it goes on, if it had paused."""
        if self._since is not None:
            seconds = self._context.env.now() - self._since
            self._since = None
            _log.info("listener %s: accepting again after %.1f s", self._where, seconds)


class Guest(Protocol):
    """What serves one accepted stream: an HTTP connection, a TCP one, or one at the entrance."""

    async def run(self) -> None:
        """Serve the stream to its end, and own it."""
        ...

    def close_if_idle(self) -> None:
        """A stop has begun: end now if nothing is under way, else as soon as that has ended."""
        ...


Welcome = Callable[[Stream], Guest]
"""Makes what serves a stream; it starts nothing."""


class _Arrival:
    """A connection that is still in the entrance; then it is what ``welcome`` makes of it."""

    def __init__(
        self,
        connections: "Connections",
        entrance: Entrance,
        welcome: Welcome,
        speaks_http: bool,
        stream: Stream,
    ) -> None:
        self._connections = connections
        self._entrance = entrance
        self._welcome = welcome
        self._speaks_http = speaks_http
        self._stream = stream
        self._asks_who = entrance.asks_who
        self._guest: Guest | None = None
        self._is_closing = False
        self._patience = trio.CancelScope()

    async def run(self) -> None:
        stream = None
        with self._patience:
            stream = await self._entrance.pass_through(self._stream)
        if stream is None:
            return
        over = self._connections.identify(self, stream.peer.host) if self._asks_who else None
        if over is not None:
            await self._connections.refuse(stream, over, speaks_http=self._speaks_http)
            return
        self._guest = self._welcome(stream)
        if self._is_closing:
            self._guest.close_if_idle()
        await self._guest.run()

    def close_if_idle(self) -> None:
        """Whoever is just arriving may still say what it came for, but soon."""
        self._is_closing = True
        if self._guest is not None:
            self._guest.close_if_idle()
        else:
            soon = trio.current_time() + NEWCOMER_SECONDS
            self._patience.deadline = min(self._patience.deadline, soon)


class Connections:
    """The connections of all listeners of one balancer, counted against one limit."""

    def __init__(self, context: ProxyContext) -> None:
        self._context = context
        self._open: dict[Guest, str | None] = {}  # For whom each counts; None: for nobody yet.
        self._clients: Counter[str] = Counter()
        self._refusing = 0
        self._emptied = trio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def limit_met(self, stream: Stream, *, is_named: bool = True) -> str | None:
        """Name the limit that keeps this connection out, or None.

        Whose client has still to be named (``is_named``) is held to the limit of all.
        """
        if len(self._open) >= self._context.limits.max_connections:
            return "max_connections"
        return "per_client" if is_named and self._is_over(stream.peer.host) else None

    def _is_over(self, host: str) -> bool:
        """Whether that client has as many as it may; a unix socket's peers are nobody we know."""
        limit = self._context.limits.per_client
        if limit is None or self._clients[host] < limit:
            return False
        return not Address(host, 0).is_unix

    def admit(self, guest: Guest, stream: Stream, *, is_named: bool = True) -> None:
        """Count a connection in, before its task runs; see ``limit_met``."""
        self._open[guest] = host = stream.peer.host if is_named else None
        if host is not None:
            self._clients[host] += 1

    def identify(self, guest: Guest, host: str) -> str | None:
        """Count ``guest`` for the client that it turned out to be; name the limit that it meets."""
        self._leave(self._open[guest])
        is_over = self._is_over(host)
        self._clients[host] += 1
        self._open[guest] = host
        return "per_client" if is_over else None

    def _leave(self, host: str | None) -> None:
        if host is None:
            return
        self._clients[host] -= 1
        if not self._clients[host]:
            del self._clients[host]

    async def serve(self, guest: Guest, stream: Stream) -> None:
        """Serve an admitted connection to its end; a bug in it ends it alone, with a log line."""
        try:
            await guest.run()
        except Exception:
            _log.exception("connection from %s: internal error; it was cut", stream.peer)
        finally:
            stream.close()
            self._leave(self._open.pop(guest))
            if not self._open:
                self._emptied.set()

    async def refuse(self, stream: Stream, reason: str, *, speaks_http: bool = True) -> None:
        """Tell a connection over a limit so, quickly, and close it; reset who won't understand."""
        context = self._context
        context.bus.publish(RequestShed(at=context.env.now(), reason=reason))
        if self._refusing >= _MAX_REFUSING or not speaks_http:
            stream.abort()
            return
        self._refusing += 1
        try:
            async with stream:
                answer = error_answer(
                    503,
                    "too_many_connections",
                    "the limit of connections is reached",
                    request_id=context.env.token(16),
                    date=context.date_line(),
                    retry_after_seconds=1,
                )
                try:
                    stream.send_nowait(answer)
                    await linger(stream, 1.0)
                except trio.BrokenResourceError:
                    return
        finally:
            self._refusing -= 1

    def drain(self) -> None:
        """Close what is idle; the rest closes after its current answer."""
        for connection in list(self._open):
            connection.close_if_idle()

    async def wait_empty(self) -> None:
        """Wait until no connection is open."""
        while self._open:
            if self._emptied.is_set():
                self._emptied = trio.Event()
            await self._emptied.wait()


async def serve_listener(
    context: ProxyContext,
    listener: Listener,
    welcome: Welcome,
    connections: Connections,
    *,
    stop: trio.Event,
    entrance: Entrance | None = None,
    speaks_http: bool = True,
) -> None:
    """Accept until ``stop``, then take what still waits in the backlog, and close.

    Who is over a limit is told so if the listener ``speaks_http``, and is reset if it does
    not, or if the handshake that would have to come first was not made yet.

    Connections run in the nursery of this call, which therefore ends with the last
    one, or when it is cancelled.
    """
    is_named = entrance is None or not entrance.asks_who
    if entrance is not None:
        welcome = partial(_Arrival, connections, entrance, welcome, speaks_http)
        speaks_http = speaks_http and not entrance.is_encrypted
    address = listener.address
    pause = _Pause(context, str(address))
    context.bus.publish(ListenerOpened(at=context.env.now(), address=str(address)))
    async with trio.open_nursery() as nursery:
        accept = partial(
            _accept, listener, welcome, connections, nursery, speaks_http, is_named, pause
        )
        try:
            async with trio.open_nursery() as accepting:
                accepting.start_soon(_cancel_when, stop, accepting.cancel_scope)
                while not stop.is_set():
                    await accept()
            # Who connected before the end is served: one last, patient look at the backlog.
            with trio.move_on_after(_LAST_LOOK_SECONDS):
                await accept()
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await listener.aclose()
            context.bus.publish(ListenerClosed(at=context.env.now(), address=str(address)))


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


async def _accept(
    listener: Listener,
    welcome: Welcome,
    connections: Connections,
    nursery: trio.Nursery,
    speaks_http: bool,
    is_named: bool,
    pause: _Pause,
) -> None:
    try:
        batch = await listener.accept_batch(ACCEPT_BATCH)
    except AcceptError as error:
        await pause.wait(error, len(connections))
        return
    pause.over()
    for stream in batch:
        reason = connections.limit_met(stream, is_named=is_named)
        if reason is not None:
            refuse = partial(connections.refuse, stream, reason, speaks_http=speaks_http)
            nursery.start_soon(refuse, name=f"refusal of {stream.peer}")
        else:
            guest = welcome(stream)
            connections.admit(guest, stream, is_named=is_named)
            nursery.start_soon(connections.serve, guest, stream)
