"""When a host was down, and when TCP gets through to it again.

A packet that reaches a host without power is lost. Its sender, whose kernel hears of
no acknowledgement, sends it again after 0.2, 0.6, 1.4 ... seconds, so what was lost
in an outage arrives some time after it, and never at once.
"""

import math
from collections.abc import Iterator
from typing import Final

RTO_SECONDS: Final = 0.2
"""Linux's least retransmission timeout; it doubles with each try."""
RTO_MAX_SECONDS: Final = 120.0
"""Linux's TCP_RTO_MAX: what the doubling ends at."""


def copies() -> Iterator[float]:
    """Yield how many seconds after a packet each of its copies leaves: 0.2, 0.6, 1.4 ..."""
    late_seconds, rto_seconds = 0.0, RTO_SECONDS
    while True:
        late_seconds += rto_seconds
        yield late_seconds
        rto_seconds = min(2 * rto_seconds, RTO_MAX_SECONDS)


class Outages:
    """The outages of one host, in their order; the last may still go on.

    All instants are seconds on trio's clock. ``spans`` are their begins and ends, to be read.
    """

    __slots__ = ("spans",)

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []

    @property
    def is_down(self) -> bool:
        """Whether one goes on."""
        return bool(self.spans) and self.spans[-1][1] == math.inf

    def begin(self, now: float) -> None:
        """Go down; being down already changes nothing."""
        if not self.is_down:
            self.spans.append((now, math.inf))

    def end(self, now: float) -> None:
        """Come up; being up already changes nothing."""
        if self.is_down:
            begin, _ = self.spans.pop()
            self.spans.append((begin, now))

    def forget(self, before: float) -> None:
        """Forget those that were over by then: nobody asks about that time any more."""
        self.spans = [span for span in self.spans if span[1] > before]

    def reached(self, arrival: float) -> float:
        """Return when a packet, or the first copy of it to find the host up, arrives."""
        if not self.spans or arrival >= self.spans[-1][1]:
            return arrival
        rto_seconds = RTO_SECONDS
        for begin, end in self.spans:
            if not begin <= arrival < end:
                continue
            if end == math.inf:
                return math.inf
            while arrival < end:
                arrival += rto_seconds
                rto_seconds = min(2 * rto_seconds, RTO_MAX_SECONDS)
        return arrival
