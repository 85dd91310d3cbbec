"""How long, how large, which key: distributions as frozen values, in seconds or bytes as meant.

``draw(rng)`` takes from the stream that the caller owns and from nothing else; a value holds no
state, so that many may share it. It may be written as a number, or as ``{"lognormal": {...}}``.

Arithmetic alone gives the same bits on every machine; what goes through the C library's
``log``, ``exp`` or ``pow`` may differ in its last digit between platforms. A golden trace that
must hold on all of them keeps to the kinds that say here that they need none.
"""

import math
import random
from array import array
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from statistics import NormalDist
from typing import Any, Final, Protocol, cast

import attrs

from trio_lb.config import values
from trio_lb.config.kinds import Number, Refused, show
from trio_lb.config.knobs import count, described, fits, knob
from trio_lb.config.nodes import Node
from trio_lb.config.structure import BAD, read_value
from trio_lb.sim.tagged import (
    Nested,
    Rows,
    must,
    read_tagged,
    read_whole,
    refuse,
    rows,
    to_tagged,
)

_NORMAL: Final = NormalDist()
_Z99: Final = _NORMAL.inv_cdf(0.99)
_MOST: Final = 1e15
_NOUN: Final = "distribution"


def _amount(text: str) -> float:
    """Seconds where the unit is one of time (``m`` is a minute), else bytes."""
    try:
        return values.duration(text)
    except ValueError:
        return values.size(text)


_FORM: Final = "an amount (0.012, 80ms, 32KiB)"
AMOUNT: Final = Number(_FORM, 0, _MOST, parse=_amount)
POSITIVE: Final = Number(_FORM, 1e-9, _MOST, parse=_amount)
SHAPE: Final = Number("a number", 0.05, 100, span="in [0.05, 100]")
EXPONENT: Final = Number("a number", 0, 20, span="in [0, 20]")
WEIGHT: Final = Number("a weight", 0, 1e9, above=True)


class Distribution(Protocol):
    """What can be drawn from; all of it is >= 0."""

    @property
    def mean(self) -> float:
        """The expected value, exactly."""
        ...

    def draw(self, rng: random.Random) -> float:
        """Return the next value."""
        ...


def unit_exponential(rng: random.Random) -> float:
    """Return an exponential value with mean 1, of comparisons and additions only.

    John von Neumann's method (1951): a falling run of uniform values has an odd length with the
    chance exp(-first); each run of an even length moves the answer on by 1. It takes 4.3 values
    on average, and the same ones whatever the mean is that the caller multiplies by.
    """
    draw, whole = rng.random, 0
    while True:
        first = last = draw()
        odd = True
        while (value := draw()) < last:
            last, odd = value, not odd
        if odd:
            return whole + first
        whole += 1


def _open_unit(rng: random.Random) -> float:
    """Return a value in (0, 1), neither end of it: 52 bits and a half are exact."""
    return (rng.getrandbits(52) + 0.5) * 2.0**-52


@attrs.frozen
class Fixed:
    """Always the same; takes nothing from the stream. Written as the number alone."""

    value: float = must(AMOUNT, "what is drawn each time")

    @property
    def mean(self) -> float:
        """The value itself."""
        return self.value

    def draw(self, rng: random.Random) -> float:
        """Return the value."""
        return self.value


@attrs.frozen
class Uniform:
    """Anything between two values, alike. Arithmetic only."""

    low: float = must(AMOUNT, "the least")
    high: float = must(AMOUNT, "the most")

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise refuse(self, "low", f"{show(self.low)} is more than high, {show(self.high)}")

    @property
    def mean(self) -> float:
        """Halfway."""
        return self.low + (self.high - self.low) / 2

    def draw(self, rng: random.Random) -> float:
        """Return the next value, in [low, high]."""
        return self.low + (self.high - self.low) * rng.random()


@attrs.frozen
class Exponential:
    """What has no memory: pauses of people, lives of connections. Arithmetic only."""

    mean: float = must(AMOUNT, "the mean")

    def draw(self, rng: random.Random) -> float:
        """Return the next value."""
        return self.mean * unit_exponential(rng)


@attrs.frozen
class Lognormal:
    """Times of service as they are measured: half within ``p50``, 1 % beyond ``p99``.

    Takes one value of the stream each and rises with it, so that another p99 leaves quick
    ones quick. Uses libm: ``exp``, and ``log`` in the tails.
    """

    p50: float = must(POSITIVE, "the median")
    p99: float = must(POSITIVE, "what 1 % of the values exceed")
    sigma: float = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if self.p99 < self.p50:
            raise refuse(self, "p99", f"{show(self.p99)} is less than p50, {show(self.p50)}")
        if self.p99 > self.p50 * 1e6:
            raise refuse(self, "p99", f"{show(self.p99)} is more than a million times p50")
        object.__setattr__(self, "sigma", math.log(self.p99 / self.p50) / _Z99)

    @property
    def mean(self) -> float:
        """Above the median, the more so the longer the tail is."""
        return self.p50 * math.exp(self.sigma**2 / 2)

    def draw(self, rng: random.Random) -> float:
        """Return the next value."""
        return self.p50 * math.exp(self.sigma * _NORMAL.inv_cdf(_open_unit(rng)))


