"""A server's share in integers: tenths of a unit of weight.

Turns and tickets are counted, or shares would drift. Tenths, since a server that starts
slowly has a part of its weight only: 10 % of weight 1 is one tenth, and at least that.
"""

from collections.abc import Callable, Sequence
from typing import Final

from trio_lb.policy.balance.base import Candidate

WHOLE: Final = 10
"""The share of one unit of weight."""

Share = Callable[[Candidate], int]


def by_weight(candidate: Candidate) -> int:
    """Return its weight in tenths, less while it starts slowly."""
    weight, ramp = candidate.weight, candidate.ramp
    return weight * WHOLE if ramp >= 1 else max(1, round(weight * WHOLE * ramp))


def alike(candidate: Candidate) -> int:
    """Return one whole unit whatever its weight, less while it starts slowly."""
    ramp = candidate.ramp
    return WHOLE if ramp >= 1 else max(1, round(WHOLE * ramp))


def is_ramping(candidates: Sequence[Candidate]) -> bool:
    """Whether anybody starts slowly."""
    return any(candidate.ramp < 1 for candidate in candidates)
