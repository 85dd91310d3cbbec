"""Connections to servers: made on demand, kept while idle, never trusted blindly.

Which idle connection may be used, and for how long one is kept, is decided by
``policy.reuse``; here its answers are carried out. A connection is looked at just
before it is used again: silence is the only state in which it may carry a request
(RFC 9112 section 6.3: bytes that arrive early belong to no request of ours).
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

from trio_lb.model.address import Address, Ends
from trio_lb.model.events import Event
from trio_lb.net.env import ConnectError, Env, Stream
from trio_lb.net.inbox import Appetite, Inbox
from trio_lb.policy.reuse import ReusePlan, ReuseStatistics

Dial = Callable[[Any, Address, Ends | None], Awaitable[Stream]]
"""Opens a stream to the server that a key and its address stand for, on behalf of a client."""


class UpstreamConnection:
    """One connection to a server, with the bytes that it sent and nobody read yet.

    It is its own context manager: ``with connection:`` around an exchange parks it
    afterwards when ``is_reusable`` was set, and closes it otherwise. One that
    ``is_private`` carries requests of one client only, so it is never parked.
    """

    __slots__ = (
        "_home",
        "idle_since",
        "inbox",
        "is_complete",
        "is_fresh",
        "is_private",
        "is_reusable",
        "stream",
        "taken_at",
    )

    def __init__(
        self,
        stream: Stream,
        home: "ServerConnections",
        first_read: int,
        appetite: Appetite | None = None,
    ) -> None:
        self._home = home
        self.stream = stream
        self.inbox = Inbox(stream, first_read, appetite)
        self.is_fresh = True
        self.is_private = False
        self.is_reusable = False
        self.is_complete = False
        self.idle_since = self.taken_at = 0.0

    def was_stale(self) -> None:
        """Tell the pool that this connection, reused, died before its answer began."""
        self._home.died(self)

    def fell_silent(self) -> None:
        """Tell the pool that no answer began on it in time; fresh, it says nothing of others."""
        if not self.is_fresh:
            self._home.fell_silent(self)

    def __enter__(self) -> Self:
        """Begin an exchange: until told otherwise, it spoils the connection."""
        self.is_reusable = self.is_complete = False
        self.inbox.begin()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Park it; or close it, with a reset if the exchange was not complete."""
        if self.is_reusable and not self.is_private:
            self._home.park(self)
        elif self.is_complete or self.is_reusable:
            self.stream.close()
        else:
            self.stream.abort()


class ServerConnections:
    """The connections to one server.

    The timer serves its ``deadline``; it is told only when the deadline comes to lie
    before the next look: with the first connection, and when a surplus begins.
    """

    def __init__(
        self,
        env: Env,
        dial: Callable[[Ends | None], Awaitable[Stream]],
        *,
        idle_limit: int,
        idle_seconds: float,
        first_read: int,
        on_due: Callable[["ServerConnections"], None],
        make_room: Callable[[], bool] = lambda: False,
        appetite: Appetite | None = None,
    ) -> None:
        self._env = env
        self._dial = dial
        self._make_room = make_room
        self._appetite = appetite
        self._first_read = first_read
        self._on_due = on_due
        self._is_closed = False
        self._next_look = math.inf  # When the timer looks here next, whatever it finds.
        self._plan: ReusePlan[UpstreamConnection] = ReusePlan(
            limit=idle_limit, idle_seconds=idle_seconds
        )

    async def connect(self, client: Ends | None = None) -> UpstreamConnection:
        """Open a new connection; if it names its ``client``, it is private to it.

        Without a descriptor for it, idle connections give theirs up: somebody waits.

        Raises:
          ConnectError: see ``Network.connect``.
        """
        try:
            stream = await self._dial(client)
        except ConnectError as error:
            if not (error.ours and self._make_room()):
                raise
            stream = await self._dial(client)
        connection = UpstreamConnection(stream, self, self._first_read, self._appetite)
        connection.is_private = client is not None
        return connection

    def take(self, now: float, *, idempotent: bool) -> UpstreamConnection | None:
        """Return an idle connection that was quiet just now, or None: open a new one."""
        while True:
            connection, expired = self._plan.take(now, idempotent=idempotent)
            if expired:
                _close(expired)
            if connection is None:
                return None
            if not connection.stream.is_stale():
                connection.taken_at = now
                return connection
            connection.stream.close()
            self._plan.found_stale(now - connection.idle_since, now)

    def park(self, connection: UpstreamConnection) -> None:
        """Keep a connection whose last exchange ended cleanly."""
        if self._is_closed:
            connection.stream.close()
            return
        now = self._env.now()
        connection.is_fresh = False
        connection.idle_since = now
        expired = self._plan.park(connection, now)
        if expired:
            _close(expired)
        self._look_by_then()

    def _look_by_then(self) -> None:
        """Have the timer look here by the deadline, if its next look comes later."""
        due = self._plan.deadline
        if due is not None and due < self._next_look:
            self._next_look = due
            self._on_due(self)

    def configure(self, *, idle_limit: int, idle_seconds: float, first_read: int) -> None:
        """Go by another plan: bounds count at once, buffers for new connections."""
        self._first_read = first_read
        self._plan.configure(idle_limit, idle_seconds)
        self._look_by_then()

    def died(self, connection: UpstreamConnection) -> None:
        """Learn from a reused connection that died before its answer began."""
        now, taken_at = self._env.now(), connection.taken_at
        self._plan.found_stale(taken_at - connection.idle_since, now, now - taken_at)

    def fell_silent(self, connection: UpstreamConnection) -> None:
        """Close what has been idle for at least as long as a reused connection without answer."""
        _close(self._plan.fell_silent(connection.idle_since))

    @property
    def deadline(self) -> float | None:
        """When the next idle connection has been idle for too long."""
        return self._plan.deadline

    def on_deadline(self, now: float) -> Sequence[Event]:
        """Close what has been idle for too long."""
        _close(self._plan.sweep(now))
        due = self._plan.deadline
        self._next_look = math.inf if due is None else due
        return ()

    def let_go(self) -> int:
        """Close every idle connection now; return how many there were."""
        idle = self._plan.clear()
        _close(idle)
        return len(idle)

    def close(self) -> None:
        """Close every idle connection now, and each busy one when its exchange has ended."""
        self._is_closed = True
        self.let_go()

    def statistics(self) -> ReuseStatistics:
        """Return how many connections idle, and what was learnt of the server's patience."""
        return self._plan.statistics()


