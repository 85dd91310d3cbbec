"""Results as a picture: one group of bars a figure, one bar a peer, on a scale of powers.

An SVG written by hand: rectangles and text, no library and no script, dark on light and
light on dark by the reader's own preference.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import attrs

from benchmarks.results import Results
from benchmarks.rows.base import Figure, Row

WIDTH: Final = 860
_LABELS: Final = 130
_VALUES: Final = 90
_BAR: Final = 13
_GAP: Final = 34
_TOP: Final = 30

_STYLE: Final = (
    "text{font:11px sans-serif;fill:#333}.t{font-weight:bold}.b{fill:#9aa7b5}.o{fill:#1f6feb}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.b{fill:#6b7683}.o{fill:#58a6ff}}"
)


@attrs.frozen(slots=True)
class Group:
    """One figure over the peers that have it."""

    title: str
    digits: int
    bars: Sequence[tuple[str, float]]

    @property
    def height(self) -> int:
        """Pixels, the title included."""
        return _GAP + _BAR * len(self.bars)


def groups(results: Results, rows: Sequence[Row]) -> list[Group]:
    """What is drawn: of each measured row the first figure, which is the one to look at first."""
    found = []
    for row in rows:
        if row.name in results.rows:
            group = _group(results, row, row.figures[0])
            if group.bars:
                found.append(group)
    return found


def _group(results: Results, row: Row, figure: Figure) -> Group:
    medians = [(p, results.rows[row.name].median(p, figure.key)) for p in results.measured()]
    bars = [(peer, value) for peer, value in medians if value is not None and value > 0]
    return Group(f"{row.title}: {figure.heading}", figure.digits, bars)


def render(results: Results, rows: Sequence[Row], ours: str) -> str:
    """The whole SVG. Bars are on a logarithmic scale, each group from its own power of ten."""
    drawn = groups(results, rows)
    height = _TOP + sum(group.height for group in drawn)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<style>{_STYLE}</style>",
        f'<text x="4" y="16">{escape(results.date)}, {escape(results.machine)}; '
        "bars on a logarithmic scale</text>",
    ]
    top = _TOP
    for group in drawn:
        parts += _drawn(group, top, ours)
        top += group.height
    return "\n".join([*parts, "</svg>", ""])


def _drawn(group: Group, top: int, ours: str) -> Iterator[str]:
    least, most = min(v for _, v in group.bars), max(v for _, v in group.bars)
    start = 10.0 ** math.floor(math.log10(least) - 0.01)
    yield f'<text class="t" x="4" y="{top + 18}">{escape(group.title)}</text>'
    for i, (peer, value) in enumerate(group.bars):
        y = top + 24 + i * _BAR
        share = math.log10(value / start) / math.log10(most / start)
        width = max(2.0, share * (WIDTH - _LABELS - _VALUES))
        kind = "o" if peer == ours else "b"
        yield f'<text x="{_LABELS - 6}" y="{y + 9}" text-anchor="end">{escape(peer)}</text>'
        yield f'<rect class="{kind}" x="{_LABELS}" y="{y}" width="{width:.1f}" height="10"/>'
        yield f'<text x="{_LABELS + width + 5:.1f}" y="{y + 9}">{value:,.{group.digits}f}</text>'


def write(results: Results, rows: Sequence[Row], ours: str, path: Path) -> None:
    """Write the picture."""
    path.write_text(render(results, rows, ours), "utf-8")
