"""What a circuit breaker needs to know: the protocol, and the plain value of it."""

from typing import Final, Protocol

import attrs


class BreakerSettings(Protocol):
    """What a breaker needs to know; ``BreakerThresholds`` and the configuration's section are."""

    @property
    def enabled(self) -> bool:
        """False never trips by itself; a person may open and close it all the same."""
        ...

    @property
    def failure_threshold(self) -> int | None:
        """The length of a streak of failures that trips it, >= 1; None: streaks do not."""
        ...

    @property
    def threshold(self) -> float | None:
        """The share of failures that trips it, in (0, 1]; None: shares do not."""
        ...

    @property
    def min_requests(self) -> int:
        """The least number of results that makes a share, >= 1."""
        ...

    @property
    def interval(self) -> float:
        """Seconds that a share looks back, > 0."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds of the first opening, > 0."""
        ...

    @property
    def success_threshold(self) -> int:
        """Good trials that close it, >= 1."""
        ...

    @property
    def max_half_open(self) -> int:
        """Trials in flight at a time, >= 1."""
        ...

    @property
    def backoff(self) -> float:
        """How many times longer each further opening lasts, >= 1."""
        ...

    @property
    def jitter(self) -> float:
        """By up to which share each further opening is prolonged, >= 0."""
        ...

    @property
    def max_timeout(self) -> float:
        """Seconds that no further opening, before jitter, exceeds (``timeout`` may)."""
        ...


@attrs.frozen(slots=True, kw_only=True)
class BreakerThresholds:
    """``BreakerSettings`` as a value; as it stands it never trips by itself."""

    enabled: bool = True
    failure_threshold: int | None = None
    threshold: float | None = None
    min_requests: int = 100
    interval: float = 60.0
    timeout: float = 30.0
    success_threshold: int = 3
    max_half_open: int = 1
    backoff: float = 2.0
    jitter: float = 0.0
    max_timeout: float = 300.0


MANUAL_ONLY: Final = BreakerThresholds()
"""For a server whose pool has no breaker, when a person opens it."""
