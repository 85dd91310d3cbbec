"""Drawing: scales, paths and tags, as text. Every number is short, every text is escaped."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import attrs

WIDTH: Final = 1160
LEFT: Final = 150
"""Where plots begin: left of it stand their titles and legends."""
RIGHT: Final = 1046
"""Where plots end: right of it stand the values under the crosshair."""

_Runs = Iterable[list[tuple[float, float]]]


def safe(text: object) -> str:
    """Return text for HTML or an attribute; names come from users, and may hold anything."""
    printable = "".join(each if each.isprintable() else "�" for each in str(text))
    return escape(printable, quote=True)


def number(value: float) -> str:
    """Return a coordinate: a tenth of a pixel is as fine as an eye."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def tag(name: str, content: str = "", /, **attributes: object) -> str:
    """Return an element; ``class_`` is written ``class``, and ``_`` as ``-``; None: left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{shown(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{said}>{content}</{name}>"


def shown(value: object) -> str:
    """Return an attribute's value."""
    return number(value) if isinstance(value, float) else safe(value)


def text(x: float, y: float, content: object, class_: str = "", **attributes: object) -> str:
    """Return a line of text."""
    return tag("text", safe(content), x=float(x), y=float(y), class_=class_ or None, **attributes)


def rect(x: float, y: float, width: float, height: float, class_: str, title: str = "") -> str:
    """Return a rectangle; ``title`` is what a pointer that rests on it, or a reader, is told."""
    inside = tag("title", safe(title)) if title else ""
    box = {"x": float(x), "y": float(y), "width": float(width), "height": float(height)}
    return tag("rect", inside, class_=class_, **box)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """Return a straight line."""
    ends = {"x1": float(x1), "y1": float(y1), "x2": float(x2), "y2": float(y2)}
    return tag("line", class_=class_, **ends)


@attrs.frozen(slots=True)
class TimeAxis:
    """Seconds to pixels; all plots share one."""

    end: float
    left: float = LEFT
    right: float = RIGHT

    def x(self, at: float) -> float:
        """Return where an instant is; what is outside the run is at its edge."""
        share = min(1.0, max(0.0, at / self.end)) if self.end else 0.0
        return self.left + share * (self.right - self.left)

    def ticks(self) -> list[float]:
        """Return about ten round instants."""
        step = nice_time(self.end / 10)
        return [place * step for place in range(math.floor(self.end / step + 1e-9) + 1)]


_NICE_SECONDS: Final = (60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def nice_time(seconds: float) -> float:
    """Return a round step of time: 1, 2, 5 … seconds, then whole minutes and hours."""
    if seconds > 20:
        fitting = (each for each in _NICE_SECONDS if each >= seconds)
        return float(next(fitting, 86400.0 * math.ceil(seconds / 86400)))
    power = 10.0 ** math.floor(math.log10(max(seconds, 1e-6)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= seconds * 0.999)


def clock(at: float, step: float = 0.0) -> str:
    """Return an instant as people say it: ``12.5 s``, ``3:20``, ``14:00:00``."""
    if at >= 3600 or step >= 3600:
        return f"{int(at // 3600)}:{int(at % 3600 // 60):02d} h"
    if step >= 60:
        return f"{at / 60:g} min"
    return f"{at:.6g} s"


@attrs.frozen(slots=True)
class Scale:
    """Values to pixels, linear from 0 or logarithmic; ``top`` is above ``bottom`` on the page."""

    low: float
    high: float
    top: float
    bottom: float
    log: bool = False

    @classmethod
    def linear(cls, highest: float, top: float, bottom: float) -> "Scale":
        """Return a scale from 0 to the round number that holds ``highest``."""
        return cls(0.0, nice_high(highest), top, bottom)

    @classmethod
    def decades(cls, lowest: float, highest: float, top: float, bottom: float) -> "Scale":
        """Return a logarithmic scale that holds both, a little beyond."""
        low, high = max(lowest, 1.0) * 0.8, max(highest, lowest, 1.0) * 1.25
        return cls(low, high, top, bottom, log=True)

    def y(self, value: float) -> float:
        """Return where a value is; what is outside the scale is at its edge."""
        inside = min(self.high, max(self.low, value))
        if self.log:
            share = math.log(inside / self.low) / math.log(self.high / self.low)
        else:
            share = (inside - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    def ticks(self) -> list[float]:
        """Return the few values that get a label."""
        if not self.log:
            return [self.low, self.high / 2, self.high]
        first, last = math.floor(math.log10(self.low)), math.floor(math.log10(self.high))
        for factors in ((1,), (1, 3), (1, 2, 3, 5), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)):
            ticks = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
            inside = [tick for tick in ticks if self.low <= tick <= self.high]
            if len(inside) > 1:
                return inside
        return [self.low, self.high]


def nice_high(value: float) -> float:
    """Return the least round number, easy to halve, not below ``value``; 1 for (almost) none."""
    if value < 1e-9:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    factors = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)
    return next(factor * power for factor in factors if factor * power >= value * 0.9999)


# ------------------------------------------------------------------ paths


def runs(points: Iterable[tuple[float, float | None]]) -> _Runs:
    """Split points where one is missing: a gap is drawn as a gap, not as a line across it."""
    run: list[tuple[float, float]] = []
    for x, y in points:
        if y is not None:
            run.append((x, y))
        elif run:
            yield run
            run = []
    if run:
        yield run


def path_line(points: Iterable[tuple[float, float | None]], class_: str) -> str:
    """Return a line through points."""
    data = "".join(
        "M" + "L".join(f"{number(x)} {number(y)}" for x, y in run) for run in runs(points)
    )
    return tag("path", d=data, class_=f"line {class_}")


def path_band(
    xs: Sequence[float], upper: Sequence[float | None], lower: Sequence[float | None], class_: str
) -> str:
    """Return the area between two lines, where both are known."""
    both = (None if a is None or b is None else (a, b) for a, b in zip(upper, lower, strict=True))
    data, run = [], list[tuple[float, float, float]]()
    for x, pair in [*zip(xs, both, strict=True), (0.0, None)]:
        if pair is not None:
            run.append((x, *pair))
        elif run:
            there = [f"{number(x)} {number(a)}" for x, a, _ in run]
            back = [f"{number(x)} {number(b)}" for x, _, b in reversed(run)]
            data.append("M" + "L".join(there + back) + "z")
            run = []
    return tag("path", d="".join(data), class_=f"band {class_}")


def boxes(cells: Iterable[tuple[float, float, float, float]], class_: str) -> str:
    """Return many rectangles (x, y, width, height) of one colour as one path: small and quick."""
    data = "".join(
        f"M{number(x)} {number(y)}h{number(w)}v{number(h)}h{number(-w)}z" for x, y, w, h in cells
    )
    return tag("path", d=data, class_=class_)
