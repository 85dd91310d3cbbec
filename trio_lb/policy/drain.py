"""Drain of one server: it finishes its old requests and takes no new ones.

               START               EMPTIED, EXPIRED
    ACTIVE ------------> DRAINING ------------------> DRAINED
      ^                     |                            |
      '------- RESUME ------'---------- RESUME ----------'

Rule 1: the state changes only in `_take`, only as TRANSITIONS says.
Rule 2: the last request's end makes the drain *due*; the next `on_deadline` completes it.
        So whoever releases a lease needs neither a clock nor a way to publish: it only
        wakes the timer, which runs in the same instant.
Rule 3: a drain without a deadline waits for its last request, however long that takes.
"""

import enum
from collections.abc import Mapping
from typing import Any, Final

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event, ServerDrained, ServerDraining


class DrainState(enum.Enum):
    """How far a server's leave-taking has come."""

    ACTIVE = "active"
    DRAINING = "draining"
    DRAINED = "drained"


class Signal(enum.Enum):
    """What can happen to a drain."""

    START = "asked to drain"
    EMPTIED = "the last request ended"
    EXPIRED = "the deadline passed"
    RESUME = "taken back into rotation"


TRANSITIONS: Final[Mapping[DrainState, Mapping[Signal, DrainState]]] = {
    DrainState.ACTIVE: {Signal.START: DrainState.DRAINING},
    DrainState.DRAINING: {
        Signal.EMPTIED: DrainState.DRAINED,
        Signal.EXPIRED: DrainState.DRAINED,
        Signal.RESUME: DrainState.ACTIVE,
    },
    DrainState.DRAINED: {Signal.RESUME: DrainState.ACTIVE},
}

AT_ONCE: Final = float("-inf")
"""The deadline of a drain that has nothing left to wait for."""


class DrainMachine:
    """Whether one server is leaving; satisfies ``Machine``."""

    __slots__ = ("_emptied", "_expires_at", "pool", "server_id", "state")

    def __init__(self, pool: str, server_id: str) -> None:
        self.pool = pool
        self.server_id = server_id
        self.state = DrainState.ACTIVE
        self._expires_at: float | None = None
        self._emptied = False

    @property
    def is_active(self) -> bool:
        """Whether the server takes new requests, as far as its drain is concerned."""
        return self.state is DrainState.ACTIVE

    @property
    def deadline(self) -> float | None:
        """At once when empty, else the drain's own limit; None unless DRAINING."""
        if self.state is not DrainState.DRAINING:
            return None
        return AT_ONCE if self._emptied else self._expires_at

    @property
    def expires_at(self) -> float | None:
        """When patience ends, or None: it never does, or nothing drains."""
        return self._expires_at

    def start(self, now: float, *, expires_at: float | None, in_flight: int) -> list[Event]:
        """Take no new requests from now on, and wait for the ``in_flight`` ones.

        Asking again while DRAINING only moves the limit.
        """
        if self.state is DrainState.DRAINED:
            return []
        self._expires_at = expires_at
        self._emptied = in_flight == 0
        if self.state is DrainState.DRAINING:
            return []
        self._take(Signal.START)
        return [
            ServerDraining(at=now, pool=self.pool, server_id=self.server_id, deadline=expires_at)
        ]

    def emptied(self) -> None:
        """The last request ended: what is left to do is due now."""
        self._emptied = True

    def resume(self) -> None:
        """Go back into rotation, whether the drain is over or not; harmless while ACTIVE."""
        if self.state is not DrainState.ACTIVE:
            self._take(Signal.RESUME)
        self._expires_at = None
        self._emptied = False

    def on_deadline(self, now: float) -> list[Event]:
        """Complete the drain when it is empty or out of patience (then not ``clean``)."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return []
        clean = self._emptied
        self._take(Signal.EMPTIED if clean else Signal.EXPIRED)
        return [ServerDrained(at=now, pool=self.pool, server_id=self.server_id, clean=clean)]

    def snapshot(self) -> Mapping[str, Any]:
        """Return state and limit; whether it is empty is for the restorer's counts to say."""
        return {"state": self.state.value, "expires_at": self._expires_at}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``snapshot`` was taken."""
        self.state = DrainState(state.get("state", self.state.value))
        self._expires_at = state.get("expires_at", self._expires_at)

    def _take(self, signal: Signal) -> None:
        try:
            self.state = TRANSITIONS[self.state][signal]
        except KeyError:
            raise IllegalTransition(
                f"drain of {self.pool}/{self.server_id}: {signal.name} while {self.state.name}"
            ) from None
