"""Results as one table: figures down, peers across, our ratio to each peer in its cells."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from benchmarks.results import DIRECT, Results, RowResult
from benchmarks.rows.base import Figure, Row

LEGEND: Final = (
    "(N×) in a peer's cell: {ours}'s figure is N times this peer's. "
    "Medians; rounds: {rounds}, {seconds} s each."
)


@attrs.frozen
class Table:
    """Cells of text; the first of ``lines`` is the heading. ``notes`` stand below."""

    lines: Sequence[Sequence[str]]
    notes: Sequence[str]

    def as_text(self) -> str:
        """For a terminal: columns aligned, figures to the right."""
        widths = [max(map(len, column)) for column in zip(*self.lines, strict=True)]
        lines = (
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in self.lines
        )
        return "\n".join([*lines, "", *self.notes])

    def as_markdown(self) -> str:
        """For a page."""
        heading, *body = self.lines
        rule = ["---", *["---:"] * (len(heading) - 1)]
        lines = (f"| {' | '.join(line)} |" for line in (heading, rule, *body))
        notes = (f"- {note}" for note in self.notes)
        return "\n".join([*lines, "", *notes])


def make(results: Results, rows: Iterable[Row], ours: str) -> Table:
    """The table of those ``rows`` that ``results`` has."""
    measured = [(row, results.rows[row.name]) for row in rows if row.name in results.rows]
    lines = [["", *(heading(peer, results.versions) for peer in results.peers())]]
    for row, result in measured:
        for i, figure in enumerate(row.figures):
            label = f"{row.title}: {figure.heading}" if i == 0 else f"… {figure.heading}"
            cells = (cell(figure, result, peer, ours) for peer in results.measured())
            lines.append([label, *cells, *["absent"] * len(results.absent)])
    return Table(lines, list(notes_of(results, measured, ours)))


def heading(peer: str, versions: Mapping[str, str]) -> str:
    """A column's heading: the name with its version."""
    return f"{peer} {versions[peer]}" if peer in versions else peer


def cell(figure: Figure, result: RowResult, peer: str, ours: str) -> str:
    """The median, our ratio to it, and a warning where the client saw errors."""
    value = result.median(peer, figure.key)
    if value is None:
        return "failed" if peer in result.failures else "–"
    text = f"{value:,.{figure.digits}f}"
    our_value = result.median(ours, figure.key)
    if peer != ours and our_value is not None and value > 0:
        text += f" ({our_value / value:.2f}×)"
    return text + (" (!)" if result.errors(peer) or peer in result.failures else "")


def notes_of(
    results: Results, measured: Sequence[tuple[Row, RowResult]], ours: str
) -> Iterable[str]:
    """What the cells cannot say."""
    yield LEGEND.format(ours=ours, rounds=results.rounds, seconds=results.seconds)
    yield f"{results.date}, {results.machine}"
    for peer, install in results.absent.items():
        yield f"{peer}: absent ({install})"
    for row, result in measured:
        p50_us = result.median(DIRECT, "p50_us")
        if p50_us is not None:
            yield f"{row.name}: without a proxy p50 {p50_us:.0f} µs"
        for peer, reason in result.failures.items():
            yield f"{row.name}: {peer} failed: {reason}"
        for peer in result.samples:
            if errors := result.errors(peer):
                kinds = ", ".join(f"{count:,} {kind}" for kind, count in errors.items())
                yield f"{row.name}: (!) {peer}: errors seen by the client: {kinds}"
