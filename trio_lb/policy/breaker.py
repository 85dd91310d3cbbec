"""Circuit breaker of one server: stops requests that would fail, then tries with care.

                   TRIPPED, HELD                   PAUSED
        CLOSED -------------------> OPEN --------------------> HALF_OPEN
          ^ ^                       |  ^                         |    |
          | '------- RELEASED ------'  '---- RELAPSED, HELD -----'    |
          '------------------- PROVED, RELEASED ----------------------'

Closed means that requests flow, as in a circuit. Requests tell the breaker how they
ended; health checks do not.

Rule 1: the state changes only in `_take`, only as TRANSITIONS says, and every change
        begins all counts anew. A result counts only in the state in which its attempt
        began (`began_at`): stragglers of a state that is over prove nothing of the next.
Rule 2: CLOSED trips at ``failure_threshold`` failures in a row, or when a share of at
        least ``threshold`` of the last ``interval`` failed and it held ``min_requests``.
Rule 3: OPEN lasts ``timeout`` exactly; each further opening without a recovery between
        lasts ``backoff`` times longer, up to ``max_timeout``, and is spread by ``jitter``.
        Recovered is who answers well after being closed for as long as it was open last.
Rule 4: HALF_OPEN lets ``max_half_open`` trials in at a time. ``success_threshold`` good
        ones close it, one bad one opens it again; one without a verdict only ends.
Rule 5: OPEN without ``until`` is held by a person; only a person ends that.
Rule 6: nothing waits or reads a clock: `now` comes in; `deadline` and events go out.
"""

import enum
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import (
    CircuitBreakerHalfOpened,
    CircuitBreakerOpened,
    CircuitBreakerReset,
    Event,
)
from trio_lb.model.rng import Rng
from trio_lb.policy.breaker_settings import MANUAL_ONLY, BreakerSettings
from trio_lb.policy.window import ShareWindow


