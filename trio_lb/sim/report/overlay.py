"""The plots of two runs, one over the other: A in grey, B in colour."""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from trio_lb.sim.durations import duration
from trio_lb.sim.report import plots, svg
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.pairs import EDGES, Pairs
from trio_lb.sim.report.panel import Panel, Series, rulers
from trio_lb.sim.report.summary import amount
from trio_lb.sim.report.svg import LEFT, RIGHT, Scale, TimeAxis

Column = Sequence[float | None]

OF_SERVERS: Final = ("amp", "queue")
"""The keys of those measures that only the simulator's servers tell."""

_CLASSES: Final = ("c-a", "c-b")


@attrs.frozen(slots=True)
class Measure:
    """Something that is drawn for both runs."""

    key: str
    title: str
    says: str
    unit: str
    of: Callable[[Figures], Column]
    height: float = 80
    log: bool = False


def measures() -> list[Measure]:
    """Return what is drawn, from above."""
    return [
        Measure("good", "Good", "good requests per second", "/s", good, 100),
        Measure("bad", "Failed", "failed requests per second", "/s", failed),
        Measure("p50", "p50", "the median latency, logarithmic", "ns", p50, 90, log=True),
        Measure(
            "p99", "p99", "the latency of the slowest 1 %, logarithmic", "ns", p99, 110, log=True
        ),
        Measure("amp", "Amplification", "tries at servers per request offered", "x", amplified, 70),
        Measure("queue", "Queued", "requests in all servers' queues, peaks", "", queued, 70),
        Measure("wait", "In flight", "requests that clients wait for, peaks", "", waiting, 70),
        Measure(
            "open",
            "From clients",
            "connections of clients, open at balancers, peaks",
            "",
            clients,
            70,
        ),
        Measure(
            "held",
            "To servers",
            "connections to servers, open at balancers, peaks",
            "",
            servers,
            70,
        ),
    ]


def good(figures: Figures) -> Column:
    """Good requests per second."""
    return plots.rate(figures, figures.tally.columns["good"])


def failed(figures: Figures) -> Column:
    """Failed requests per second."""
    return plots.rate(figures, figures.tally.columns["failed"])


def p50(figures: Figures) -> Column:
    """The median latency of each bucket."""
    return [None if each is None else each[0] for each in figures.tally.quantiles]


def p99(figures: Figures) -> Column:
    """The 99 % quantile of each bucket."""
    return [None if each is None else each[2] for each in figures.tally.quantiles]


def amplified(figures: Figures) -> Column:
    """Tries that came to servers, per request offered."""
    return plots.ratios(figures)


def queued(figures: Figures) -> Column:
    """What waits in servers' queues."""
    return figures.tally.queued.peaks


def waiting(figures: Figures) -> Column:
    """What clients wait for."""
    return figures.tally.waiting.peaks


def clients(figures: Figures) -> Column:
    """Connections of clients that balancers hold."""
    return figures.tally.open_clients.peaks


def servers(figures: Figures) -> Column:
    """Connections to servers that balancers hold."""
    return figures.tally.open_servers.peaks


def overlaid(measure: Measure, runs: tuple[Figures, Figures], axis: TimeAxis) -> Panel:
    """Return one measure of both runs in one plot."""
    step = runs[0].tally.grid.step
    count = max(run.buckets for run in runs)
    columns = [padded(measure.of(run), count) for run in runs]
    scale = scale_of(measure, [value for column in columns for value in column if value])
    body = ruled(measure, scale)
    for class_, column in zip(_CLASSES, columns, strict=True):
        points = (
            (axis.x((place + 0.5) * step), None if value is None else scale.y(value))
            for place, value in enumerate(column)
        )
        body += svg.path_line(points, class_)
    series = tuple(
        Series(name, class_, column, measure.unit)
        for name, class_, column in zip("AB", _CLASSES, columns, strict=True)
    )
    return Panel(measure.key, measure.title, measure.says, measure.height, body, series)


def padded(column: Column, count: int) -> Column:
    """Return a column of ``count`` values; a run that ended has none."""
    return [*column[:count], *([None] * (count - len(column)))]


def scale_of(measure: Measure, values: Sequence[float]) -> Scale:
    """Return the scale that holds both runs."""
    top, bottom = 8.0, measure.height - 8
    if measure.log:
        return Scale.decades(min(values, default=1.0), max(values, default=1.0), top, bottom)
    return Scale.linear(max(values, default=0.0), top, bottom)


def ruled(measure: Measure, scale: Scale) -> str:
    """Return the rulers of a measure, labelled in its unit."""
    if measure.unit == "ns":
        return rulers(scale, [(tick, duration(tick)) for tick in scale.ticks()])
    sign, unit = ("×", "") if measure.unit == "x" else ("", measure.unit)
    ticks = (scale.low, scale.high)
    return rulers(scale, [(tick, f"{sign}{amount(tick)}{unit}") for tick in ticks])


# ------------------------------------------------------------------ differences


def differences(pairs: Pairs) -> str:
    """Return the distribution of B's latency minus A's, as bars from faster to slower."""
    height, floor, top = 150, 118.0, 16.0
    width = (RIGHT - LEFT) / len(pairs.bins)
    most = max(*pairs.bins, 1)
    middle = len(pairs.bins) // 2
    bars = "".join(
        svg.rect(
            LEFT + place * width,
            floor - (floor - top) * count / most,
            width - 1.5,
            (floor - top) * count / most,
            "bar-same" if place == middle else "bar-faster" if place < middle else "bar-slower",
            f"{bin_name(place)}: {count:,} requests",
        )
        for place, count in enumerate(pairs.bins)
        if count
    )
    inside = (
        svg.tag("title", "Distribution of the differences of latency, B minus A", id="diff-title")
        + svg.text(0, 14, "B minus A", "title")
        + svg.text(0, 31, "B faster", "legend c-b")
        + svg.text(0, 46, "B slower", "legend c-failed")
        + svg.line(LEFT, floor, RIGHT, floor, "ruler")
        + bars
        + edge_labels(width, floor)
    )
    return svg.tag(
        "svg", inside, class_="panel", role="img", aria_labelledby="diff-title",
        viewBox=f"0 0 {svg.WIDTH} {height}",
    )  # fmt: skip


def edge_labels(width: float, floor: float) -> str:
    """Return the labels of the scale: each decade, both ways."""
    middle = LEFT + (len(EDGES) + 0.5) * width
    labels = svg.text(middle, floor + 16, "0", "tick", text_anchor="middle")
    for place in range(3, len(EDGES), 3):
        for way, sign in ((-1, "-"), (1, "+")):
            x = middle + way * (place + 0.5) * width
            label = f"{sign}{duration(EDGES[place])}"
            labels += svg.text(x, floor + 16, label, "tick", text_anchor="middle")
    return labels


def bin_name(place: int) -> str:
    """Return a bin in words."""
    middle = len(EDGES)
    if place == middle:
        return f"within {duration(EDGES[0])}"
    way = "slower" if place > middle else "faster"
    return f"more than {duration(EDGES[abs(place - middle) - 1])} {way}"
