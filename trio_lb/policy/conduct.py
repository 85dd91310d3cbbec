"""Conduct: how long a server's next ejection lasts, by what it did before.

The n-th ejection lasts base * 2^(n-1), at most the maximum. n falls by one for each base
period of good behaviour: it begins and ends with a success of the server and holds more
successes than failures. Silence proves nothing.
"""

from typing import Protocol

import attrs


class TermSettings(Protocol):
    """How long ejections last."""

    @property
    def base_ejection_time(self) -> float:
        """Seconds of the first ejection, > 0."""
        ...

    @property
    def max_ejection_time(self) -> float:
        """Seconds that no ejection (before jitter) exceeds."""
        ...


@attrs.define(slots=True)
class Conduct:
    """What one server did since its last ejection, and the exponent that it stands at."""

    ejections: int = 0
    """n: counts up with ejections, down with good periods."""
    good_since: float | None = None
    """When the present period of behaviour began, with a success."""
    successes: int = 0
    failures: int = 0

    def succeed(self, now: float, settings: TermSettings) -> None:
        """Count a success towards a lower n; a period is judged when it is long enough."""
        self.successes += 1
        if self.good_since is None:
            self._begin_period(now)
        elif now - self.good_since >= settings.base_ejection_time:
            if self.successes > self.failures:
                self.ejections -= 1
            self._begin_period(now)

    def fail(self) -> None:
        """Count a failure against the present period."""
        self.failures += 1

    def eject(self, settings: TermSettings) -> float:
        """Count an ejection; return how many seconds it lasts.

        n stops where doubling does, or it would never fall again.
        """
        base, most = settings.base_ejection_time, settings.max_ejection_time
        if not self.ejections or base * 2.0 ** (self.ejections - 1) < most:
            self.ejections += 1
        self.good_since, self.successes, self.failures = None, 0, 0
        return float(min(base * 2.0 ** (self.ejections - 1), most))

    def _begin_period(self, now: float) -> None:
        self.good_since, self.successes, self.failures = now, 1, 0
