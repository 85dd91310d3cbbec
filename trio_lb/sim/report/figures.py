"""The figures of a run that is over: totals and ratios, reckoned once for page, summary and JSON."""

import re
from collections.abc import Mapping, Sequence

import attrs

from trio_lb.sim.jain import jain_index
from trio_lb.sim.report.data import RunFacts
from trio_lb.sim.report.histogram import Histogram
from trio_lb.sim.report.per_server import PerServer
from trio_lb.sim.report.tally import SHARES, FaultSpan, Tally


@attrs.frozen(slots=True)
class Latency:
    """Quantiles of good requests' latencies, in nanoseconds; all 0 when there were none."""

    count: int
    p50: int
    p90: int
    p99: int
    p999: int
    most: int

    @classmethod
    def of(cls, *histograms: Histogram) -> "Latency":
        """Return those of whatever the histograms counted together."""
        whole = Histogram()
        for each in histograms:
            whole.merge(each)
        p50, p90, p99, p999 = whole.quantiles(SHARES)
        return cls(whole.count, p50, p90, p99, p999, whole.most)


@attrs.frozen(slots=True)
class Share:
    """How much of the load a server got, and how much would have been fair.

    That is its weight's part of what came to its pool.
    """

    server: PerServer
    taken: int
    got: float
    fair: float

    @property
    def times_fair(self) -> float:
        """1: just right; 0 where nothing was fair either."""
        return self.got / self.fair if self.fair else 0.0


@attrs.frozen(slots=True)
class Load:
    """How the requests lay on the servers, against the best that could be.

    ``worst``: the highest load over its fair share. ``jain``: Jain's index of fairness, 1 for
    all alike, 1/n for all on one (Jain, Chiu, Hawe 1984). ``misplaced_fraction``: what part of
    the requests another server should have had.
    """

    shares: tuple[Share, ...]
    worst: float
    jain: float
    misplaced_fraction: float

    @classmethod
    def of(
        cls,
        servers: Sequence[PerServer],
        weights: Mapping[str, float],
        pools: Mapping[str, int] | None = None,
    ) -> "Load":
        """Return how the requests lay that came to these servers.

        A pool that nobody asked is not compared: all of its servers had what was fair, nothing.
        """
        names = [server.name for server in servers]
        taken = [sum(server.taken) for server in servers]
        weighed = [max(0.0, weights.get(name, 1.0)) for name in names]
        pool_of = [(pools or {}).get(name, -1) for name in names]
        got_by, weight_by = _by_pool(pool_of, taken), _by_pool(pool_of, weighed)
        all_taken = sum(taken)

        def fair(pool: int, weight: float) -> float:
            part = weight / (weight_by[pool] or 1.0)
            # Of nothing at all each is due its part: a page may still show what that is.
            return part * got_by[pool] / all_taken if all_taken else part

        shares = tuple(
            Share(server, count, count / (all_taken or 1), fair(pool, weight))
            for server, count, pool, weight in zip(servers, taken, pool_of, weighed, strict=True)
        )
        ratios = [share.times_fair for share in shares if share.fair]
        misplaced = sum(max(0.0, share.got - share.fair) for share in shares)
        worst = max(ratios, default=0.0)
        return cls(shares, worst, jain_index(ratios), misplaced if all_taken else 0.0)


def _by_pool(pool_of: Sequence[int], values: Sequence[float]) -> dict[int, float]:
    sums = dict.fromkeys(pool_of, 0.0)
    for pool, value in zip(pool_of, values, strict=True):
        sums[pool] += value
    return sums


@attrs.frozen(slots=True)
class Peak:
    """The longest that something was: how much, where and when."""

    level: int = 0
    where: str = ""
    at: float = 0.0


@attrs.frozen
class Figures:
    """A run that is over: its facts, its tally (closed), and what follows from both."""

    facts: RunFacts
    tally: Tally
    totals: Mapping[str, int]
    """The sum of each column."""
    latency: Latency
    calm: Latency
    faulty: Latency
    load: Load
    queue: Peak
    waiting: Peak

    @classmethod
    def of(cls, facts: RunFacts, tally: Tally) -> "Figures":
        """Close the tally and reckon."""
        tally.close(facts.until + facts.settle)
        servers = sorted(tally.servers.values(), key=lambda server: natural(server.name))
        queues = [(server.name, server.queued.peaks) for server in servers]
        return cls(
            facts,
            tally,
            {name: sum(column) for name, column in tally.columns.items()},
            Latency.of(tally.calm, tally.faulty),
            Latency.of(tally.calm),
            Latency.of(tally.faulty),
            Load.of(servers, facts.weights, facts.pools),
            peak_of(queues, tally.grid.step),
            peak_of([("clients", tally.waiting.peaks)], tally.grid.step),
        )

    @property
    def success_fraction(self) -> float:
        """Good requests of all that are over; 1 when none is."""
        over = self.totals["good"] + self.totals["failed"]
        return self.totals["good"] / over if over else 1.0

    @property
    def unfinished(self) -> int:
        """Requests that were not over when the run was."""
        return self.totals["offered"] - self.totals["good"] - self.totals["failed"]

    @property
    def amplification(self) -> float:
        """Tries that came to servers for each request offered; 1 is no retries at all."""
        return self.totals["taken"] / self.totals["offered"] if self.totals["offered"] else 0.0

    @property
    def servers_told(self) -> bool:
        """Whether servers told of what came to them; programs of one's own do not.

        Where none did, amplification, loads and queues are not zero but unknown.
        """
        totals = self.totals
        if totals["taken"]:
            return True
        if totals["good"]:
            return False  # Whoever gave these answers is none who tells.
        if totals["accepted"] or totals["probes"]:
            return True
        was_spared = totals["sheds"] + totals["nobody"] > 0
        return was_spared and not totals["picks"]

    @property
    def clients_told(self) -> bool:
        """Whether any client told of what it asked; programs of one's own do not.

        Where none did, the shares and counts of requests are not zero but unknown.
        """
        return self.totals["offered"] > 0

    @property
    def failover(self) -> float:
        """The longest failover of any fault, in seconds."""
        return max((fault.failover for fault in self.tally.faults), default=0.0)

    @property
    def errors(self) -> dict[str, int]:
        """Failures by reason, the most frequent first."""
        counts = {reason: sum(column) for reason, column in self.tally.errors.items()}
        return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))

    @property
    def server_errors(self) -> int:
        """Answers of status 5xx that came to clients, those that were tried again too."""
        return sum(n for status, n in self.tally.statuses.items() if status.startswith("5"))

    @property
    def end(self) -> float:
        """Where the time axis ends, in seconds."""
        return self.tally.grid.step * self.buckets

    @property
    def buckets(self) -> int:
        """How many buckets the run filled: it may have ended before its horizon."""
        grid = self.tally.grid
        return min(grid.index(self.tally.last) + 1, grid.count)

    def fault_end(self, fault: FaultSpan) -> float:
        """Where a fault's band ends: at its begin if it lasted no time."""
        return self.end if fault.end is None else fault.end


def natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Return a key that sorts as people do: s2 before s10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple(
        (True, int(part), part) if part.isdecimal() else (False, 0, part) for part in parts
    )


def peak_of(columns: Sequence[tuple[str, Sequence[int]]], step: float) -> Peak:
    """Return the first of the highest values."""
    best = Peak()
    for where, column in columns:
        level = max(column, default=0)
        if level > best.level:
            best = Peak(level, where, column.index(level) * step)
    return best
