"""The plots of rates, latencies and levels."""

from collections.abc import Sequence
from typing import Final

from trio_lb.sim.durations import duration
from trio_lb.sim.report import svg
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.panel import Panel, Series, rulers, shortened, time_axis
from trio_lb.sim.report.sample import Life
from trio_lb.sim.report.summary import amount, quantile_names
from trio_lb.sim.report.svg import Scale, TimeAxis
from trio_lb.sim.report.tally import FaultSpan

MOST_FAULT_ROWS: Final = 8
MOST_FAULT_NAMES: Final = 32
"""With more faults only their bars are drawn: names would hide what they name."""
_ROW: Final = 17


def middles(figures: Figures, axis: TimeAxis) -> list[float]:
    """Return where the middle of each bucket is."""
    step = figures.tally.grid.step
    return [axis.x((number + 0.5) * step) for number in range(figures.buckets)]


def rate(figures: Figures, column: Sequence[int]) -> list[float]:
    """Return a column as so many a second."""
    step = figures.tally.grid.step
    return [count / step for count in column[: figures.buckets]]


# ------------------------------------------------------------------ faults


def faults(figures: Figures, axis: TimeAxis) -> Panel:
    """The names of the faults over their bands, and the axis of time."""
    spans = figures.tally.faults
    named = len(spans) <= MOST_FAULT_NAMES
    rows: list[float] = []
    body, hidden, pitch = "", 0, _ROW if named else 6
    for fault in spans:
        begin, end = axis.x(fault.begin), axis.x(figures.fault_end(fault))
        label = shortened(f"{fault.kind} {fault.target}", 36) if named else ""
        row = first_free(rows, begin)
        if row < MOST_FAULT_ROWS:
            rows[row : row + 1] = [max(end, begin + 6.2 * len(label)) + 8 * named]
            body += fault_bar(fault, label, (begin, end), 4 + pitch * row, axis)
        else:
            hidden += 1
    more = svg.text(0, 31, f"and {hidden} more", "legend") if hidden else ""
    height = 4 + max(_ROW, pitch * min(len(rows), MOST_FAULT_ROWS))
    says = f"{len(spans)} faults on the axis of time that all plots share"
    axis_at = height + 9
    body += more + phase_names(figures, axis, height + 4) + time_axis(axis, axis_at)
    return Panel("faults", "Faults", says, axis_at + 22, body)


def phase_names(figures: Figures, axis: TimeAxis, y: float) -> str:
    """Return the names of the phases where they begin, if there is room for a name."""
    return "".join(
        svg.text(axis.x(at) + 4, y, shortened(name, 24), "tick")
        for name, at in figures.tally.phases
        if at > 0 and axis.x(at) < axis.right - 40
    )


def first_free(rows: Sequence[float], begin: float) -> int:
    """Return the first row that is free from ``begin`` on; a new one if none is."""
    return next((row for row, end in enumerate(rows) if end <= begin), len(rows))


def fault_bar(
    fault: FaultSpan, label: str, span: tuple[float, float], y: float, axis: TimeAxis
) -> str:
    """Return one fault: its bar, and its name under it, to the left where there is no room."""
    begin, end = span
    title = f"{fault.kind} of {fault.target} {fault.args}"
    fits = begin + 6.2 * len(label) < axis.right + 60
    x, anchor = (begin, "start") if fits else (end, "end")
    name = svg.text(x, y + 14, label, "fault-name", text_anchor=anchor) if label else ""
    return svg.rect(begin, y, max(2.0, end - begin), 3, "fault-bar", title) + name


# ------------------------------------------------------------------ rates


