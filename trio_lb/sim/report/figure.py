"""One small drawing of two runs side by side: with a protection, and without it.

    +---- with -----+  +--- without ---+
    | requests      |  | requests      |     one axis of time and one scale
    | p99           |  | p99           |     for both
    +---------------+  +---------------+

It is an SVG that stands alone: for a page of documentation, which has no style sheet for it,
and may be dark.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from trio_lb.sim.durations import duration
from trio_lb.sim.report import plots, svg
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.panel import shortened
from trio_lb.sim.report.summary import amount, percent
from trio_lb.sim.report.svg import Scale, TimeAxis
from trio_lb.sim.report.tally import FaultSpan

WIDTH: Final = 900
HEIGHT: Final = 420
MOST_POINTS: Final = 100
"""Points of a line: at 380 pixels more would show chance, not the run."""

_LEFTS: Final = (56.0, 496.0)
_SPAN: Final = 384.0
_TRAFFIC: Final = (84.0, 236.0)
_P99: Final = (282.0, 376.0)
_TOP: Final = 62.0
"""Where the bands of faults begin; the legend stands above."""

_STYLE: Final = """
text{font:11.5px Helvetica,Arial,"Liberation Sans",sans-serif;fill:#5d626a}
.paper{fill:#fdfcf9;stroke:#d9d6ce}
.title{font-size:14px;font-weight:600;fill:#23262b}
.name{font-weight:600}
.ruler{stroke:#e4e2dc}
.fault{fill:#d98c1f;fill-opacity:.13}
text.fault-name{fill:#96600a;font-size:11px}
.line{fill:none;stroke-width:1.5;stroke-linejoin:round}
.band{stroke:none;fill-opacity:.16}
.line.c-good,.line.c-p99{stroke:#2b6c9e}
.band.c-good,text.c-good,text.c-p99{fill:#2b6c9e}
.line.c-offered{stroke:#5d626a;stroke-width:1.1}
.line.c-failed{stroke:#c0392b}
.band.c-failed{fill:#c0392b;fill-opacity:.3}
text.c-failed{fill:#c0392b}
"""


@attrs.frozen(slots=True)
class Lines:
    """What is drawn of a run: a value for each of ``count`` spans of ``step`` seconds."""

    step: float
    offered: Sequence[float]
    good: Sequence[float]
    failed: Sequence[float]
    p99: Sequence[float | None]

    @classmethod
    def of(cls, figures: Figures) -> "Lines":
        """Return the lines of a run up to its end, some buckets merged into each point."""
        grid, columns = figures.tally.grid, figures.tally.columns
        buckets = min(figures.buckets, grid.index(length_of(figures)))
        merged = max(1, -(-buckets // MOST_POINTS))
        offered, good, failed = (
            rates(plots.rate(figures, columns[name])[:buckets], merged)
            for name in ("offered", "good", "failed")
        )
        found = [each[2] if each else None for each in figures.tally.quantiles[:buckets]]
        highest = [max(known(part), default=None) for part in parts(found, merged)]
        return cls(grid.step * merged, offered, good, failed, highest)

    def xs(self, axis: TimeAxis) -> list[float]:
        """Return where the middle of each span is."""
        return [axis.x((place + 0.5) * self.step) for place in range(len(self.offered))]


def length_of(figures: Figures) -> float:
    """Return the seconds that are drawn: what comes after them is clients going home."""
    return figures.facts.until + figures.facts.settle


def parts(column: Sequence[float | None], size: int) -> list[Sequence[float | None]]:
    """Cut a column; a last part that is not whole is left out."""
    whole = len(column) // size or 1
    return [column[place * size : (place + 1) * size] for place in range(whole)]


def known(values: Iterable[float | None]) -> list[float]:
    """Return the values that there are."""
    return [value for value in values if value is not None]


def rates(column: Sequence[float], size: int) -> list[float]:
    """Return the mean rate of each part."""
    return [sum(known(part)) / size for part in parts(column, size)]


def small_figure(protected: Figures, control: Figures, *, about: str = "") -> str:
    """Return both runs as one SVG; ``about`` is the protection that the second one lacks."""
    runs = (protected, control)
    lines = [Lines.of(run) for run in runs]
    end = max(map(length_of, runs))
    traffic = Scale.linear(
        max(value for each in lines for value in (*each.offered, *each.good, *each.failed)),
        *_TRAFFIC,
    )
    seen = [value for each in lines for value in known(each.p99)]
    latency = Scale.decades(min(seen, default=1.0), max(seen, default=1.0), *_P99)
    body = svg.tag("style", _STYLE) + svg.tag(
        "rect", class_="paper", x=0.5, y=0.5, width=WIDTH - 1.0, height=HEIGHT - 1.0, rx=6
    )
    titles = ("as configured", "control run")
    for left, run, each, title in zip(_LEFTS, runs, lines, titles, strict=True):
        axis = TimeAxis(end, left, left + _SPAN)
        body += half(run, each, axis, (traffic, latency), title)
    says = f"{protected.facts.name}: the run as configured, and the control run"
    text = svg.tag("title", svg.safe(says + (f" without {about}" if about else "")))
    return (
        svg.tag(
            "svg",
            text + body,
            xmlns="http://www.w3.org/2000/svg",
            role="img",
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            width=WIDTH,
            height=HEIGHT,
        )
        + "\n"
    )


def half(
    figures: Figures, lines: Lines, axis: TimeAxis, scales: tuple[Scale, Scale], title: str
) -> str:
    """Return one run."""
    head = f"{title}: {percent(figures.success_fraction)} of {figures.totals['offered']:,} good"
    return (
        svg.text(axis.left, 24, head, "title")
        + bands(figures, axis)
        + legend(axis.left)
        + traffic_of(lines, axis, scales[0])
        + latency_of(lines, axis, scales[1])
        + time_axis(axis)
    )


def legend(left: float) -> str:
    """Return the names of the lines in their own colours."""
    names = (("offered", "c-offered", 0), ("good", "c-good", 50), ("failed", "c-failed", 88))
    above = "".join(svg.text(left + x, 44, name, f"name {class_}") for name, class_, x in names)
    unit = svg.text(left + 132, 44, "requests per second")
    p99 = svg.text(left, _P99[0] - 12, "p99", "name c-p99")
    return above + unit + p99 + svg.text(left + 28, _P99[0] - 12, "of good requests")


def bands(figures: Figures, axis: TimeAxis) -> str:
    """Return the bands of the faults, with their names where there is room."""
    body, named = "", 0.0
    for (begin, end), label in spans(figures):
        left, right = axis.x(begin), axis.x(end)
        body += svg.rect(left, _TOP, max(1.5, right - left), _P99[1] - _TOP, "fault")
        if left >= named:
            text = shortened(label, 40)
            body += svg.text(left + 4, _TOP + 12, text, "fault-name")
            named = left + 6.0 * len(text)
    return body


def spans(figures: Figures) -> Iterator[tuple[tuple[float, float], str]]:
    """Yield from when to when there were faults, and which; those of one time are one."""
    found: dict[tuple[float, float], list[FaultSpan]] = {}
    for fault in figures.tally.faults:
        found.setdefault((fault.begin, figures.fault_end(fault)), []).append(fault)
    for span, faults in found.items():
        first, more = faults[0], len(faults) - 1
        label = f"{first.kind} {first.target}"
        yield span, f"{label} and {more} more" if more else label


def rulers(axis: TimeAxis, scale: Scale, labels: Sequence[tuple[float, str]]) -> str:
    """Return thin lines across a half at some values, with their labels."""
    return "".join(
        svg.line(axis.left, scale.y(value), axis.right, scale.y(value), "ruler")
        + svg.text(axis.left - 6, scale.y(value) + 4, label, text_anchor="end")
        for value, label in labels
    )


def traffic_of(lines: Lines, axis: TimeAxis, scale: Scale) -> str:
    """Return what was offered, what was good and what failed."""
    xs = lines.xs(axis)
    floor = [scale.bottom] * len(xs)
    good, offered, failed = (
        [scale.y(value) for value in column] for column in (lines.good, lines.offered, lines.failed)
    )
    body = (
        rulers(axis, scale, [(tick, amount(tick)) for tick in scale.ticks()])
        + svg.path_band(xs, good, floor, "c-good")
        + svg.path_line(zip(xs, good, strict=True), "c-good")
        + svg.path_line(zip(xs, offered, strict=True), "c-offered")
    )
    if any(lines.failed):  # A red line along the floor would look as if something had failed.
        above = [y if value else None for y, value in zip(failed, lines.failed, strict=True)]
        body += svg.path_band(xs, failed, floor, "c-failed")
        body += svg.path_line(zip(xs, above, strict=True), "c-failed")
    return body


def latency_of(lines: Lines, axis: TimeAxis, scale: Scale) -> str:
    """Return the 99 % quantile; where nothing was good there is none."""
    ys = [None if value is None else scale.y(value) for value in lines.p99]
    labels = [(tick, duration(tick)) for tick in scale.ticks()]
    return rulers(axis, scale, labels) + svg.path_line(
        zip(lines.xs(axis), ys, strict=False), "c-p99"
    )


def time_axis(axis: TimeAxis) -> str:
    """Return the labels of time."""
    ticks = axis.ticks()
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.0
    return "".join(
        svg.line(axis.x(at), _P99[1], axis.x(at), _P99[1] + 4, "ruler")
        + svg.text(axis.x(at), _P99[1] + 18, svg.clock(at, step), text_anchor="middle")
        for at in ticks
    )
