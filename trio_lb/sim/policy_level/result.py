"""How a run went: what was offered and served, how long it took, and how evenly it was spread."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import ceil

import attrs

from trio_lb.sim.jain import jain_index


@attrs.frozen(kw_only=True)
class ServerLoad:
    """What one server had to do until the last request was asked.

    ``attempts`` that ended and those of them that counted as ``failures``, in the balancer's
    books; ``busy_seconds`` of work over all its ``places``; its longest queue.
    """

    id: str
    attempts: int
    failures: int
    busy_seconds: float
    places: int
    most_waiting: int


@attrs.frozen(kw_only=True, eq=False, slots=False)
class Result:
    """The books of one run. Instants and durations are seconds of virtual time.

    ``asked_at``: the workload's instants; ``until`` its end, ``ended_at`` when the last request was
    over. ``good_seconds[i]`` is how long the client of the answer at ``good_at[i]`` had waited, its
    failed tries included. ``failed_at``: who was given up, and why in ``failures``. ``again_at``:
    further tries of clients; ``extra_at``: further attempts of the balancer.
    """

    algorithm: str
    until: float
    ended_at: float
    asked_at: Sequence[float] = attrs.field(repr=False)
    good_at: Sequence[float] = attrs.field(repr=False)
    good_seconds: Sequence[float] = attrs.field(repr=False)
    failed_at: Sequence[float] = attrs.field(default=(), repr=False)
    failures: Mapping[str, int] = attrs.field(factory=dict)
    again_at: Sequence[float] = attrs.field(default=(), repr=False)
    extra_at: Sequence[float] = attrs.field(default=(), repr=False)
    servers: tuple[ServerLoad, ...] = ()

    # -- how much

    @property
    def offered(self) -> int:
        """Requests that clients asked, each once."""
        return len(self.asked_at)

    @property
    def good(self) -> int:
        """Requests that were answered well, while somebody waited."""
        return len(self.good_at)

    @property
    def failed(self) -> int:
        """Requests that were not, whatever was tried."""
        return len(self.failed_at)

    @property
    def amplification(self) -> float:
        """Attempts for each request: 1 without retries."""
        return self._tried(len(self.asked_at), len(self.again_at), len(self.extra_at))

    def offered_per_second(self, begin: float, end: float) -> float:
        """Return how many requests were asked in [begin, end), a second."""
        return _within(self.asked_at, begin, end) / (end - begin)

    def goodput_per_second(self, begin: float, end: float) -> float:
        """Return how many good answers came in [begin, end), a second."""
        return _within(self.good_at, begin, end) / (end - begin)

    def amplification_in(self, begin: float, end: float) -> float:
        """Return the attempts in [begin, end) for each request that was asked in it."""
        counts = (_within(at, begin, end) for at in (self.asked_at, self.again_at, self.extra_at))
        return self._tried(*counts)

    @staticmethod
    def _tried(asked: int, again: int, extra: int) -> float:
        return (asked + again + extra) / asked if asked else 0.0

    def series(self) -> list[tuple[int, int, int, int]]:
        """Return (second, offered, good, attempts) of each whole second: what a plot shows."""
        offered, good = _by_second(self.asked_at), _by_second(self.good_at)
        more = _by_second(self.again_at) + _by_second(self.extra_at)
        seconds = range(ceil(self.until))
        return [(at, offered[at], good[at], offered[at] + more[at]) for at in seconds]

    # -- how long

    @cached_property
    def _sorted_seconds(self) -> list[float]:
        return sorted(self.good_seconds)

    @property
    def mean_seconds(self) -> float:
        """The mean wait for a good answer; 0 without any."""
        return sum(self.good_seconds) / self.good if self.good else 0.0

    def percentile(self, percent: float) -> float:
        """Return the wait in seconds that ``percent`` of the good answers did not exceed."""
        ordered = self._sorted_seconds
        return ordered[max(ceil(percent / 100 * len(ordered)), 1) - 1] if ordered else 0.0

    # -- how evenly

    @property
    def utilizations(self) -> tuple[float, ...]:
        """How busy each server was, in [0, 1], until the last request was asked."""
        return tuple(each.busy_seconds / (each.places * self.until) for each in self.servers)

    @property
    def most_over_mean(self) -> float:
        """How much busier the busiest server is than all are on average; the optimum is 1."""
        busy = self.utilizations
        return max(busy) * len(busy) / sum(busy) if sum(busy) else 1.0

    @property
    def jain(self) -> float:
        """Jain's index of how busy they are: 1 is the optimum, 1/n the worst."""
        return jain_index(self.utilizations)

    @property
    def most_waiting(self) -> int:
        """The longest that any server's queue has been."""
        return max((each.most_waiting for each in self.servers), default=0)

    def summary(self) -> str:
        """Return the run in a few lines."""
        return "\n".join(
            (
                f"{self.algorithm}: {self.offered:,} requests in {self.until:g} s,"
                f" {self.good:,} answered, {self.failed:,} failed",
                f"wait: mean {_ms(self.mean_seconds)}, p50 {_ms(self.percentile(50))},"
                f" p99 {_ms(self.percentile(99))}",
                f"attempts for each request: {self.amplification:.3f}",
                f"busiest server: {self.most_over_mean:.2f} times the mean; Jain {self.jain:.3f};"
                f" longest queue {self.most_waiting:,}",
                *(f"{count:,} failed: {why}" for why, count in self.failures.items()),
            )
        )


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


def _within(instants: Sequence[float], begin: float, end: float) -> int:
    """How many are in [begin, end); all of these lists are in order."""
    return bisect_left(instants, end) - bisect_left(instants, begin)


def _by_second(instants: Iterable[float]) -> Counter[int]:
    return Counter(map(int, instants))
