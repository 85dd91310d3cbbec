"""When the next one comes: open-loop arrivals, which do not wait for anybody's answer.

    now = arrivals.next_after(now, rng)    # the instant of the next arrival, or None: no more

Every value is frozen and may be shared: what a process remembers (the phase of ``Bursts``) it
remembers for the stream that draws. Instants are seconds of virtual time, rates are arrivals a
second. All but ``Replay`` and ``Every`` draw, and none of it needs libm: exponential gaps are
von Neumann's, and a day rises and falls by a cubic, not by a cosine.
"""

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final, Protocol, cast
from weakref import WeakKeyDictionary

import attrs

from trio_lb.config import values
from trio_lb.config.kinds import YEAR_SECONDS, Number, show
from trio_lb.config.knobs import SECONDS_OR_OFF, ListOf, described, fits, knob
from trio_lb.config.nodes import Node
from trio_lb.sim.distributions import unit_exponential
from trio_lb.sim.tagged import Rows, must, read_tagged, read_whole, refuse, rows, to_tagged

DAY_SECONDS: Final = 86400.0
LEAST_APART_SECONDS: Final = 1e-9
"""What a log has at the same instant follows at this distance: a trace counts nanoseconds."""


def _a_second(text: str) -> float:
    many, seconds = values.rate(text)
    return many / seconds


RATE: Final = Number("a rate (15, 10/s, 4/1h)", 0, 1e9, unit="a second", parse=_a_second)
PERIOD: Final = Number(
    values.DURATION_FORM, 1e-9, YEAR_SECONDS, unit="seconds", parse=values.duration
)
DWELL: Final = Number(
    values.DURATION_FORM, 1e-3, YEAR_SECONDS, unit="seconds", parse=values.duration
)
SPEED: Final = Number("a factor", 0, 1e6, above=True)


class Arrivals(Protocol):
    """A process of arrivals."""

    def next_after(self, now: float, rng: random.Random) -> float | None:
        """Return the next instant, > ``now``; None when nothing comes any more."""
        ...

    def expected(self, begin: float, end: float) -> float:
        """Return how many arrivals are to be expected in (begin, end]."""
        ...


def _strictly_after(now: float, instant: float) -> float | None:
    """A gap too small for a float is made the smallest one; one without an end is no arrival."""
    if instant == math.inf:
        return None
    return instant if instant > now else math.nextafter(now, math.inf)


@attrs.frozen
class Poisson:
    """Arrivals that know nothing of each other, at one rate."""

    rate: float = must(RATE, "arrivals a second; 0: none")

    def next_after(self, now: float, rng: random.Random) -> float | None:
        """Return ``now`` and an exponential gap."""
        if not self.rate:
            return None
        return _strictly_after(now, now + unit_exponential(rng) / self.rate)

    def expected(self, begin: float, end: float) -> float:
        """Return the rate times the length."""
        return self.rate * (end - begin)


class _Phases:
    """The instants at which one stream's bursts begin and end; drawn as they are needed.

    They come from a generator of their own, which the stream seeds once: how many arrivals
    there are does not move the bursts.
    """

    __slots__ = ("_begins_high", "_dwells", "_rng", "_switches")

    def __init__(self, spec: "Bursts", now: float, rng: random.Random) -> None:
        self._rng = random.Random(rng.getrandbits(64))
        share_high = spec.high_seconds / (spec.low_seconds + spec.high_seconds)
        self._begins_high = self._rng.random() < share_high
        self._dwells = (spec.low_seconds, spec.high_seconds)
        self._switches: list[float] = []
        self._draw(now)

    def _draw(self, begin: float) -> None:
        dwell = self._dwells[self._is_high(len(self._switches))]
        end = begin + dwell * unit_exponential(self._rng)
        self._switches.append(max(end, math.nextafter(begin, math.inf)))

    def _is_high(self, index: int) -> bool:
        return self._begins_high ^ bool(index % 2)

    def at(self, instant: float) -> tuple[bool, float]:
        """Return whether the phase at ``instant`` is a burst, and when it ends."""
        while self._switches[-1] <= instant:
            self._draw(self._switches[-1])
        index = bisect_right(self._switches, instant)
        return self._is_high(index), self._switches[index]