@attrs.frozen
class Pareto:
    """Sizes with a heavy tail (the smaller ``shape``, the heavier), cut off at ``cap``.

    The bounded distribution: its share beyond the cap is spread over all the rest and is not
    heaped up at the cap. Uses libm: ``log``, ``expm1``, ``pow``.
    """

    low: float = must(POSITIVE, "the least")
    shape: float = must(SHAPE, "the tail's exponent")
    cap: float = must(POSITIVE, "the most")

    def __attrs_post_init__(self) -> None:
        if self.low > self.cap:
            raise refuse(self, "low", f"{show(self.low)} is more than cap, {show(self.cap)}")

    @property
    def mean(self) -> float:
        """By ``expm1``, so that it is smooth where the shape is near 1."""
        span = math.log(self.cap / self.low)
        if not span:
            return self.low
        above_one = self.shape - 1
        tail = -math.expm1(-above_one * span) / above_one if above_one else span
        return self.shape * self.low * tail / -math.expm1(-self.shape * span)

    def draw(self, rng: random.Random) -> float:
        """Return the next value, in [low, cap]."""
        rest = 1.0 + rng.random() * math.expm1(-self.shape * math.log(self.cap / self.low))
        return float(min(max(self.low * rest ** (-1.0 / self.shape), self.low), self.cap))


@attrs.frozen
class Zipf:
    """Which of ``count`` keys: key k (from 0) as often as ``1 / (k + 1) ** exponent``.

    The table of a million keys takes 8 MB; equal values share it. Uses libm (``pow``) where the
    exponent is no whole number.
    """

    count: int = must(count(1, 1_000_000), "how many keys there are")
    exponent: float = knob(1.0, EXPONENT, "how much the first keys are preferred; 0: not at all")

    @property
    def mean(self) -> float:
        """The expected index."""
        table = _zipf_table(self.count, self.exponent)
        return self.count - math.fsum(table) / table[-1]

    def draw(self, rng: random.Random) -> float:
        """Return an index as a number."""
        return float(self.draw_index(rng))

    def draw_index(self, rng: random.Random) -> int:
        """Return the next key, in [0, count)."""
        return _pick(_zipf_table(self.count, self.exponent), rng)


@lru_cache(maxsize=8)
def _zipf_table(count: int, exponent: float) -> "array[float]":
    power: float = int(exponent) if float(exponent).is_integer() else exponent
    return array("d", accumulate(1.0 / k**power for k in range(1, count + 1)))


def _pick(sums: Any, rng: random.Random) -> int:
    """Return an index by its share of the running sums."""
    return min(bisect_right(sums, rng.random() * sums[-1]), len(sums) - 1)


def _is_part(value: object) -> None:
    if type(value) not in _PARTS.values():
        raise Refused(f"{show(value)} is not {_PART.allowed}")


_PART: Final = Nested(f"a {_NOUN} other than choice", lambda node: _read(node, _PARTS), _is_part)
CHOICES: Final = Rows({"value": _PART, "weight": WEIGHT})


def _choices(given: Any) -> Any:
    """A bare number stands for itself."""
    made = rows(given)
    if not isinstance(made, tuple):
        return made
    return tuple(_with_fixed(row) for row in made)


def _with_fixed(row: Any) -> object:
    bare = isinstance(row, tuple) and row and isinstance(row[0], int | float)
    return (Fixed(row[0]), *row[1:]) if bare else row


@attrs.frozen
class Choice:
    """One of several, by weight; each is a number or a distribution of its own. Arithmetic only."""

    of: tuple[tuple[Distribution, float], ...] = attrs.field(
        converter=_choices,
        validator=fits,
        metadata=described(cast(Any, CHOICES), "each with its weight"),
    )
    _sums: tuple[float, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_sums", tuple(accumulate(weight for _, weight in self.of)))

    @property
    def mean(self) -> float:
        """The parts' means by weight."""
        return math.fsum(part.mean * weight for part, weight in self.of) / self._sums[-1]

    def draw(self, rng: random.Random) -> float:
        """Return the next value of the part that is drawn first."""
        return self.of[_pick(self._sums, rng)][0].draw(rng)


_PARTS: Final[Mapping[str, type[Any]]] = {
    "fixed": Fixed,
    "uniform": Uniform,
    "exponential": Exponential,
    "lognormal": Lognormal,
    "pareto": Pareto,
    "zipf": Zipf,
}
DISTRIBUTIONS: Final[Mapping[str, type[Any]]] = {**_PARTS, "choice": Choice}
"""Every kind by the key that it is written with."""


def _read(node: Node, table: Mapping[str, type[Any]]) -> object:
    """What is written bare is ``fixed``; its problems are told where it stands."""
    if isinstance(node.value, int | float | str) and not isinstance(node.value, bool):
        amount = read_value(node, AMOUNT)
        return amount if amount is BAD else Fixed(cast(float, amount))
    return read_tagged(node, table, _NOUN)


def distribution_at(node: Node) -> object:
    """Return the distribution at a node of a configuration, or ``BAD``."""
    return _read(node, DISTRIBUTIONS)


def read_distribution(value: object, path: str = "") -> Distribution:
    """Return the distribution that plain data stands for; ``path`` is where it was written.

    Raises:
      ConfigError: with every problem: its path, what was seen, what is allowed.
    """
    return cast(Distribution, read_whole(value, path, distribution_at))


def to_data(distribution: Distribution) -> object:
    """Return plain data that ``read_distribution`` reads as an equal value."""
    if isinstance(distribution, Fixed):
        return distribution.value
    return to_tagged(distribution, DISTRIBUTIONS, to_data)
