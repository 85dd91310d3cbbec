"""The charts with a row a server: how loaded it was, and in which state."""

import itertools
from collections.abc import Sequence
from typing import Final

from trio_lb.sim.report import svg
from trio_lb.sim.report.bands import Lane, Row, Span
from trio_lb.sim.report.figures import Figures, Share
from trio_lb.sim.report.panel import Panel, shortened
from trio_lb.sim.report.svg import LEFT, RIGHT, TimeAxis, clock

MOST_ROWS: Final = 40
"""Servers that are drawn; of more, those whose load is furthest from fair."""

CELLS: Final = 120
"""Cells of a row; more would show the chance of arrivals instead of the load."""

LEVELS: Final = 8
"""Shades; 0 is no load at all, and is not drawn: a gap is to be seen."""

_TOP: Final = 24
_BELOW: Final = 6
_LABEL: Final = 20


def drawn(figures: Figures) -> list[Share]:
    """Return the servers that get a row, in their own order."""
    shares = figures.load.shares
    if len(shares) <= MOST_ROWS:
        return list(shares)
    furthest = sorted(shares, key=lambda share: -abs(share.times_fair - 1))[:MOST_ROWS]
    names = {share.server.name for share in furthest}
    return [share for share in shares if share.server.name in names]


def left_out(figures: Figures) -> str:
    """Say how many rows there are not; nothing if all are there."""
    more = len(figures.load.shares) - MOST_ROWS
    return f"{more} more servers, all nearer to their fair share, are not drawn" if more > 0 else ""


# ------------------------------------------------------------------ load


