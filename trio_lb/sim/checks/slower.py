"""Whether a crowd waits for longer than it did before, or whether chance makes it look so.

The p99 of some hundred requests is an estimate: of two samples of the same service one is
easily a third above the other. So two p99s are not compared with each other; those of the
later requests are counted that took longer than is allowed, which is a factor times the p99
before.

    before   ........................|...   rank: the p99 is the so many-th from the slow end
    after    ..........................*..*....*   beyond: so many took longer than factor x p99

If nobody is slower, both are drawn from one source, and each order in which all of them can
stand is as likely as any other. Then the number beyond has the *distribution of the number of
exceedances* (Gumbel and von Schelling, Annals of Mathematical Statistics 21, 1950), a negative
hypergeometric one: exact, for any service times, and it knows that both samples are small. Only
a number that it explains in less than one run of ten thousand is an offence.
"""

import math
from collections.abc import Sequence
from typing import Final

import attrs

from trio_lb.sim.checks.levels import percentile

SHARE: Final = 0.99
FEWEST: Final = 100
"""Of fewer successes a p99 is not compared: it would be their maximum."""
CHANCE: Final = 1e-4
"""So often a service that is as before may be called slower: a search looks at thousands of runs."""


@attrs.frozen(slots=True)
class Slower:
    """Two samples of waiting, in nanoseconds, and how far the later one is beyond the earlier.

    ``most`` is the largest number beyond that chance explains.
    """

    factor: float
    before: int
    after: int
    p99s: tuple[int, int]
    beyond: int
    most: int

    @classmethod
    def of(cls, before: Sequence[int], after: Sequence[int], factor: float) -> "Slower":
        """Compare two samples, neither of them empty."""
        first, then = sorted(before), sorted(after)
        limit = percentile(first, SHARE)
        beyond = sum(each > factor * limit for each in then)
        # Of equal ones none is above the other: the place counts, which errs on the safe side.
        rank = len(first) - math.ceil(SHARE * len(first) - 1e-9) + 1
        most = most_by_chance(len(first), rank, len(then))
        p99s = (limit, percentile(then, SHARE))
        return cls(factor, len(first), len(then), p99s, beyond, most)

    @property
    def times(self) -> float:
        """How many times the p99 before the later one is, as measured."""
        return self.p99s[1] / self.p99s[0]

    @property
    def is_slower(self) -> bool:
        """Whether more are beyond than chance explains."""
        return self.beyond > self.most

    @property
    def found(self) -> str:
        """The figure for a table; above the factor it says why that is not held against anybody."""
        seems = self.times > self.factor and not self.is_slower
        return f"{self.times:.2f} times{', by chance' if seems else ''}"

    def __str__(self) -> str:
        before, after = (each / 1e6 for each in self.p99s)
        return (
            f"{self.beyond:,} of {self.after:,} take longer than {self.factor * before:.3f} ms, chance"
            f" explains {self.most:,}: p99 is {after:.3f} ms and was {before:.3f} ms of"
            f" {self.before:,}, allowed are {self.factor:g} times as much"
        )


def most_by_chance(before: int, rank: int, after: int, chance: float = CHANCE) -> int:
    """Return the largest x for which P(x or more of ``after`` are beyond) is above ``chance``.

    Beyond is what exceeds the ``rank``-th largest of ``before``, all from one source.
    """
    tail, beyond = 1.0, 0
    while beyond < after:
        tail -= _exactly(beyond, before, rank, after)
        if tail <= chance:
            break
        beyond += 1
    return beyond


def _exactly(beyond: int, before: int, rank: int, after: int) -> float:
    """Return P(so many are beyond): of all ways to mix both samples, those that put them there."""
    within = after - beyond
    above = _log_choose(beyond + rank - 1, beyond)
    below = _log_choose(within + before - rank, within)
    return math.exp(above + below - _log_choose(before + after, after))


def _log_choose(count: int, chosen: int) -> float:
    """Return the logarithm of how often ``chosen`` can be taken of ``count``."""
    return math.lgamma(count + 1) - math.lgamma(chosen + 1) - math.lgamma(count - chosen + 1)
