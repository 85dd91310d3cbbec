"""Active health of one server: what its probes, or a person, say of it.

                ROSE                 FELL
    UNKNOWN ----------> HEALTHY <-----------> UNHEALTHY
       |                            ROSE          ^
       '------------------------------------------'
                            FELL

Rule 1: the state changes only in `_take`, only as TRANSITIONS says.
Rule 2: the first check decides alone; after it `rise` good checks in a row make the
        server healthy and `fall` bad ones in a row make it unhealthy. One check of the
        other kind begins the count anew, so a single lost probe flips nothing. Where
        no other server is left, one good check is enough (``urgent``).
Rule 3: a person's word (`override`) stands beside the state, not in it: probes go on
        counting below, and when the word is taken back their verdict is up to date.
Rule 4: events tell changes of the effective verdict, so a probe that disagrees with an
        override publishes nothing.

A pool without probes needs no machine: its servers are usable at once. Where such a
pool wants overrides all the same, the machine begins as HEALTHY (``initial``).
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from trio_lb.model.events import Event, ServerHealthChanged
from trio_lb.model.step import Step


class HealthState(Step):
    """What the checks say; the value is the word for people and for REST."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Signal(Step):
    """What a run of checks can mean."""

    ROSE = "enough good checks in a row"
    FELL = "enough bad checks in a row"


TRANSITIONS: Final[Mapping[HealthState, Mapping[Signal, HealthState]]] = {
    HealthState.UNKNOWN: {Signal.ROSE: HealthState.HEALTHY, Signal.FELL: HealthState.UNHEALTHY},
    HealthState.HEALTHY: {Signal.FELL: HealthState.UNHEALTHY},
    HealthState.UNHEALTHY: {Signal.ROSE: HealthState.HEALTHY},
}


@attrs.frozen(slots=True)
class HealthThresholds:
    """How many checks in a row convince; HAProxy's ``rise`` and ``fall``, both >= 1.

    ``history_size`` checks are remembered for the status page and the mean latency.
    """

    rise: int = 2
    fall: int = 3
    history_size: int = 20


@attrs.frozen(slots=True)
class CheckResult:
    """How one check ended. ``detail`` says why it failed; latency is None when unmeasured.

    ``refused`` tells a server that refused the connection, and so is dead for certain,
    from one that failed otherwise; ``unasked``, that the check could not be made for want of
    something in this process, which is no evidence. ``details`` are what a probe of the
    user's own told.
    """

    ok: bool
    latency_seconds: float | None = None
    detail: str = ""
    refused: bool = False
    unasked: bool = False
    details: Mapping[str, object] = attrs.Factory(dict)


@attrs.frozen(slots=True)
class CheckRecord:
    """A check of the past, at its monotonic instant."""

    at: float
    result: CheckResult


@attrs.frozen(slots=True, kw_only=True)
class HealthStatistics:
    """The machine at one instant, for status pages.

    ``state`` is the effective verdict. ``average_latency_seconds`` is the mean over the
    good checks of the history: a failed check's time is the timeout's, not the server's.
    """

    state: HealthState
    overridden: bool
    last_check_at: float | None
    consecutive_successes: int
    consecutive_failures: int
    average_latency_seconds: float | None
    last_error: str | None


