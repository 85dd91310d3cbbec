"""Whether a failed attempt is tried again, where, and when.

    how it ended               who may try again      where, when
    ------------------------------------------------------------------------------
    stale connection           safe                   same server, fresh connection, now;
                                                      once a request, no budget, no count
    never reached the server   anybody                another server, now
    could not even try (ours)  anybody                another server, after a backoff
    reset, closed, timeout     safe                   another server, after a backoff;
                                                      after silence on a fresh connection
    answered (any status),     nobody
      malformed, cut short,
      abandoned

*Safe* is a request that is idempotent, or of which no byte was sent (RFC 9110 section
9.2.2: a proxy must not repeat others on its own). Whatever the row, the body must still
be at hand and the deadline must leave room; all rows but the first take a try of
``max_retries`` and one from the budget. With one server left, it is tried again itself,
after the backoff. An answer is an answer: a 500 was made by code that ran, and one that
is malformed has to become a 502 (RFC 9112 section 6.3), not another try.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import attrs

from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.model.rng import Rng

IDEMPOTENT_METHODS: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
"""RFC 9110 section 9.2.2. An unknown method is not."""

_FINAL: Final[Mapping[OutcomeKind, str]] = {
    OutcomeKind.ANSWERED: "answered",
    OutcomeKind.BAD_RESPONSE: "the answer was malformed",
    OutcomeKind.TRUNCATED: "the answer had begun",
    OutcomeKind.ABANDONED: "abandoned",
}


class RetrySettings(Protocol):
    """What the policy needs to know; ``config.schema.RetryConfig`` is one."""

    @property
    def max_retries(self) -> int:
        """Tries after the first one, >= 0."""
        ...

    @property
    def base_delay(self) -> float:
        """Seconds; the longest wait before the first retry."""
        ...

    @property
    def max_delay(self) -> float:
        """Seconds; no wait is longer."""
        ...


class Budget(Protocol):
    """What the policy asks of a budget; ``RetryBudget`` is one."""

    def try_spend(self, now: float) -> bool:
        """Take one retry, or refuse."""
        ...


@attrs.frozen(slots=True)
class Retry:
    """Try again after ``delay_seconds``.

    ``fresh_connection`` forbids a reused one. ``same_server`` keeps the server: for a
    stale connection, or because there is no other. ``is_replay`` marks the one that takes
    nothing of ``max_retries``: ``stale_replays`` counts it, and no other.
    """

    delay_seconds: float
    fresh_connection: bool
    same_server: bool
    reason: str
    is_replay: bool = False


@attrs.frozen(slots=True)
class GiveUp:
    """Tell the client; ``reason`` is for the log."""

    reason: str


@attrs.frozen(slots=True)
class RetryPolicy:
    """The rules above, for one pool's settings. It holds no state."""

    config: RetrySettings

    def decide(
        self,
        outcome: Outcome,
        *,
        attempts: int,
        stale_replays: int,
        idempotent: bool,
        replayable: bool,
        another_server: Callable[[], bool],
        now: float,
        deadline: float | None,
        budget: Budget | None,
        rng: Rng,
    ) -> Retry | GiveUp:
        """Decide what follows the attempt that ended with ``outcome``.

        Args:
          attempts: how many were made, this one and stale replays included, >= 1.
          stale_replays: how many of them replayed a stale connection.
          replayable: whether the body (if any) can be sent again from its start.
          another_server: whether there is one that this request has not tried; asked only
            where that matters, since to look for one takes a turn of the rotation.
          deadline: the instant at which the request's time ends, or None.
          budget: asked last, so that nothing is spent in vain; None never refuses.
        """
        refusal = self._refusal(outcome, idempotent, replayable)
        if refusal is not None:
            return GiveUp(refusal)
        if outcome.kind is OutcomeKind.STALE and not stale_replays:
            replay = Retry(0.0, True, True, outcome.kind.value, is_replay=True)
            return _in_time(replay, now, deadline)
        return self._counted(
            outcome, attempts - stale_replays, another_server, now, deadline, budget, rng
        )

    def _refusal(self, outcome: Outcome, idempotent: bool, replayable: bool) -> str | None:
        """Why this request must not be sent again, whatever else holds."""
        final = _FINAL.get(outcome.kind)
        if final is not None:
            return final
        if not (idempotent or outcome.is_connect_failure or not outcome.sent):
            return f"{outcome.kind.value}, and the method is not idempotent"
        return None if replayable else f"{outcome.kind.value}, and the body is gone"

    def _counted(
        self,
        outcome: Outcome,
        tries: int,
        another_server: Callable[[], bool],
        now: float,
        deadline: float | None,
        budget: Budget | None,
        rng: Rng,
    ) -> Retry | GiveUp:
        if tries > self.config.max_retries:
            return GiveUp(f"{outcome.kind.value}, and no retry is left")
        elsewhere = another_server()
        at_once = elsewhere and outcome.is_connect_failure
        delay_seconds = 0.0 if at_once else self._backoff_seconds(tries - 1, rng)
        fresh = not elsewhere or outcome.kind is OutcomeKind.TIMEOUT
        retry = Retry(delay_seconds, fresh, not elsewhere, outcome.kind.value)
        decision = _in_time(retry, now, deadline)
        if isinstance(decision, Retry) and budget is not None and not budget.try_spend(now):
            return GiveUp(f"{outcome.kind.value}, and the retry budget is spent")
        return decision

    def _backoff_seconds(self, retry: int, rng: Rng) -> float:
        """Draw the wait before retry 0, 1, ... with full jitter (Brooker, AWS, 2015)."""
        doubled = self.config.base_delay * 2.0 ** min(retry, 64)  # no float overflows
        return rng.uniform(0.0, min(self.config.max_delay, doubled))


def _in_time(retry: Retry, now: float, deadline: float | None) -> Retry | GiveUp:
    """Let the retry pass if it would begin before the deadline."""
    if deadline is not None and now + retry.delay_seconds >= deadline:
        return GiveUp(f"{retry.reason}, and no time is left")
    return retry
