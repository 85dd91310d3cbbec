"""One plot of the page: its frame, its axis, what is behind it, and what the crosshair says of it."""

from collections.abc import Sequence
from typing import Final

import attrs

from trio_lb.sim.report import svg
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.svg import LEFT, RIGHT, WIDTH, Scale, TimeAxis

MOST_LABELS: Final = 60
"""Characters of a label; the rest is in its title."""


@attrs.frozen(slots=True)
class Series:
    """A line of a plot, as the crosshair reads it: a value a bucket, None where there is none.

    ``unit`` tells how to write a value: ``/s``, ``ns``, ``x`` (a ratio) or "" (a count).
    """

    label: str
    class_: str
    values: Sequence[float | None]
    unit: str = ""

    def to_data(self) -> dict[str, object]:
        """Return what the page's script reads; three digits are what it shows."""
        values = [None if value is None else float(f"{value:.3g}") for value in self.values]
        whole = [
            int(value) if value is not None and value == int(value) else value for value in values
        ]
        return {"label": self.label, "unit": self.unit, "values": whole}


@attrs.frozen(slots=True)
class Panel:
    """A plot: ``body`` is drawn over the bands of faults, in a frame of ``height`` pixels."""

    key: str
    title: str
    says: str
    """What it shows, in a sentence for those who cannot see it."""
    height: float
    body: str
    series: tuple[Series, ...] = ()


def draw(panel: Panel, figures: Figures, axis: TimeAxis) -> str:
    """Return a panel as SVG."""
    title = f"{panel.key}-title"
    inside = (
        svg.tag("title", svg.safe(f"{panel.title}: {panel.says}"), id=title)
        + backdrop(figures, axis, panel.height)
        + svg.text(0, 14, panel.title, "title")
        + legend(panel)
        + panel.body
        + readouts(panel)
        + svg.tag("line", class_="cross", x1=0, x2=0, y1=0, y2=float(panel.height))
    )
    box = f"0 0 {WIDTH} {svg.number(panel.height)}"
    return svg.tag(
        "svg", inside, id=panel.key, class_="panel", role="img", aria_labelledby=title, viewBox=box
    )


def backdrop(figures: Figures, axis: TimeAxis, height: float) -> str:
    """Return the bands of faults and the beginnings of phases: the same behind each plot."""
    bands = "".join(
        svg.rect(
            axis.x(fault.begin),
            0,
            max(1.0, axis.x(figures.fault_end(fault)) - axis.x(fault.begin)),
            height,
            "fault",
        )
        for fault in figures.tally.faults
    )
    phases = "".join(
        svg.line(axis.x(at), 0, axis.x(at), height, "phase")
        for _, at in figures.tally.phases
        if at > 0
    )
    return bands + phases


def legend(panel: Panel) -> str:
    """Return the names of the lines in their own colours, beside the plot: no box to decode."""
    return "".join(
        svg.text(0, 31 + 15 * place, series.label, f"legend {series.class_}")
        for place, series in enumerate(panel.series)
    )


def readouts(panel: Panel) -> str:
    """Return the places in which the crosshair's values appear."""
    return "".join(
        svg.text(RIGHT + 10, 31 + 15 * place, "", f"read {series.class_}", data_series=place)
        for place, series in enumerate(panel.series)
    )


def rulers(scale: Scale, labels: Sequence[tuple[float, str]]) -> str:
    """Return thin lines across the plot at some values, each with its label at the left."""
    return "".join(
        svg.line(LEFT, scale.y(value), RIGHT, scale.y(value), "ruler")
        + svg.text(LEFT - 6, scale.y(value) + 4, label, "tick", text_anchor="end")
        for value, label in labels
    )


def time_axis(axis: TimeAxis, y: float) -> str:
    """Return the labels of time."""
    ticks = axis.ticks()
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.0
    return "".join(
        svg.line(axis.x(at), y, axis.x(at), y + 4, "ruler")
        + svg.text(axis.x(at), y + 17, svg.clock(at, step), "tick", text_anchor="middle")
        for at in ticks
    )


def shortened(label: str, most: int = MOST_LABELS) -> str:
    """Return a label that fits; whoever wants all of it finds it in a title."""
    return label if len(label) <= most else label[: most - 1] + "…"
