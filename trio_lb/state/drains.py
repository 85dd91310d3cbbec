"""Drains: the servers of one pool that finish their requests, and when each is due.

A server drains because a person asked for it, and stays a member; or because the plan
does not name it any more, and is gone when its drain has ended. Which of the two it is,
the pool says: ``on_end(server, now)`` is asked once for each drain that has ended, and
the events that it returns are told after the drain's own.
"""

from collections.abc import Callable

from trio_lb.model.events import Event
from trio_lb.policy.drain import DrainState
from trio_lb.state.server import Server


class Drains:
    """Whose drains have not ended yet; each server's state is its ``DrainMachine``'s."""

    __slots__ = ("_draining", "_on_end")

    def __init__(self, on_end: Callable[[Server, float], list[Event]]) -> None:
        self._on_end = on_end
        self._draining: dict[Server, None] = {}

    @property
    def deadline(self) -> float | None:
        """When the next drain ends: at once if it is empty, else at its limit."""
        instants = (server.drain.deadline for server in self._draining)
        return min((at for at in instants if at is not None), default=None)

    def start(self, server: Server, now: float, expires_at: float | None) -> list[Event]:
        """Let ``server`` finish what it has, until ``expires_at``; idle, it is done at once."""
        told = server.drain.start(now, expires_at=expires_at, in_flight=server.active_connections)
        self._draining[server] = None
        return told + self._complete(server, now)

    def resume(self, server: Server) -> None:
        """Call a drain off, whether it is over or not."""
        server.drain.resume()
        self._draining.pop(server, None)

    def on_deadline(self, now: float) -> list[Event]:
        """End the drains that are due, in the order of their beginning."""
        told: list[Event] = []
        for server in tuple(self._draining):
            told += self._complete(server, now)
        return told

    def _complete(self, server: Server, now: float) -> list[Event]:
        told = server.drain.on_deadline(now)
        if server.drain.state is DrainState.DRAINING:
            return told
        del self._draining[server]
        return told + self._on_end(server, now)
