"""Levels of service: shares of errors, latencies and availability, as a user would agree on them.

    ErrorRate("<1%", outside_faults=True)    Latency(p99="<100ms")    Available(">=99.9%")

They are judged at the end, over the whole run; with ``outside_faults`` over the requests
that no fault could touch.
"""

import math
import re
from array import array
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from trio_lb.config import values
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.faults import Weather
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What

_BOUND: Final = re.compile(r"\s*(<=?|>=?)\s*(.+?)\s*")
_SHARE: Final = re.compile(r"([0-9.]+)\s*(%?)")

_PERCENTILE: Final = re.compile(r"p(\d+(?:_\d+)?)")

AFTERMATH_SECONDS: Final = 30.0
"""So long after a fault is healed its consequences may last: open breakers, ejections."""


class Bound:
    """``<1%``, ``<=100ms``, ``>=0.999``: what a figure is compared with."""

    def __init__(self, text: str, *, is_share: bool) -> None:
        """Read it.

        Raises:
          ValueError: it says nothing that can be compared.
        """
        match = _BOUND.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no bound; write '<1%', '<=100ms' or '>=0.999'")
        self.text = text.strip()
        self._sign = match[1]
        self._amount = _share(match[2], text) if is_share else _seconds(match[2], text)

    def holds(self, figure: float) -> bool:
        """Whether the figure keeps it."""
        if self._sign[0] == "<":
            return figure < self._amount or (len(self._sign) == 2 and figure == self._amount)
        return figure > self._amount or (len(self._sign) == 2 and figure == self._amount)


def _share(text: str, whole: str) -> float:
    match = _SHARE.fullmatch(text)
    try:
        if match is not None:
            # Exact until the end: 99.9 % is then the same float as 0.999.
            return float(Fraction(match[1]) / (100 if match[2] else 1))
    except ValueError:
        pass
    raise ValueError(f"{whole!r}: {text!r} is no share; write '1%' or '0.01'")


def _seconds(text: str, whole: str) -> float:
    try:
        return values.duration(text)
    except ValueError as error:
        raise ValueError(f"{whole!r}: {text!r} {error}") from None


class _Fair:
    """Which requests count: all, or those that no fault could touch."""

    def __init__(self, outside_faults: bool, aftermath_seconds: float) -> None:
        self._outside_faults = outside_faults
        self._aftermath_seconds = aftermath_seconds
        self.weather = Weather()

    def counts(self, happening: Happening, lasted_ns: int) -> bool:
        """Whether a request that ends now after so long counts."""
        if not self._outside_faults:
            return True
        return self.weather.was_calm(happening.at - lasted_ns / 1e9 - self._aftermath_seconds)


class ErrorRate(Check):
    """The share of requests that clients call failed."""

    name = "error_rate"

    def __init__(
        self,
        bound: str,
        *,
        outside_faults: bool = False,
        aftermath_seconds: float = AFTERMATH_SECONDS,
    ) -> None:
        """``bound`` is a share, as ``<1%``.

        Raises:
          ValueError: it can't be read.
        """
        super().__init__()
        self._bound = Bound(bound, is_share=True)
        self.asked = self._bound.text
        self._fair = _Fair(outside_faults, aftermath_seconds)
        self._done = self._failed = 0
        self._first: Happening | None = None

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.DONE: self._heard, **self._fair.weather.ears}

    def _heard(self, happening: Happening) -> None:
        good, _, lasted_ns, _ = happening.values
        if self._fair.counts(happening, int(lasted_ns)):
            self._done += 1
            if not good:
                self._failed += 1
                self._first = self._first or happening

    def finish(self, world: World) -> None:
        """Judge the whole run; the violation names the first request that failed."""
        share = self._failed / self._done if self._done else 0.0
        self.found = f"{share:.2%}"
        if self._bound.holds(share):
            return
        text = f"{self._failed} of {self._done} requests failed, {share:.2%}; asked for is {self._bound.text}"
        if self._first is None:
            self.object_at(world.clock.current_time(), text)
        else:
            self.object(self._first, f"{text}; this was the first ({self._first.values[3]})")