def traffic(figures: Figures, axis: TimeAxis) -> Panel:
    """What was offered, what came of it, what failed, per second."""
    columns, xs = figures.tally.columns, middles(figures, axis)
    offered, good, failed = (rate(figures, columns[name]) for name in ("offered", "good", "failed"))
    scale = Scale.linear(max(*offered, *good, *failed), 8, 132)
    floor = [scale.bottom] * len(xs)
    body = (
        rulers(scale, [(tick, f"{amount(tick)}/s") for tick in scale.ticks()])
        + svg.path_band(xs, [scale.y(v) for v in good], floor, "c-good")
        + svg.path_line(zip(xs, [scale.y(v) for v in good], strict=True), "c-good")
        + svg.path_line(zip(xs, [scale.y(v) for v in offered], strict=True), "c-offered thin")
        + svg.path_band(xs, [scale.y(v) for v in failed], floor, "c-failed solid")
    )
    series = (
        Series("offered", "c-offered", offered, "/s"),
        Series("good", "c-good", good, "/s"),
        Series("failed", "c-failed", failed, "/s"),
    )
    return Panel("traffic", "Requests", "offered, good and failed per second", 140, body, series)


def latency(figures: Figures, axis: TimeAxis) -> Panel:
    """Quantiles of good requests as bands, and single requests as dots, on a log scale."""
    xs, found = middles(figures, axis), figures.tally.quantiles[: figures.buckets]
    lives = [life for life in figures.tally.sample.chosen() if is_marked(life, figures)]
    seen = [ns for each in found if each for ns in each if ns] + [life.ns for life in lives]
    scale = Scale.decades(min(seen, default=1), max(seen, default=1), 8, 176)
    values = [[None if each is None else each[place] for each in found] for place in range(4)]
    p50, p90, p99, p999 = (
        [None if ns is None else scale.y(ns) for ns in column] for column in values
    )
    body = (
        rulers(scale, [(tick, duration(tick)) for tick in scale.ticks()])
        + svg.path_band(xs, p999, p99, "c-p999")
        + svg.path_band(xs, p99, p90, "c-p99")
        + svg.path_band(xs, p90, p50, "c-p90")
        + svg.path_line(zip(xs, p50, strict=True), "c-p50")
        + "".join(dot(life, axis, scale) for life in lives)
    )
    series = tuple(
        Series(name, class_, column, "ns")
        for name, class_, column in list(
            zip(quantile_names(), ("c-p50", "c-p90", "c-p99", "c-p999"), values, strict=True)
        )[::-1]
    )
    says = "quantiles of good requests on a logarithmic scale; dots are single requests"
    return Panel("latency", "Latency", says, 184, body, series)


def is_marked(life: Life, figures: Figures) -> bool:
    """Tell whether a request gets a dot: it failed, or was among the slowest thousandth."""
    return life.ns > 0 and (not life.ok or life.ns > figures.latency.p999)


def dot(life: Life, axis: TimeAxis, scale: Scale) -> str:
    """Return one request; its life opens when it is clicked."""
    outcome = "good" if life.ok else life.reason
    title = svg.tag("title", svg.safe(f"request {life.req}: {outcome}, {duration(life.ns)}"))
    where = {"cx": axis.x(life.end), "cy": scale.y(life.ns)}
    kind = "dot good" if life.ok else "dot bad"
    return svg.tag(
        "circle", title, class_=kind, r=2.5 if life.ok else 3.0, data_req=life.req, **where
    )


def amplification(figures: Figures, axis: TimeAxis) -> Panel:
    """How many tries came to servers for each request that was offered."""
    xs, tries = middles(figures, axis), ratios(figures)
    scale = Scale.linear(max(1.6, *(ratio or 0.0 for ratio in tries)), 8, 50)
    ys = [None if ratio is None else scale.y(ratio) for ratio in tries]
    body = rulers(scale, [(tick, f"×{tick:g}") for tick in (1.0, scale.high)]) + svg.path_line(
        zip(xs, ys, strict=True), "c-amp"
    )
    series = (Series("tries per request", "c-amp", tries, "x"),)
    says = "tries that came to servers for each request offered"
    return Panel("amplification", "Amplification", says, 56, body, series)