def heat(figures: Figures, axis: TimeAxis) -> Panel:
    """Requests that came to each server: the darker, the more."""
    shares, pitch = drawn(figures), 15
    count = figures.buckets
    edges = [cell * count // min(CELLS, count) for cell in range(min(CELLS, count) + 1)]
    rows = [heat_row(share.server.taken, edges) for share in shares]
    most = max((max(row) for row in rows), default=0.0) or 1.0
    step = figures.tally.grid.step
    xs = [axis.x(edge * step) for edge in edges]
    cells: list[list[tuple[float, float, float, float]]] = [[] for _ in range(LEVELS + 1)]
    labels = ""
    for place, (share, row) in enumerate(zip(shares, rows, strict=True)):
        y = _TOP + pitch * place
        labels += row_label(share.server.name, y + 11) + row_note(
            f"{share.times_fair:.2f}×", y + 11
        )
        for begin, end, level in same_runs([shade(value, most) for value in row]):
            cells[level].append((xs[begin], y, xs[end] - xs[begin], pitch - 2.0))
    body = labels + "".join(
        svg.boxes(cells[level], f"heat h{level}") for level in range(1, LEVELS + 1)
    )
    says = f"requests per second that came to each of {len(shares)} servers; {most / step:.3g}/s is darkest"
    height = _TOP + _BELOW + pitch * len(shares)
    head = svg.text(
        LEFT, 14, f"requests that came to each server; darkest: {most / step:.3g}/s", "note"
    )
    head += svg.text(RIGHT + 10, 14, "of its fair share", "tick")
    return Panel("heat", "Load", says, height, body + head)


def heat_row(taken: Sequence[int], edges: Sequence[int]) -> list[float]:
    """Return the mean count of the buckets of each cell."""
    pairs = itertools.pairwise(edges)
    return [sum(taken[begin:end]) / (end - begin) for begin, end in pairs]


def shade(value: float, most: float) -> int:
    """Return 0 for nothing, else 1 to LEVELS."""
    return min(LEVELS, int(value / most * LEVELS) + 1) if value else 0


def same_runs(levels: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (begin, end, level) of neighbours that are alike: fewer rectangles, same picture."""
    found: list[tuple[int, int, int]] = []
    for place, level in enumerate(levels):
        if found and found[-1][2] == level:
            found[-1] = (found[-1][0], place + 1, level)
        else:
            found.append((place, place + 1, level))
    return found


def row_label(name: str, y: float) -> str:
    """Return a server's name at the left of its row."""
    label = svg.tag("title", svg.safe(name)) + svg.safe(shortened(name, _LABEL))
    return svg.tag("text", label, x=LEFT - 8.0, y=float(y), class_="row", text_anchor="end")


def row_note(note: str, y: float) -> str:
    """Return a word at the right of a row."""
    return svg.text(RIGHT + 10, y, note, "tick")


# ------------------------------------------------------------------ states

LANES: Final = tuple(Lane)
STATE_NAMES: Final = (
    *("down", "fail-open", "open", "half-open", "ejected", "draining", "drained", "removed"),
)
_FEW: Final = 20
"""So many rows get room; more are set closer."""


def states(figures: Figures, axis: TimeAxis) -> Panel:
    """Which server was unhealthy, broken, ejected or draining, and when."""
    found = state_rows(figures)
    rows, more = found[:MOST_ROWS], len(found) - MOST_ROWS
    pitch = 20 if len(rows) <= _FEW else 15
    body = ""
    for place, (label, row) in enumerate(rows):
        y = _TOP + pitch * place
        body += row_label(label, y + pitch / 2 + 2)
        body += svg.line(LEFT, y + pitch / 2 - 2, RIGHT, y + pitch / 2 - 2, "ordinary")
        body += (
            ""
            if row is None
            else "".join(
                state_bar(span, figures, axis, y, pitch / 5) for span in merged(row.spans, axis)
            )
        )
    says = "what balancers thought of servers; a thin line is a healthy server in service"
    height = float(_TOP + _BELOW + pitch * len(rows))
    if more > 0:
        height += 14
        body += svg.text(LEFT, height - 4, f"and {more} more rows", "note")
    return Panel("states", "States", says, height, state_legend() + body)


def state_legend() -> str:
    """Return the names of the states, each in its colour."""
    words = "".join(
        svg.tag("tspan", name, class_=f"s-{name}", dx=0 if place == 0 else 12)
        for place, name in enumerate(STATE_NAMES)
    )
    return svg.tag("text", words, x=float(LEFT), y=14.0, class_="legend")


def state_rows(figures: Figures) -> list[tuple[str, Row | None]]:
    """Return the rows with their labels: a balancer's name only where several differ."""
    known = figures.tally.bands.rows
    names = [share.server.name for share in drawn(figures)]
    order = {name: place for place, name in enumerate(names)}
    wanted = [row for row in known.values() if row.server in order or row.spans]
    wanted.sort(key=lambda row: order.get(row.server, -1))  # Pools come first.
    balancers = len({row.balancer for row in wanted}) > 1
    pools = len({row.pool for row in wanted}) > 1
    rows: list[tuple[str, Row | None]] = []
    for row in wanted:
        parts = [
            row.server or "all of it",
            row.pool if pools or not row.server else "",
            row.balancer if balancers else "",
        ]
        rows.append((" · ".join(part for part in parts if part), row))
    heard = {row.server for row in wanted}
    return [*rows, *((name, None) for name in names if name not in heard)]


def state_bar(span: Span, figures: Figures, axis: TimeAxis, y: float, lane: float) -> str:
    """Return one span in its lane, which is ``lane`` pixels high."""
    end_at = figures.end if span.end is None else span.end
    begin, end = axis.x(span.begin), axis.x(end_at)
    why = f" ({span.why})" if span.why else ""
    title = f"{span.state}{why}, {clock(span.begin)} to {clock(end_at)}"
    top = y + lane * LANES.index(span.lane)
    kind = f"state s-{span.state}"
    return svg.rect(begin, top, max(1.5, end - begin), lane - 0.5, kind, title)


def merged(spans: Sequence[Span], axis: TimeAxis) -> list[Span]:
    """Join spans that look as one: a breaker that flaps all day must not fill the page."""
    found: dict[tuple[Lane, str], list[Span]] = {}
    for span in spans:
        same = found.setdefault((span.lane, span.state), [])
        last = same[-1] if same else None
        if last is None or last.end is None or axis.x(span.begin) - axis.x(last.end) > 1:
            same.append(span)
        else:
            same[-1] = Span(last.lane, last.state, last.begin, last.why, span.end)
    return [span for same in found.values() for span in same]