class Latency(Check):
    """Percentiles of the time from a wish to its fulfilment, retries and pauses included.

    Only successes count: a failure that comes quickly is no good service.
    """

    name = "latency"

    def __init__(
        self,
        *,
        outside_faults: bool = False,
        aftermath_seconds: float = AFTERMATH_SECONDS,
        **percentiles: str,
    ) -> None:
        """``percentiles`` are bounds as ``p50="<20ms"``, ``p99_9="<1s"``.

        Raises:
          ValueError: one can't be read.
        """
        super().__init__()
        self._bounds = {
            name: (_percentile(name), Bound(bound, is_share=False))
            for name, bound in percentiles.items()
        }
        if not self._bounds:
            raise ValueError("no percentile is given; write p99='<100ms'")
        self.asked = ", ".join(f"{name} {each.text}" for name, (_, each) in self._bounds.items())
        self._fair = _Fair(outside_faults, aftermath_seconds)
        self._lasted = array("q")

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.DONE: self._heard, **self._fair.weather.ears}

    def _heard(self, happening: Happening) -> None:
        good, _, lasted_ns, _ = happening.values
        if good and self._fair.counts(happening, int(lasted_ns)):
            self._lasted.append(int(lasted_ns))

    def finish(self, world: World) -> None:
        """Judge the whole run."""
        ordered = sorted(self._lasted)
        figures = (percentile(ordered, share) for share, _ in self._bounds.values())
        self.found = ", ".join(f"{figure / 1e6:,.0f} ms" for figure in figures)
        for name, (share, bound) in self._bounds.items():
            figure = percentile(ordered, share) / 1e9
            if ordered and not bound.holds(figure):
                text = f"{name} of {len(ordered)} is {figure:.6f} s; asked for is {bound.text}"
                self.object_at(world.clock.current_time(), text)


class Available(Check):
    """The share of a pool's requests that did not end in an error that is its own.

    Each pool is judged by itself: one that is down must not hide behind one that is busy.
    What a client gave up, or did wrong, is left out.
    """

    name = "available"

    def __init__(
        self,
        bound: str = ">=99.9%",
        *,
        outside_faults: bool = False,
        aftermath_seconds: float = AFTERMATH_SECONDS,
    ) -> None:
        """``bound`` is a share.

        Raises:
          ValueError: it can't be read.
        """
        super().__init__()
        self._bound = Bound(bound, is_share=True)
        self._fair = _Fair(outside_faults, aftermath_seconds)
        self._good: dict[tuple[str, str], int] = {}
        self._bad: dict[tuple[str, str], list[Happening]] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        ends = dict.fromkeys((What.COMPLETE, What.ERROR), self._heard)
        return {**ends, **self._fair.weather.ears}

    def _heard(self, happening: Happening) -> None:
        _, pool, status, _, lasted_ns = happening.values[:5]
        if not pool or not self._fair.counts(happening, int(lasted_ns)):
            return
        key = (happening.entity, str(pool))
        is_error = happening.what is What.ERROR
        if int(status) >= 500 or (is_error and not int(status) and not _is_clients(happening)):
            self._bad.setdefault(key, []).append(happening)
        elif not is_error:
            self._good[key] = self._good.get(key, 0) + 1

    def finish(self, world: World) -> None:
        """Judge each pool; the violation names its first error."""
        for key in {**self._good, **self._bad}:
            good, bad = self._good.get(key, 0), self._bad.get(key, [])
            share = good / (good + len(bad))
            if bad and not self._bound.holds(share):
                text = f"pool {key[1]} was available to {share:.3%} of {good + len(bad)}; asked for is {self._bound.text}"
                self.object(bad[0], text)


def percentile(ordered: Sequence[int], share: float) -> int:
    """Return the least value that ``share`` of them do not exceed (nearest rank); 0 of none."""
    if not ordered:
        return 0
    return ordered[max(math.ceil(share * len(ordered) - 1e-9), 1) - 1]


def _percentile(name: str) -> float:
    match = _PERCENTILE.fullmatch(name)
    share = float(match[1].replace("_", ".")) / 100.0 if match else 0.0
    if not 0.0 < share <= 1.0:
        raise ValueError(f"{name!r} is no percentile; write p50, p99 or p99_9")
    return share


def _is_clients(error: Happening) -> bool:
    return "client" in str(error.values[5])
