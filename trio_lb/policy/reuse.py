"""Which idle connection to one server is used next, and which are closed.

    park -->  oldest | ........ | newest  --> take
                 |                   (a stack: the newest is the surest to be alive)
                 '--> too old, or surplus that nobody wanted for a while: to be closed

This is bookkeeping over opaque connections. Nothing is closed here: whatever must be
closed is returned, each parked connection exactly once, by ``take`` or for closing.

A server closes idle connections by a timeout of its own, and a request that is on its
way at that moment is lost. So a connection is used up to an age only: less than
``idle_seconds``, and less than the smallest age at which one was found closed
(``found_stale``). A request that must not be replayed takes no risk: it wants less than
half of that age, and less than CAREFUL_SECONDS.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import attrs

CAREFUL_SECONDS: Final = 1.0
"""Half of the shortest idle timeout that a common server has by default (gunicorn, 2 s)."""
FORGET_SECONDS: Final = 60.0
"""For so long a server's own timeout is remembered after it was last met."""
LEAST_LEARNT_SECONDS: Final = 0.05
"""Shorter ages come from restarts and crashes, which say nothing of a timeout."""

RACE_SECONDS: Final = 1.0
"""A server that had closed says so within a round trip; later, it died of something else."""

K = TypeVar("K")
"""A connection, whatever it is."""


@attrs.frozen(slots=True, kw_only=True)
class ReuseStatistics:
    """The plan now. ``learnt_seconds`` is the server's supposed idle timeout, if any."""

    idle: int
    learnt_seconds: float | None
    stale_total: int


class ReusePlan(Generic[K]):
    """The idle connections to one server.

    Above ``limit`` idle ones there is a surplus. It is not closed at once: with a
    thousand busy clients, connections come and go in bursts far above any fixed number,
    and each one closed is one opened a moment later. What stays idle for
    ``surplus_linger_seconds`` is really too much. ``hard_limit`` bounds even that.
    """

    def __init__(
        self,
        limit: int = 32,
        idle_seconds: float = 4.0,
        *,
        surplus_linger_seconds: float = 1.0,
        hard_limit: int = 1024,
    ) -> None:
        self.stale_total = 0
        self._idle: deque[tuple[float, K]] = deque()
        self._learnt_seconds: float | None = None
        self._forget_at = float("inf")
        self._surplus_linger_seconds = surplus_linger_seconds
        self._hard_limit = hard_limit
        self.configure(limit, idle_seconds)

    def configure(self, limit: int, idle_seconds: float) -> None:
        """Go by other bounds from now on, also with those that idle already."""
        self.limit = limit
        self.idle_seconds = idle_seconds
        self.surplus_linger_seconds = min(self._surplus_linger_seconds, idle_seconds)
        self.hard_limit = max(self._hard_limit, limit)
        self._set_ages()

    def __len__(self) -> int:
        return len(self._idle)

    # -- the hot path

    def park(self, conn: K, now: float) -> Sequence[K]:
        """Keep a connection that has just become idle; return what must be closed for it."""
        idle = self._idle
        idle.append((now, conn))
        if len(idle) > self.hard_limit:
            return (idle.popleft()[1],)
        return ()

    def take(self, now: float, *, idempotent: bool) -> tuple[K | None, Sequence[K]]:
        """Return the newest idle connection if it is young enough, and what must be closed.

        None means: open a fresh one. An older one that an idempotent request may still
        have stays.
        """
        if now >= self._forget_at:
            self._forget()
        idle = self._idle
        if not idle:
            return None, ()
        age_seconds = now - idle[-1][0]
        if age_seconds < (self._usable_seconds if idempotent else self._careful_seconds):
            return idle.pop()[1], ()
        if age_seconds >= self._usable_seconds:  # the newest, and so all of them
            return None, self.clear()
        return None, ()

    # -- what time and servers do

    @property
    def deadline(self) -> float | None:
        """When ``sweep`` has something to close, if nothing is taken before."""
        if not self._idle:
            return None
        return self._idle[0][0] + self._longest_seconds()

    def sweep(self, now: float) -> Sequence[K]:
        """Return every connection that is too old, and the surplus that has lingered."""
        if now >= self._forget_at:
            self._forget()
        closing: list[K] = []
        # The same sum as in ``deadline``: a difference may round to the other side.
        while self._idle and self._idle[0][0] + self._longest_seconds() <= now:
            closing.append(self._idle.popleft()[1])
        return closing

    def clear(self) -> Sequence[K]:
        """Return every connection for closing: the server goes, or all of them are too old."""
        closing = [conn for _, conn in self._idle]
        self._idle.clear()
        return closing

    def found_stale(self, idle_seconds: float, now: float, used_seconds: float = 0.0) -> None:
        """Learn that the server had closed a connection which was idle for ``idle_seconds``.

        ``used_seconds`` passed between its taking and the find: a request was under way.
        """
        self.stale_total += 1
        if used_seconds >= RACE_SECONDS:
            return
        learnt = self._learnt_seconds
        age_seconds = max(idle_seconds, LEAST_LEARNT_SECONDS)
        self._learnt_seconds = age_seconds if learnt is None else min(learnt, age_seconds)
        self._forget_at = now + FORGET_SECONDS
        self._set_ages()

    def fell_silent(self, parked_at: float) -> Sequence[K]:
        """Return for closing what idles since ``parked_at`` or longer.

        A connection that was parked then got no answer in time: a box in the middle (NAT, a
        firewall) may have forgotten it, and then it has forgotten those too.
        """
        closing: list[K] = []
        while self._idle and self._idle[0][0] <= parked_at:
            closing.append(self._idle.popleft()[1])
        return closing

    def statistics(self) -> ReuseStatistics:
        """Return the plan's present as a value."""
        return ReuseStatistics(
            idle=len(self._idle),
            learnt_seconds=self._learnt_seconds,
            stale_total=self.stale_total,
        )

    def _forget(self) -> None:
        """Try longer ages again: the server may have been changed, or only restarted."""
        self._learnt_seconds = None
        self._forget_at = float("inf")
        self._set_ages()

    def _set_ages(self) -> None:
        learnt = self._learnt_seconds if self._learnt_seconds is not None else float("inf")
        self._usable_seconds = min(self.idle_seconds, learnt)
        self._careful_seconds = min(CAREFUL_SECONDS, self._usable_seconds, learnt / 2)

    def _longest_seconds(self) -> float:
        """How old the oldest may become, as long as nothing else changes."""
        if len(self._idle) > self.limit:
            return min(self.surplus_linger_seconds, self._usable_seconds)
        return self._usable_seconds
