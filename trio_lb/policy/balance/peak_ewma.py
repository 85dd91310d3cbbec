"""Peak EWMA (Finagle, linkerd): a rise of latency counts at once, a fall only in time.

    cost = latency * (active + 1) / weight

Latency is a moving average that weighs an answer by the time since the one before:
1 - e^(-t/decay). A slower answer than the average takes its place at once. While nothing is
heard of a server its average sinks towards zero, so that it is tried again some day.

Of two servers drawn by weight the one of less cost is picked, which needs no order among
all of them, and sends no herd to the one that is best at the moment.
"""

from collections.abc import Iterator, Sequence
from math import exp
from typing import Final

import attrs

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.draw import WeightedDraw, draw_rest
from trio_lb.policy.balance.indifferent import Indifferent
from trio_lb.policy.balance.penalty import seconds_of_failure

UNKNOWN_SECONDS: Final = 0.03
"""The latency of a server that has not answered yet: linkerd's default."""

_FORGET_AFTER: Final = 10.0
"""So many decay times after its last answer nothing is left of an average."""


@attrs.define(slots=True)
class _Latency:
    """An average in seconds as of ``at``."""

    seconds: float
    at: float

    def now(self, now: float, decay: float) -> float:
        """Return what is left of it."""
        return self.seconds * exp((self.at - now) / decay)

    def observe(self, seconds: float, now: float, decay: float) -> None:
        """Count an answer that took ``seconds``."""
        kept = exp((self.at - now) / decay)
        sunk = self.seconds * kept
        self.seconds = seconds if seconds >= sunk else sunk + seconds * (1 - kept)
        self.at = now


class PeakEwma(Indifferent):
    """The one of two that would cost less, from what was seen of them lately."""

    name = "peak_ewma"
    times = True

    def __init__(self, decay: float = 10.0) -> None:
        self._decay = decay
        self._draw = WeightedDraw()
        self._seen: Sequence[Candidate] = ()
        self._latencies: dict[str, _Latency] = {}

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the better of two, the other one, then everybody else drawn by weight."""
        if candidates is not self._seen:
            self._adopt(candidates, context.now)
        if len(candidates) == 1:
            yield candidates[0]
            return
        first, second = self._draw.pair(candidates, rng)
        one, two = candidates[first], candidates[second]
        if self._cost(two, context.now) < self._cost(one, context.now):
            one, two = two, one
        yield one
        yield two
        yield from draw_rest(candidates, (first, second), rng)

    def timed(self, candidate: Candidate, seconds: float, failed: bool, now: float) -> None:
        """Count an answer; a failure as a slow one."""
        latency = self._latencies.get(candidate.id)
        if latency is None:
            return
        if failed:
            seconds = seconds_of_failure(seconds, latency.now(now, self._decay))
        latency.observe(seconds, now, self._decay)

    def _cost(self, candidate: Candidate, now: float) -> float:
        latency = self._latencies[candidate.id].now(now, self._decay)
        return latency * (candidate.active_connections + 1) / (candidate.weight * candidate.ramp)

    def _adopt(self, candidates: Sequence[Candidate], now: float) -> None:
        """Begin to know newcomers; who is away keeps its average until nothing is left of it."""
        self._seen = candidates
        oldest = now - _FORGET_AFTER * self._decay
        known = {i: latency for i, latency in self._latencies.items() if latency.at > oldest}
        for each in candidates:
            known.setdefault(each.id, _Latency(UNKNOWN_SECONDS, now))
        self._latencies = known
