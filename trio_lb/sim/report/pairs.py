"""Two runs on common random numbers, request by request.

The same number is the same wish at the same instant in both runs, if both have the same seed
and the same clients. Differences of pairs know nothing of the chance that both share, so they
show in one run what averages show in a hundred (the method of common random numbers).
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.tally import Tally

SAME_NS: Final = 1_000
"""Latencies that differ by no more are the same to anybody."""

SHARES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""The quantiles of the differences."""

LISTED: Final = 12
"""Pairs that are listed at each end."""

GOOD: Final = "good"

_FIRST_EDGE: Final = 10_000
_EDGES_A_DECADE: Final = 3
_DECADES: Final = 7
EDGES: Final = tuple(
    round(_FIRST_EDGE * 10 ** (step / _EDGES_A_DECADE))
    for step in range(_DECADES * _EDGES_A_DECADE + 1)
)
"""Edges of the bins of differences, away from 0 in both directions: 10 µs to 100 s."""


@attrs.frozen(slots=True, order=True)
class Pair:
    """One request that was good in both runs; ``ns`` are its latencies there."""

    difference_ns: int
    req: int
    ns: tuple[int, int]


@attrs.frozen(slots=True)
class Pairs:
    """What became of the same requests in both runs.

    ``outcomes`` counts (outcome in A, outcome in B) of requests that were over in both; the rest
    is in ``unpaired``. Differences are B's latency minus A's, of requests good in both; ``bins``
    count them by place on a scale that is logarithmic both ways from 0.
    """

    outcomes: Mapping[tuple[str, str], int]
    unpaired: int
    compared: int
    same: int
    faster: int
    slower: int
    mean_ns: float
    quantiles_ns: tuple[int, ...]
    bins: tuple[int, ...]
    gains: tuple[Pair, ...]
    losses: tuple[Pair, ...]
    is_common: bool
    """Whether the requests came at the same instants in both runs, as far as buckets tell."""

    @classmethod
    def of(cls, a: Figures, b: Figures) -> "Pairs":
        """Compare two runs.

        Raises:
          ValueError: they are of different lengths, so that their buckets do not match.
        """
        one, two = a.tally, b.tally
        if one.grid != two.grid:
            raise ValueError(
                f"runs of {one.grid.end:g} s and {two.grid.end:g} s have different buckets:"
                " run both for as long, then compare"
            )
        outcomes, unpaired = matrix(one, two)
        found = both_good(one, two)
        ordered = sorted(pair.difference_ns for pair in found)
        return cls(
            outcomes,
            unpaired,
            len(found),
            sum(abs(ns) <= SAME_NS for ns in ordered),
            sum(ns < -SAME_NS for ns in ordered),
            sum(ns > SAME_NS for ns in ordered),
            sum(ordered) / len(ordered) if ordered else 0.0,
            tuple(at_share(ordered, share) for share in SHARES),
            tuple(binned(ordered)),
            tuple(each for each in heapq.nsmallest(LISTED, found) if each.difference_ns < -SAME_NS),
            tuple(each for each in heapq.nlargest(LISTED, found) if each.difference_ns > SAME_NS),
            one.columns["offered"] == two.columns["offered"],
        )

    @property
    def rescued(self) -> int:
        """Requests that failed in A and were good in B."""
        return sum(n for (a, b), n in self.outcomes.items() if a != GOOD == b)

    @property
    def lost(self) -> int:
        """Requests that were good in A and failed in B."""
        return sum(n for (a, b), n in self.outcomes.items() if a == GOOD != b)


def matrix(one: Tally, two: Tally) -> tuple[dict[tuple[str, str], int], int]:
    """Return how often each pair of outcomes was, and how many requests have no pair."""
    counts = Counter(zip(one.outcomes[1:], two.outcomes[1:], strict=False))
    longer = abs(len(one.outcomes) - len(two.outcomes))
    named: Counter[tuple[str, str]] = Counter()
    unpaired = longer
    for (a, b), count in counts.items():
        if a and b:
            named[one.reasons[a] or GOOD, two.reasons[b] or GOOD] += count
        else:
            unpaired += count
    return dict(sorted(named.items())), unpaired


def both_good(one: Tally, two: Tally) -> list[Pair]:
    """Return the requests that were good in both runs."""
    columns = zip(one.outcomes, two.outcomes, one.latency_ns, two.latency_ns, strict=False)
    return [
        Pair(b_ns - a_ns, req, (a_ns, b_ns))
        for req, (a, b, a_ns, b_ns) in enumerate(columns)
        if a == b == 1
    ]


def at_share(ordered: Sequence[int], share: float) -> int:
    """Return the value at a share of an ordered list; 0 of an empty one."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def binned(differences: Sequence[int]) -> list[int]:
    """Count differences: bins below 0 from far to near, one for (almost) none, bins above 0."""
    bins = [0] * (2 * len(EDGES) + 1)
    for difference in differences:
        bins[bin_of(difference)] += 1
    return bins


def bin_of(difference: int) -> int:
    """Return the bin of a difference: the middle one holds all within the first edge."""
    size = abs(difference)
    steps = sum(size > edge for edge in EDGES)
    return len(EDGES) + (steps if difference > 0 else -steps)