def refusals(figures: Figures, axis: TimeAxis) -> Panel:
    """What balancers did instead of relaying an answer, per second."""
    columns, xs = figures.tally.columns, middles(figures, axis)
    drawn = (
        ("retries", "c-amp", "retries"),
        ("shed", "c-queue", "sheds"),
        ("no server", "c-failed", "nobody"),
    )
    series = tuple(
        Series(label, class_, rate(figures, columns[name]), "/s") for label, class_, name in drawn
    )
    scale = Scale.linear(max(value or 0.0 for each in series for value in each.values), 8, 54)
    body = rulers(scale, [(tick, f"{amount(tick)}/s") for tick in (0.0, scale.high)])
    for each in series:
        if not any(each.values):
            continue  # A coloured line along the floor would look as if something had happened.
        ys = [scale.y(value or 0.0) for value in each.values]
        body += svg.path_line(zip(xs, ys, strict=True), f"{each.class_} thin")
    says = "retries, requests refused on purpose, and picks that found no server, per second"
    return Panel("balancer", "Balancer", says, 62, body, series)


def ratios(figures: Figures) -> list[float | None]:
    """Return tries at servers for each request offered, by bucket; None where none was."""
    columns = figures.tally.columns
    pairs = zip(columns["taken"], columns["offered"], strict=True)
    return [taken / offered if offered else None for taken, offered in pairs][: figures.buckets]


# ------------------------------------------------------------------ levels


def levels(figures: Figures, axis: TimeAxis) -> Panel:
    """How many requests clients wait for, servers hold, and queues hold."""
    xs = middles(figures, axis)
    tally = figures.tally
    waiting, present, queued = (
        [float(level) for level in gauge.peaks[: len(xs)]]
        for gauge in (tally.waiting, tally.present, tally.queued)
    )
    scale = Scale.linear(max(*waiting, *present, *queued), 8, 92)
    floor = [scale.bottom] * len(xs)
    body = (
        rulers(scale, [(tick, amount(tick)) for tick in scale.ticks()])
        + svg.path_line(zip(xs, map(scale.y, present), strict=True), "c-good thin")
        + svg.path_line(zip(xs, map(scale.y, waiting), strict=True), "c-offered thin")
        + svg.path_band(xs, [scale.y(value) for value in queued], floor, "c-queue solid")
    )
    series = (
        Series("clients wait", "c-offered", waiting),
        Series("in servers", "c-good", present),
        Series("queued there", "c-queue", queued),
    )
    says = "requests that clients wait for, that servers hold, and that queue there; peaks"
    return Panel("levels", "In flight", says, 100, body, series)


def open_connections(figures: Figures, axis: TimeAxis) -> Panel:
    """How many connections balancers hold: of clients, and to servers."""
    xs, tally = middles(figures, axis), figures.tally
    clients, servers = (
        [float(level) for level in gauge.peaks[: len(xs)]]
        for gauge in (tally.open_clients, tally.open_servers)
    )
    scale = Scale.linear(max(*clients, *servers), 8, 72)
    body = (
        rulers(scale, [(tick, amount(tick)) for tick in scale.ticks()])
        + svg.path_line(zip(xs, map(scale.y, clients), strict=True), "c-offered")
        + svg.path_line(zip(xs, map(scale.y, servers), strict=True), "c-conn")
    )
    series = (Series("of clients", "c-offered", clients), Series("to servers", "c-conn", servers))
    says = "connections that balancers hold, idle ones too: of clients, and to servers; peaks"
    return Panel("open", "Open connections", says, 80, body, series)


def connections(figures: Figures, axis: TimeAxis) -> Panel:
    """How many connections servers accepted, and how many probes they answered, per second."""
    columns, xs = figures.tally.columns, middles(figures, axis)
    accepted, probes = (rate(figures, columns[name]) for name in ("accepted", "probes"))
    scale = Scale.linear(max(*accepted, *probes), 8, 52)
    body = (
        rulers(scale, [(tick, f"{amount(tick)}/s") for tick in (0.0, scale.high)])
        + svg.path_line(zip(xs, map(scale.y, probes), strict=True), "c-muted thin")
        + svg.path_line(zip(xs, map(scale.y, accepted), strict=True), "c-conn")
    )
    series = (
        Series("accepted", "c-conn", accepted, "/s"),
        Series("probes", "c-muted", probes, "/s"),
    )
    says = "connections that servers accepted and probes that they answered, per second"
    return Panel("connections", "New connections", says, 60, body, series)
