"""The retry budget: how many extra attempts a pool may make, as a share of its requests.

Retries multiply load exactly when servers have none to spare. A budget turns "at most N
more tries each" into "at most a fifth more load in all", which no outage can exceed.

    retries of the last window <= fraction * requests of the window + reserve
    reserve = min_per_second * window

The reserve lets a quiet or newly started process retry at once. It is not a stock that
grows: it is a constant, so a night without traffic does not save up a storm.

The form is Finagle's and tower's; both hold tokens with a time to live, where this
compares two counts, so that the law above can be read off and tested. gRPC's bucket of
ten tokens is refused: it remembers no time, and one bad minute closes it for long.
"""

from typing import Final, Protocol

import attrs

from trio_lb.policy.window import WindowCounter

_BUCKETS: Final = 10


class BudgetSettings(Protocol):
    """What the budget needs to know; ``config.schema.BudgetConfig`` is one."""

    @property
    def enabled(self) -> bool:
        """False lets every retry pass."""
        ...

    @property
    def fraction(self) -> float:
        """Retries allowed for each request of the window."""
        ...

    @property
    def min_per_second(self) -> float:
        """Retries allowed each second whatever the traffic; gives the reserve."""
        ...

    @property
    def window(self) -> float:
        """Seconds that the budget looks back, > 0."""
        ...


@attrs.frozen(slots=True, kw_only=True)
class BudgetStatistics:
    """The budget now. ``requests`` and ``retries`` are of the window, the rest since start."""

    requests: int
    retries: int
    allowed: float
    spent_total: int
    refused_total: int


class RetryBudget:
    """One pool's budget. Requests are counted with few errors of rounding, never too many."""

    def __init__(self, config: BudgetSettings) -> None:
        self.config = config
        self.spent_total = 0
        self.refused_total = 0
        self._reserve = config.min_per_second * config.window
        # One bucket more: a retry must not leave the count before the window's end,
        # while a request may, so that rounding never lends.
        width_seconds = config.window / _BUCKETS
        self._requests = WindowCounter(config.window, _BUCKETS)
        self._retries = WindowCounter(config.window + width_seconds, _BUCKETS + 1)

    def request(self, now: float) -> None:
        """Count a client's request (once, whatever its attempts): what the share is of."""
        self._requests.add(now)

    def try_spend(self, now: float) -> bool:
        """Take one retry out of the budget; False when that would overdraw it."""
        if not self.config.enabled:
            self.spent_total += 1
            return True
        if self._retries.total(now) + 1 > self._allowed(now):
            self.refused_total += 1
            return False
        self._retries.add(now)
        self.spent_total += 1
        return True

    def statistics(self, now: float) -> BudgetStatistics:
        """Return the counts at ``now``."""
        return BudgetStatistics(
            requests=self._requests.total(now),
            retries=self._retries.total(now),
            allowed=self._allowed(now),
            spent_total=self.spent_total,
            refused_total=self.refused_total,
        )

    def _allowed(self, now: float) -> float:
        return self.config.fraction * self._requests.total(now) + self._reserve
