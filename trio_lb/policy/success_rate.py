"""Success rates: the share of good answers of servers that fail, free for those that do not.

Whoever serves requests counts each server's successes since the start anyway, as a car
counts its miles. The difference of two readings is exact, so a success costs nothing
here: readings are taken at failures only, and only a server that fails has any.

    failures       x   x x              x  x   now
                   |---|---|---|---|---|---|---|      ten buckets of the interval
    reading        3   8                41            successes before a bucket's first failure

Rule 1: a rate begins with the first failure of the last ``interval``. What went well
        before the trouble began says nothing about the trouble; and while a server keeps
        failing, that is the whole interval but for the wait for its first failure.
Rule 2: a rate is *poor* below ``success_rate``, whatever the numbers: whoever is poor is
        no model for others. It takes ``min_requests`` to be *convincing*.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import attrs

BUCKETS: Final = 10
"""A rate looks back at least 90 % of the interval and never beyond it."""


class RateSettings(Protocol):
    """When a share of successes is too small."""

    @property
    def success_rate(self) -> float | None:
        """The least share of successes, in [0, 1]; None or 0 judges nobody."""
        ...

    @property
    def min_requests(self) -> int:
        """The least number of requests that convinces, >= 1."""
        ...

    @property
    def interval(self) -> float:
        """Seconds that a rate looks back, > 0."""
        ...


@attrs.frozen(slots=True)
class Rate:
    """How many requests went well since the first failure of the interval."""

    successes: int
    requests: int

    @property
    def share(self) -> float:
        """Successes of requests, in [0, 1)."""
        return self.successes / self.requests

    def __str__(self) -> str:
        return f"{self.successes} of {self.requests} requests went well"


@attrs.define(slots=True)
class _Bucket:
    """A tenth of the interval in which a server failed."""

    tick: int
    reading: int
    failures: int = 0


class SuccessRates:
    """The rates of one pool's servers.

    ``successes_of`` reads a server's count of successes, which never falls while the
    server keeps its id; without it there are no rates.
    """

    def __init__(
        self, settings: RateSettings, successes_of: Callable[[str], int] | None = None
    ) -> None:
        self._settings = settings
        self._successes_of = successes_of
        self._failing: dict[str, deque[_Bucket]] = {}

    def configure(self, settings: RateSettings) -> None:
        """Go on under other settings; another interval, whose tenths differ, begins anew."""
        if settings.interval != self._settings.interval:
            self._failing.clear()
        self._settings = settings

    def fail(self, server_id: str, now: float) -> Rate | None:
        """Count a failure; return the server's rate, None without rates."""
        if self._successes_of is None or not self._settings.success_rate:
            return None
        buckets, tick = self._buckets(server_id), self._tick(now)
        reading = self._successes_of(server_id)
        if not buckets or buckets[-1].tick < tick:
            buckets.append(_Bucket(tick, reading))
        buckets[-1].failures += 1
        return self._since_first(buckets, tick, reading)

    def rate(self, server_id: str, now: float) -> Rate | None:
        """Return the rate since the first failure of the last interval; None without one."""
        buckets = self._failing.get(server_id)
        if buckets is None or self._successes_of is None:
            return None
        rate = self._since_first(buckets, self._tick(now), self._successes_of(server_id))
        if rate is None:
            del self._failing[server_id]
        return rate

    def is_poor(self, rate: Rate | None) -> bool:
        """Whether less than ``success_rate`` went well, however few there were."""
        return rate is not None and rate.share < (self._settings.success_rate or 0.0)

    def convicts(self, rate: Rate | None) -> bool:
        """Whether a rate is poor and convincing."""
        enough = rate is not None and rate.requests >= self._settings.min_requests
        return enough and self.is_poor(rate)

    def forget(self, server_id: str) -> None:
        """Begin anew with a server."""
        self._failing.pop(server_id, None)

    def _buckets(self, server_id: str) -> deque[_Bucket]:
        buckets = self._failing.get(server_id)
        if buckets is None:
            buckets = self._failing[server_id] = deque(maxlen=BUCKETS)
        return buckets

    def _since_first(self, buckets: deque[_Bucket], tick: int, reading: int) -> Rate | None:
        """Drop the buckets that time has passed; what remains begins with a failure."""
        while buckets and buckets[0].tick <= tick - BUCKETS:
            buckets.popleft()
        if not buckets:
            return None
        successes = reading - buckets[0].reading
        return Rate(successes, successes + sum([bucket.failures for bucket in buckets]))

    def _tick(self, now: float) -> int:
        return int(now // (self._settings.interval / BUCKETS))
