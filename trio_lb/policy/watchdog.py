"""Watchdog of the event loop: is every task kept waiting, for how long, and what follows.

                  STALLED              GIVEN_UP
    ON_TIME ------------------> STUCK ----------> LOST
      | ^ ^--------- BEAT --------'                |
      '-'<------------------ BEAT -----------------'

One task beats once in ``period_seconds`` and says when it will beat next. Somebody
outside of the loop looks at that promise now and then.

Rule 1: the state changes only in `_take`, only as TRANSITIONS says.
Rule 2: nothing waits or reads a clock, and nothing needs a lock: ``beat`` is the loop's
        and writes the promise alone; ``look`` is the outsider's and writes all the rest.
Rule 3: an outsider who comes late himself has seen nothing: the process was stopped, or
        the machine was busy or asleep. What he saw before counts no more.
"""

import enum
import math
from collections.abc import Mapping
from typing import Final, Protocol

import attrs

from trio_lb.model.errors import IllegalTransition

BEATS_A_WARNING: Final = 2
"""Beats in ``warn_after``: a stall of that length meets at least one."""
LOOK_SECONDS: Final = 1.0
"""How often a loop that is stuck is looked at: often enough to notice that we, too, stood still."""


class LoopState(enum.Enum):
    """What is thought of the loop."""

    ON_TIME = "on time"
    STUCK = "stuck"
    LOST = "lost"


class Signal(enum.Enum):
    """What changes the mind."""

    BEAT = "it ran"
    STALLED = "it did not run for alarm_after"
    GIVEN_UP = "it did not run for exit_after"


TRANSITIONS: Final[Mapping[LoopState, Mapping[Signal, LoopState]]] = {
    LoopState.ON_TIME: {Signal.BEAT: LoopState.ON_TIME, Signal.STALLED: LoopState.STUCK},
    LoopState.STUCK: {Signal.BEAT: LoopState.ON_TIME, Signal.GIVEN_UP: LoopState.LOST},
    LoopState.LOST: {Signal.BEAT: LoopState.ON_TIME},
}


class WatchdogSettings(Protocol):
    """What the machine needs to know; ``config.schema.WatchdogConfig`` is one. All in seconds."""

    @property
    def warn_after(self) -> float:
        """A stall worth a line, once it is over."""
        ...

    @property
    def alarm_after(self) -> float:
        """A stall worth a look at the stack, while it lasts."""
        ...

    @property
    def exit_after(self) -> float | None:
        """A stall after which there is no hope; None: never."""
        ...


@attrs.frozen(slots=True)
class WatchdogStatistics:
    """Stalls of at least ``warn_after`` since the start."""

    stalls: int
    longest_seconds: float


class Watchdog:
    """See the module. ``settings`` may be assigned anew at any time.

    ``due`` is the promise: when the loop will beat next. ``look_at`` is when to look.
    """

    def __init__(self, settings: WatchdogSettings, now: float) -> None:
        self.settings = settings
        self.state = LoopState.ON_TIME
        self.due = now
        self.look_at = now
        self._stalls = 0
        self._longest_seconds = 0.0
        self._seen_due = now
        self._since = now

    @property
    def period_seconds(self) -> float:
        """How often to beat."""
        return self.settings.warn_after / BEATS_A_WARNING

    def statistics(self) -> WatchdogStatistics:
        """Return the stalls so far."""
        return WatchdogStatistics(self._stalls, self._longest_seconds)

    def beat(self, now: float) -> float | None:
        """Note that the loop runs; return for how long it did not (seconds), if that is news."""
        late_seconds = now - self.due
        self.due = now + self.period_seconds
        if late_seconds < self.settings.warn_after:
            return None
        self._stalls += 1
        self._longest_seconds = max(self._longest_seconds, late_seconds)
        return late_seconds

    def look(self, now: float) -> LoopState | None:
        """Look at the loop from outside; return the state that has just begun, if it is bad."""
        due, before = self.due, self.state
        if due != self._seen_due:
            self._take(Signal.BEAT)
            self._since = self._seen_due = due
        if now - self.look_at >= self.settings.warn_after:
            self._since = max(self._since, now)
        if self.state is LoopState.ON_TIME and now >= self._stuck_at:
            self._take(Signal.STALLED)
        if self.state is LoopState.STUCK and now >= self._lost_at:
            self._take(Signal.GIVEN_UP)
        self.look_at = self._next_look(now)
        is_bad = self.state is not LoopState.ON_TIME
        return self.state if is_bad and self.state is not before else None

    def stalled_seconds(self, now: float) -> float:
        """How long the loop has not run, as far as was seen."""
        return max(0.0, now - self._since)

    @property
    def _stuck_at(self) -> float:
        return self._since + self.settings.alarm_after

    @property
    def _lost_at(self) -> float:
        exit_after = self.settings.exit_after
        return math.inf if exit_after is None else self._since + exit_after

    def _next_look(self, now: float) -> float:
        if self.state is LoopState.ON_TIME:
            return self._stuck_at
        soon = now + LOOK_SECONDS
        return min(soon, self._lost_at) if self.state is LoopState.STUCK else soon

    def _take(self, signal: Signal) -> None:
        new = TRANSITIONS[self.state].get(signal)
        if new is None:
            raise IllegalTransition(f"watchdog: {signal.name} in {self.state.name}")
        self.state = new