def _close(connections: Sequence[UpstreamConnection]) -> None:
    for connection in connections:
        connection.stream.close()


class ConnectionPools:
    """The connections to every server; closing it closes what idles.

    ``on_due`` is told of a server's pool whose deadline comes before the timer's next
    look at it. ``dial`` makes the streams; without it they are the network's own.
    """

    def __init__(
        self,
        env: Env,
        *,
        idle_limit: int,
        idle_seconds: float,
        first_read: int,
        on_due: Callable[["ServerConnections"], None],
        dial: Dial | None = None,
    ) -> None:
        self._env = env
        self._dial = dial or self._connect
        self._on_due = on_due
        self._appetite = Appetite()
        self._by_key: dict[object, ServerConnections] = {}
        self.configure(idle_limit=idle_limit, idle_seconds=idle_seconds, first_read=first_read)

    def configure(self, *, idle_limit: int, idle_seconds: float, first_read: int) -> None:
        """Go by other bounds, with the servers that are known and with those that come."""
        self._idle_limit = idle_limit
        self._idle_seconds = idle_seconds
        self._first_read = first_read
        for connections in self._by_key.values():
            connections.configure(
                idle_limit=idle_limit, idle_seconds=idle_seconds, first_read=first_read
            )

    def __len__(self) -> int:
        """How many servers' connections are known, open ones or not."""
        return len(self._by_key)

    def of(self, key: object, address: Address) -> ServerConnections:
        """Return the connections of the server that ``key`` stands for."""
        connections = self._by_key.get(key)
        if connections is None:
            connections = self._by_key[key] = ServerConnections(
                self._env,
                partial(self._dial, key, address),
                idle_limit=self._idle_limit,
                idle_seconds=self._idle_seconds,
                first_read=self._first_read,
                on_due=self._on_due,
                make_room=self._make_room,
                appetite=self._appetite,
            )
        return connections

    def _make_room(self) -> bool:
        """Close whatever idles, at every server; whether that was anything."""
        return sum(each.let_go() for each in self._by_key.values()) > 0

    async def _connect(self, key: object, address: Address, client: Ends | None) -> Stream:
        return await self._env.network.connect(address)

    def forget(self, key: object) -> None:
        """Close what idles for a server that left its pool, and keep nothing more for it."""
        if connections := self._by_key.pop(key, None):
            connections.close()

    async def __aenter__(self) -> Self:
        """Own every idle connection for a block."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every idle connection."""
        for connections in self._by_key.values():
            connections.close()
        self._by_key.clear()
