"""The figures that decide between two runs, one to a line: what each was, and which is better.

A figure that nobody told is no zero: a server that is a program of one's own says nothing of its
queue, and a client that is one nothing of its requests. Such a line has no value, and says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from trio_lb.sim.durations import duration
from trio_lb.sim.report.figures import Figures, Latency

AMPLIFICATION: Final = "amplification"
FAULTY: Final = "p99 with a fault"
OF_GOOD: Final = ("p50", "p99", "p99.9", FAULTY, AMPLIFICATION)
"""Figures that fall when slow requests fail, or when their clients give up."""
NOT_COMPARABLE: Final = "not comparable"
MOST_APART: Final = 0.01
"""If the counts of good answers differ by more than this share, so do the requests behind them."""
LEGEND: Final = (
    "Percentiles are of good requests only. They and amplification are not comparable where the"
    f" counts of good answers differ by more than {MOST_APART:.0%}: who fails the slow ones looks"
    " fast."
)

LINES: Final[Mapping[str, tuple[str, int]]] = {
    "requests": ("n", 0),
    "good": ("%", 1),
    "failed": ("n", -1),
    "tries of clients": ("n", -1),
    "answers of status 5xx": ("n", -1),
    "longest failover": ("ns", -1),
    "p50": ("ns", -1),
    "p99": ("ns", -1),
    "p99.9": ("ns", -1),
    FAULTY: ("ns", -1),
    AMPLIFICATION: ("", -1),
    "longest queue": ("n", -1),
    "worst load, times fair": ("", -1),
    "misplaced requests": ("%", -1),
}
"""The lines from above: the unit of each, and whether more is better (1) or less (-1)."""

UNKNOWN: Final = "–"
"""Stands for a figure that there is none of."""
OF_SERVERS: Final = (
    AMPLIFICATION, "longest queue", "worst load, times fair", "misplaced requests",
)  # fmt: skip
"""Figures that only the simulator's servers tell."""
OF_CLIENTS: Final = (
    "requests", "good", "failed", "tries of clients", "answers of status 5xx", "longest failover",
)  # fmt: skip
"""Figures that only the simulator's clients tell."""


@attrs.frozen(slots=True)
class Line:
    """A figure of both runs; ``better`` is -1 if less is better, 1 if more is, 0 if neither.

    None is a figure that a run does not have. It is not ``comparable`` if it is of those requests
    only that came to a good end, and these are not nearly the same in both runs: who fails the
    slow ones looks fast.
    """

    name: str
    values: tuple[float | None, float | None]
    unit: str = ""
    better: int = -1
    comparable: bool = True

    @property
    def verdict(self) -> str:
        """``good``, ``bad`` or "": what B's value is, compared with A's."""
        a, b = self.values
        if a is None or b is None or not self.comparable:
            return ""
        change = b - a
        if not change * self.better or abs(change) <= 1e-9 * abs(a):
            return ""
        return "good" if change * self.better > 0 else "bad"

    def said(self, value: float | None) -> str:
        """Return a value in the line's unit."""
        if value is None:
            return UNKNOWN
        if self.unit == "ns":
            return duration(value)
        if self.unit == "%":
            return f"{value:.3%}"
        return f"{value:,.0f}" if self.unit == "n" else f"{value:.3f}"

    @property
    def is_unknown(self) -> bool:
        """Whether neither run has this figure."""
        return self.values == (None, None)

    @property
    def change(self) -> str:
        """Return how much B's value differs."""
        a, b = self.values
        if self.is_unknown:
            return ""
        if a is None or b is None or not self.comparable:
            return NOT_COMPARABLE
        if a == b:
            return "same"
        if self.unit == "%":
            return f"{(b - a) * 100:+.3f} points"
        return f"{b / a - 1:+.1%}" if a else "from nothing"


def lines_of(a: Figures, b: Figures) -> list[Line]:
    """Return the figures that decide between two runs."""
    alike = has_as_many_good(a, b)
    one, two = _values_of(a), _values_of(b)
    return [
        Line(name, (one[name], two[name]), unit, better, alike or name not in OF_GOOD)
        for name, (unit, better) in LINES.items()
    ]


def _values_of(figures: Figures) -> dict[str, float | None]:
    """Return the value of each line: None where nobody told."""
    totals, latency, load = figures.totals, figures.latency, figures.load
    unknown = [
        *(() if figures.clients_told else (*OF_CLIENTS, AMPLIFICATION)),
        *(() if figures.servers_told else OF_SERVERS),
    ]
    return {
        "requests": totals["offered"],
        "good": figures.success_fraction,
        "failed": totals["failed"],
        "tries of clients": totals["tries"],
        "answers of status 5xx": figures.server_errors,
        "longest failover": figures.failover * 1e9,
        "p50": _of(latency, latency.p50),
        "p99": _of(latency, latency.p99),
        "p99.9": _of(latency, latency.p999),
        FAULTY: _of(figures.faulty, figures.faulty.p99),
        AMPLIFICATION: figures.amplification,
        "longest queue": figures.queue.level,
        "worst load, times fair": load.worst,
        "misplaced requests": load.misplaced_fraction,
        **dict.fromkeys(unknown),
    }


def _of(latency: Latency, quantile: float) -> float | None:
    """Return a quantile; None of no requests."""
    return quantile if latency.count else None


def has_as_many_good(a: Figures, b: Figures) -> bool:
    """Whether about as many requests came to a good end in both runs."""
    one, two = a.totals["good"], b.totals["good"]
    return abs(one - two) <= MOST_APART * max(one, two)


def unknown_said(lines: Sequence[Line]) -> Iterator[str]:
    """Yield why lines have no value."""
    unknown = {line.name: None for line in lines if line.is_unknown}
    if OF_CLIENTS[0] in unknown:
        yield f"{UNKNOWN}: what programs ask is not counted, only what the simulator's clients do"
    elif FAULTY in unknown and OF_GOOD[0] not in unknown:
        yield f"{UNKNOWN} {FAULTY}: no request came to a good end while one was on"
    if OF_SERVERS[-1] in unknown:
        yield f"{UNKNOWN} queues and loads: only the simulator's own servers tell of them, no programs"