@attrs.frozen
class Bursts:
    """Two rates that take turns (a two-state MMPP); each lasts an exponential time.

    Phases begin in balance when a stream first asks, and are kept (8 bytes each) as long as the
    stream's generator. A stream may ask about any instant after its first one, in any order.
    """

    rate_low: float = must(RATE, "arrivals a second between bursts; 0: none")
    rate_high: float = must(RATE, "arrivals a second in a burst")
    low_seconds: float = must(DWELL, "how long it is calm, on average")
    high_seconds: float = must(DWELL, "how long a burst lasts, on average")
    _phases: "WeakKeyDictionary[random.Random, _Phases]" = attrs.field(
        init=False, repr=False, eq=False, factory=WeakKeyDictionary
    )

    def __attrs_post_init__(self) -> None:
        if self.rate_low > self.rate_high:
            seen, most = show(self.rate_low), show(self.rate_high)
            raise refuse(self, "rate_low", f"{seen} is more than rate_high, {most}")
        if self.expected(0.0, self.low_seconds + self.high_seconds) < 1e-3:
            seen = show(self.rate_high)
            raise refuse(self, "rate_high", f"{seen} brings less than 1 arrival in 1000 bursts")

    def next_after(self, now: float, rng: random.Random) -> float | None:
        """Spend one exponential amount of expected arrivals, phase by phase."""
        phases = self._phases.get(rng)
        if phases is None:
            phases = self._phases[rng] = _Phases(self, now, rng)
        left, instant = unit_exponential(rng), now
        while True:
            is_high, end = phases.at(instant)
            rate = self.rate_high if is_high else self.rate_low
            if left <= rate * (end - instant):
                return _strictly_after(now, instant + left / rate if rate else instant)
            left -= rate * (end - instant)
            instant = end

    def expected(self, begin: float, end: float) -> float:
        """Return the mean over all phases that might have been."""
        turn = self.low_seconds + self.high_seconds
        mean = self.rate_low * self.low_seconds + self.rate_high * self.high_seconds
        return mean / turn * (end - begin)


@attrs.frozen
class Diurnal:
    """A day: from ``low`` at night to ``high`` at ``peak_at`` and back, smoothly.

    The curve is the cubic 1 - d * d * (3 - 2 * d), d the distance from the peak in half
    periods: within 0.011 of a cosine, with its mean, and the same bits everywhere.
    """

    low: float = must(RATE, "the least rate")
    high: float = must(RATE, "the greatest rate")
    period: float = knob(DAY_SECONDS, PERIOD, "how long a day is")
    peak_at: float = attrs.field(
        default=attrs.Factory(lambda self: self.period / 2, takes_self=True),
        validator=fits,
        metadata=described(SECONDS_OR_OFF, "when in a day the peak is; by default halfway"),
    )

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise refuse(self, "low", f"{show(self.low)} is more than high, {show(self.high)}")

    def rate_at(self, instant: float) -> float:
        """Return the rate at an instant."""
        off = abs((instant - self.peak_at) / self.period % 1.0 - 0.5)
        far = 1.0 - 2.0 * off
        return self.low + (self.high - self.low) * (1.0 - far * far * (3.0 - 2.0 * far))

    def next_after(self, now: float, rng: random.Random) -> float | None:
        """Draw at the greatest rate and keep each by the rate of its instant (thinning)."""
        if not self.high:
            return None
        instant = now
        while True:
            instant += unit_exponential(rng) / self.high
            if instant == math.inf or rng.random() * self.high < self.rate_at(instant):
                return _strictly_after(now, instant)

    def expected(self, begin: float, end: float) -> float:
        """Return the integral of the rate, exactly."""
        wave = self._wave(end) - self._wave(begin)
        return self.low * (end - begin) + (self.high - self.low) * wave

    def _wave(self, instant: float) -> float:
        """The integral of the curve from a peak on: half a period's for each half of one."""
        halves = (instant - self.peak_at) / self.period * 2.0
        whole = math.floor(halves / 2.0)
        far = halves - 2.0 * whole
        part = _fall(far) if far <= 1.0 else 1.0 - _fall(2.0 - far)
        return (whole + part) * self.period / 2.0


def _fall(far: float) -> float:
    """The integral of 1 - d * d * (3 - 2 * d) from 0 to ``far``; 1/2 at 1."""
    return far - far * far * far * (1.0 - far / 2.0)


STEPS: Final = Rows({"at": SECONDS_OR_OFF, "rate": RATE})