class HealthMachine:
    """Counts the checks of one server; satisfies ``Machine`` and never asks for a call."""

    deadline: Final[float | None] = None

    def __init__(
        self,
        pool: str,
        server_id: str,
        config: HealthThresholds = HealthThresholds(),
        *,
        initial: HealthState = HealthState.UNKNOWN,
    ) -> None:
        self.pool = pool
        self.server_id = server_id
        self.config = config
        self.consecutive_successes = 0
        self.consecutive_failures = 0
        self.last_error: str | None = None
        self.history: deque[CheckRecord] = deque(maxlen=config.history_size)
        self._state = initial
        self._override: bool | None = None

    # -- what others ask

    @property
    def state(self) -> HealthState:
        """The effective verdict: the override while there is one, else what checks found."""
        if self._override is None:
            return self._state
        return HealthState.HEALTHY if self._override else HealthState.UNHEALTHY

    @property
    def found(self) -> HealthState:
        """What the checks say, whether or not a person says otherwise."""
        return self._state

    @property
    def is_usable(self) -> bool:
        """Whether requests may go to the server."""
        return self.state is HealthState.HEALTHY

    @property
    def is_overridden(self) -> bool:
        """Whether a person's word stands above the checks."""
        return self._override is not None

    @property
    def in_transition(self) -> bool:
        """Some but not enough checks disagree with the state: time to look more often."""
        if self._state is HealthState.HEALTHY:
            return self.consecutive_failures > 0
        return self._state is HealthState.UNHEALTHY and self.consecutive_successes > 0

    def statistics(self) -> HealthStatistics:
        """Return the machine's present as a value."""
        return HealthStatistics(
            state=self.state,
            overridden=self.is_overridden,
            last_check_at=self.history[-1].at if self.history else None,
            consecutive_successes=self.consecutive_successes,
            consecutive_failures=self.consecutive_failures,
            average_latency_seconds=self._average_latency_seconds(),
            last_error=self.last_error,
        )

    def _average_latency_seconds(self) -> float | None:
        latencies = list(self._good_latencies())
        return sum(latencies) / len(latencies) if latencies else None

    def _good_latencies(self) -> Iterator[float]:
        for record in self.history:
            if record.result.ok and record.result.latency_seconds is not None:
                yield record.result.latency_seconds

    # -- what happens to it

    def observe(self, check: CheckResult, now: float, *, urgent: bool = False) -> list[Event]:
        """Count one check that ended at ``now``; return the change of verdict, if any.

        ``urgent`` says that nobody else can serve: then one good check is enough, since
        a server that may flap is better than none.
        """
        before = self.state
        self._count(check, now)
        signal = self._signal(1 if urgent else self.config.rise)
        if signal is None:
            return []
        reason = self._reason(check)
        self._take(signal)
        return self._changed(before, now, reason)

    def override(self, healthy: bool | None, now: float, *, reason: str = "manual") -> list[Event]:
        """Put a person's word above the checks, until None takes it back."""
        before = self.state
        self._override = healthy
        return self._changed(before, now, reason)

    def on_deadline(self, now: float) -> list[Event]:
        """Do nothing: checks come from outside, so nothing is ever due."""
        return []

    def _count(self, check: CheckResult, now: float) -> None:
        self.history.append(CheckRecord(now, check))
        if check.ok:
            self.consecutive_successes += 1
            self.consecutive_failures = 0
        else:
            self.consecutive_failures += 1
            self.consecutive_successes = 0
            self.last_error = check.detail or "check failed"

    def _signal(self, rise: int) -> Signal | None:
        """What the counts mean in this state; None while they prove nothing new."""
        first = self._state is HealthState.UNKNOWN
        if self.consecutive_successes >= (1 if first else rise):
            signal = Signal.ROSE
        elif self.consecutive_failures >= (1 if first else self.config.fall):
            signal = Signal.FELL
        else:
            return None
        return signal if signal in TRANSITIONS[self._state] else None

    def _take(self, signal: Signal) -> None:
        self._state = TRANSITIONS[self._state][signal]

    # -- how it tells

    def _reason(self, check: CheckResult) -> str:
        count = self.consecutive_successes if check.ok else self.consecutive_failures
        verb = "passed" if check.ok else "failed"
        if self._state is HealthState.UNKNOWN:
            text = f"first check {verb}"
        else:
            text = f"{count} {'check' if count == 1 else 'checks'} {verb}"
        return text if check.ok or not check.detail else f"{text}: {check.detail}"

    def _changed(self, before: HealthState, now: float, reason: str) -> list[Event]:
        if self.state is before:
            return []
        return [
            ServerHealthChanged(
                at=now,
                pool=self.pool,
                server_id=self.server_id,
                is_healthy=self.is_usable,
                reason=reason,
            )
        ]

    # -- how it outlives a reload

    def snapshot(self) -> Mapping[str, Any]:
        """Return everything but the thresholds, which a reload may change."""
        return {
            "state": self._state.value,
            "override": self._override,
            "consecutive_successes": self.consecutive_successes,
            "consecutive_failures": self.consecutive_failures,
            "last_error": self.last_error,
            "history": [
                (each.at, each.result.ok, each.result.latency_seconds, each.result.detail)
                for each in self.history
            ],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``snapshot`` was taken; a missing key keeps what is there."""
        self._state = HealthState(state.get("state", self._state.value))
        self._override = state.get("override", self._override)
        self.consecutive_successes = state.get("consecutive_successes", self.consecutive_successes)
        self.consecutive_failures = state.get("consecutive_failures", self.consecutive_failures)
        self.last_error = state.get("last_error", self.last_error)
        checks: Sequence[tuple[Any, ...]] = state.get("history", ())
        self.history.extend(CheckRecord(at, CheckResult(*result)) for at, *result in checks)