class BreakerState(enum.StrEnum):
    """Whether requests flow; each member equals its word, for people and for REST."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Signal(enum.Enum):
    """What moves it."""

    TRIPPED = "requests failed too often"
    PAUSED = "it has been open long enough"
    PROVED = "enough trials went well"
    RELAPSED = "a trial failed"
    HELD = "a person opened it"
    RELEASED = "a person closed or reset it"


TRANSITIONS: Final[Mapping[BreakerState, Mapping[Signal, BreakerState]]] = {
    BreakerState.CLOSED: {
        Signal.TRIPPED: BreakerState.OPEN,
        Signal.HELD: BreakerState.OPEN,
    },
    BreakerState.OPEN: {
        Signal.PAUSED: BreakerState.HALF_OPEN,
        Signal.HELD: BreakerState.OPEN,
        Signal.RELEASED: BreakerState.CLOSED,
    },
    BreakerState.HALF_OPEN: {
        Signal.PROVED: BreakerState.CLOSED,
        Signal.RELAPSED: BreakerState.OPEN,
        Signal.HELD: BreakerState.OPEN,
        Signal.RELEASED: BreakerState.CLOSED,
    },
}

BUCKETS: Final = 20
"""The ratio form looks back at least 95 % of its interval and never beyond it."""

# Looked up once a request: a global is cheaper than a member of an enum.
_CLOSED: Final = BreakerState.CLOSED


@attrs.frozen(slots=True, kw_only=True)
class BreakerStatistics:
    """A breaker at an instant. ``since`` and ``reason`` tell of its last change, if any.

    ``until`` is None unless it will half-open by itself. ``requests`` and ``failures``
    are those of the ratio form's interval, as of the last result. ``trials`` are in
    flight. ``openings_total`` counts since the start, those by hand too.
    """

    state: BreakerState
    since: float | None
    until: float | None
    reason: str
    consecutive_failures: int
    requests: int
    failures: int
    trials: int
    openings_total: int


class Breaker:
    """The breaker of one server; satisfies ``Machine``.

    ``state`` is public for reading: whoever picks servers asks it for each request.
    """

    __slots__ = (
        "_consecutive_failures",
        "_counts_from",
        "_entered_at",
        "_good_trials",
        "_open_seconds",
        "_reason",
        "_recovers_at",
        "_threshold",
        "_trials",
        "_until",
        "_window",
        "config",
        "openings_total",
        "pool",
        "server_id",
        "state",
    )

    def __init__(self, pool: str, server_id: str, config: BreakerSettings = MANUAL_ONLY) -> None:
        self.pool = pool
        self.server_id = server_id
        self.state = BreakerState.CLOSED
        self.openings_total = 0
        self._entered_at: float | None = None
        # Attempts that began earlier do not count; while OPEN, none does.
        self._counts_from = -math.inf
        self._until: float | None = None
        self._reason = ""
        self._consecutive_failures = 0
        self._good_trials = 0
        self._trials = 0
        # How long it was open last, before jitter; 0 when it has recovered since.
        self._open_seconds = 0.0
        self._recovers_at = 0.0
        # Of the ratio form; None while it is off.
        self._window: ShareWindow | None = None
        self._threshold = 0.0
        self.configure(config)

    def configure(self, config: BreakerSettings) -> None:
        """Go on under other thresholds; the state stays, and so does an opening's end."""
        self.config = config
        if not config.enabled or config.threshold is None:
            self._window = None
            return
        self._threshold = config.threshold
        if self._window is None or self._window.span_seconds != config.interval:
            self._window = ShareWindow(config.interval, BUCKETS)

    # -- what others ask

    @property
    def may_try(self) -> bool:
        """Whether a request may go to the server now; in HALF_OPEN it is then a trial."""
        if self.state is _CLOSED:
            return True
        return self.state is BreakerState.HALF_OPEN and self._trials < self.config.max_half_open

    @property
    def deadline(self) -> float | None:
        """When it half-opens; None unless it is OPEN by itself."""
        return self._until

    @property
    def is_held(self) -> bool:
        """Whether a person opened it, so that it stays open."""
        return self.state is BreakerState.OPEN and self._until is None

    def statistics(self) -> BreakerStatistics:
        """Return the breaker's present as a value."""
        return BreakerStatistics(
            state=self.state,
            since=self._entered_at,
            until=self._until,
            reason=self._reason,
            consecutive_failures=self._consecutive_failures,
            requests=self._window.requests if self._window else 0,
            failures=self._window.failures if self._window else 0,
            trials=self._trials,
            openings_total=self.openings_total,
        )

    # -- what happens: requests

    def observe(
        self, failed: bool, now: float, began_at: float, rng: Rng | None = None
    ) -> Sequence[Event]:
        """Count the verdict on an attempt that began at ``began_at`` and ended at ``now``.

        Attempts without a verdict (abandoned, stale) are not told. With ``rng`` a further
        opening is jittered.
        """
        if began_at < self._counts_from:
            return ()
        if self.state is not _CLOSED:
            return self._tried(failed, now, rng)
        window = self._window
        if window is not None:
            window.count(failed, now)
        if failed:
            self._consecutive_failures += 1
            return self._judge(now, rng)
        self._consecutive_failures = 0
        if self._open_seconds and now >= self._recovers_at:
            self._open_seconds = 0.0
        # A success may complete the number from which on a share counts.
        if window is not None and window.failures >= self._threshold * window.requests:
            return self._judge(now, rng)
        return ()

    def begin_trial(self) -> None:
        """Take a permit of HALF_OPEN; whoever does gives it back with ``end_trial``.

        Raises:
          IllegalTransition: no permit is free, or none is needed: ``may_try`` was not asked.
        """
        if self.state is _CLOSED or not self.may_try:
            raise IllegalTransition(f"{self!r}: a trial while {self._trials} are in flight")
        self._trials += 1

    def end_trial(self) -> None:
        """Give a permit back, whatever became of the trial and of the breaker meanwhile.

        Raises:
          IllegalTransition: more trials ended than began.
        """
        if not self._trials:
            raise IllegalTransition(f"{self!r}: the end of a trial that never began")
        self._trials -= 1

    # -- what happens: time and people

    def on_deadline(self, now: float) -> list[Event]:
        """Half-open when the time has come."""
        if self._until is None or now < self._until:
            return []
        self._take(Signal.PAUSED, now, "its time is up")
        return [CircuitBreakerHalfOpened(at=now, pool=self.pool, server_id=self.server_id)]

    def open_by_hand(self, now: float) -> list[Event]:
        """Let nothing through until a person closes or resets it."""
        if self.is_held:
            return []
        return [self._open(Signal.HELD, now, "manual", None)]

    def close_by_hand(self, now: float) -> list[Event]:
        """Let requests through at once and forget the past, earlier openings too."""
        self._open_seconds = 0.0
        if self.state is BreakerState.CLOSED:
            self._begin_anew(now)
            return []
        return self._close(Signal.RELEASED, now, "manual")

    def reset(self, now: float) -> list[Event]:
        """Hand it back to its own judgement, from CLOSED; it remembers how long it was open."""
        if self.state is BreakerState.CLOSED:
            return []
        return self._close(Signal.RELEASED, now, "manual")

    # -- verdicts

    def _judge(self, now: float, rng: Rng | None) -> Sequence[Event]:
        """Rule 2: trip, if either form says so."""
        reason = self._why_trip()
        if reason is None:
            return ()
        return [self._open(Signal.TRIPPED, now, reason, self._pause_seconds(rng))]

    def _why_trip(self) -> str | None:
        config, window = self.config, self._window
        most = config.failure_threshold if config.enabled else None
        if most is not None and self._consecutive_failures >= most:
            return f"{self._consecutive_failures} failures in a row"
        if window is None or not window.failures or window.requests < config.min_requests:
            return None
        if window.failures < self._threshold * window.requests:
            return None
        return f"{window.failures} of {window.requests} requests failed"

    def _tried(self, failed: bool, now: float, rng: Rng | None) -> Sequence[Event]:
        """Rule 4."""
        if failed:
            pause_seconds = self._pause_seconds(rng)
            return [self._open(Signal.RELAPSED, now, "a trial failed", pause_seconds)]
        self._good_trials += 1
        if self._good_trials < self.config.success_threshold:
            return ()
        return self._close(Signal.PROVED, now, f"{self._good_trials} trials went well")

    def _pause_seconds(self, rng: Rng | None) -> float:
        """Rule 3; the memory is of the unjittered time, or chance would feed on itself."""
        config = self.config
        if not self._open_seconds:
            self._open_seconds = config.timeout
            return config.timeout
        longer = min(self._open_seconds * config.backoff, config.max_timeout)
        self._open_seconds = max(longer, config.timeout)
        spread = config.jitter * rng.random() if rng is not None and config.jitter else 0.0
        return self._open_seconds * (1.0 + spread)

    # -- changes of state

    def _open(self, signal: Signal, now: float, reason: str, seconds: float | None) -> Event:
        self._take(signal, now, reason)
        self._until = None if seconds is None else now + seconds
        self.openings_total += 1
        return CircuitBreakerOpened(
            at=now,
            pool=self.pool,
            server_id=self.server_id,
            reason=reason,
            until=self._until,
        )

    def _close(self, signal: Signal, now: float, reason: str) -> list[Event]:
        self._take(signal, now, reason)
        self._recovers_at = now + self._open_seconds
        return [
            CircuitBreakerReset(at=now, pool=self.pool, server_id=self.server_id, reason=reason)
        ]

    def _take(self, signal: Signal, now: float, reason: str) -> None:
        new = TRANSITIONS[self.state].get(signal)
        if new is None:
            raise IllegalTransition(f"{self!r}: {signal.name} in {self.state.name}")
        self.state = new
        self._until = None
        self._reason = reason
        self._begin_anew(now)

    def _begin_anew(self, now: float) -> None:
        """Rule 1: what is known from now on. Permits stay: their holders give them back."""
        self._entered_at = now
        self._counts_from = self._first_instant_that_counts()
        self._consecutive_failures = 0
        self._good_trials = 0
        if self._window is not None:
            self._window.clear()

    def __repr__(self) -> str:
        return f"<Breaker of {self.pool}/{self.server_id} {self.state.name}>"

    # -- how it outlives a reload

    def snapshot(self) -> Mapping[str, Any]:
        """Return everything but thresholds, and permits: those belong to who holds them."""
        return {
            "state": self.state.value,
            "entered_at": self._entered_at,
            "until": self._until,
            "reason": self._reason,
            "consecutive_failures": self._consecutive_failures,
            "good_trials": self._good_trials,
            "open_seconds": self._open_seconds,
            "recovers_at": self._recovers_at,
            "openings_total": self.openings_total,
            "window": None if self._window is None else self._window.snapshot(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``snapshot`` was taken; a missing key keeps what is there."""
        self.state = BreakerState(state.get("state", self.state.value))
        self._entered_at = state.get("entered_at", self._entered_at)
        self._until = state.get("until", self._until)
        self._reason = state.get("reason", self._reason)
        self._consecutive_failures = state.get("consecutive_failures", self._consecutive_failures)
        self._good_trials = state.get("good_trials", self._good_trials)
        self._open_seconds = state.get("open_seconds", self._open_seconds)
        self._recovers_at = state.get("recovers_at", self._recovers_at)
        self.openings_total = state.get("openings_total", self.openings_total)
        self._counts_from = self._first_instant_that_counts()
        if self._window is not None and state.get("window"):
            self._window.restore(state["window"])

    def _first_instant_that_counts(self) -> float:
        if self.state is BreakerState.OPEN:
            return math.inf
        return -math.inf if self._entered_at is None else self._entered_at