@attrs.frozen
class Steps:
    """One rate after another: each holds from its instant on; before the first there is none."""

    steps: tuple[tuple[float, float], ...] = attrs.field(
        converter=rows,
        validator=fits,
        metadata=described(cast(Any, STEPS), "from when, how many a second"),
    )
    _begins: tuple[float, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for (before, _), (at, _) in pairwise(self.steps):
            if at <= before:
                raise refuse(self, "steps", f"{show(at)} does not come after {show(before)}")
        object.__setattr__(self, "_begins", (*(at for at, _ in self.steps), math.inf))

    def next_after(self, now: float, rng: random.Random) -> float | None:
        """Spend one exponential amount of expected arrivals, step by step."""
        left = unit_exponential(rng)
        for begin, end, rate in self._pieces(now, math.inf):
            if rate and left <= rate * (end - begin):
                return _strictly_after(now, begin + left / rate)
            left -= rate * (end - begin) if rate else 0.0
        return None

    def expected(self, begin: float, end: float) -> float:
        """Return the integral of the rate."""
        return math.fsum(rate * (to - at) for at, to, rate in self._pieces(begin, end))

    def _pieces(self, begin: float, end: float) -> Iterator[tuple[float, float, float]]:
        """(from, to, rate) of each step that has a part in [begin, end)."""
        first = max(0, bisect_right(self._begins, begin) - 1)
        for index in range(first, len(self.steps)):
            start = max(self._begins[index], begin)
            stop = min(self._begins[index + 1], end)
            if start < stop:
                yield start, stop, self.steps[index][1]


@attrs.frozen
class Replay:
    """Instants of a log, from its beginning; at speed 2 in half the time.

    A log of whole seconds has many of the same instant: each of these comes a nanosecond
    after the one before, so that none is lost.
    """

    instants: tuple[float, ...] = attrs.field(
        converter=rows,
        validator=fits,
        metadata=described(ListOf(SECONDS_OR_OFF), "seconds from the log's beginning"),
    )
    speed: float = knob(1.0, SPEED, "how much faster than it was")
    _played: tuple[float, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for before, at in pairwise(self.instants):
            if at < before:
                raise refuse(
                    self,
                    "instants",
                    f"{show(at)} stands after {show(before)}; a log goes on in time",
                )
        played, last = list[float](), -math.inf
        for at in self.instants:
            apart = max(last + LEAST_APART_SECONDS, math.nextafter(last, math.inf))
            played.append(last := max(at / self.speed, apart))
        object.__setattr__(self, "_played", tuple(played))

    def next_after(self, now: float, rng: random.Random) -> float | None:
        """Return the next one of the log."""
        index = bisect_right(self._played, now)
        return self._played[index] if index < len(self._played) else None

    def expected(self, begin: float, end: float) -> float:
        """Return how many there are."""
        return bisect_right(self._played, end) - bisect_right(self._played, begin)


@attrs.frozen
class Every:
    """One a period, on the beat: ``start``, ``start + period`` and so on, without any drift."""

    period: float = must(PERIOD, "from one to the next")
    start: float = knob(0.0, SECONDS_OR_OFF, "when the first one comes")

    def next_after(self, now: float, rng: random.Random) -> float | None:
        """Return the next beat; what divides badly is put right by comparing instants."""
        beat = self._beats_until(now)
        return _strictly_after(now, self.start + beat * self.period)

    def expected(self, begin: float, end: float) -> float:
        """Return how many there are."""
        return float(self._beats_until(end) - self._beats_until(begin))

    def _beats_until(self, instant: float) -> int:
        """How many beats there are up to ``instant``, it included."""
        if instant < self.start:
            return 0
        near = max(0, math.floor((instant - self.start) / self.period) - 1)
        return near + bisect_left(
            range(near, near + 4), True, key=lambda beat: self.start + beat * self.period > instant
        )


ARRIVALS: Final[Mapping[str, type[Any]]] = {
    "poisson": Poisson,
    "bursts": Bursts,
    "diurnal": Diurnal,
    "steps": Steps,
    "replay": Replay,
    "every": Every,
}
"""Every kind by the key that it is written with."""


def arrivals_at(node: Node) -> object:
    """Return the arrivals at a node of a configuration, or ``BAD``."""
    return read_tagged(node, ARRIVALS, "process of arrivals")


def read_arrivals(value: object, path: str = "") -> Arrivals:
    """Return the process that plain data stands for; ``path`` is where it was written.

    Raises:
      ConfigError: with every problem: its path, what was seen, what is allowed.
    """
    return cast(Arrivals, read_whole(value, path, arrivals_at))


def to_data(arrivals: Arrivals) -> object:
    """Return plain data that ``read_arrivals`` reads as an equal value."""
    return to_tagged(arrivals, ARRIVALS, to_data)
