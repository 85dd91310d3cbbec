"""Figures for people: a line while it runs, one table at the end."""

import math
from collections.abc import Sequence
from typing import Any

import attrs

from benchmarks.ledger.scenarios import Scenario
from benchmarks.ledger.summary import Figures


@attrs.frozen
class Cell:
    """One scenario on one proxy: figures, or why there are none."""

    scenario: Scenario
    proxy: str
    figures: Figures | None = None
    problems: Sequence[str] = ()
    failed: str = ""

    @property
    def is_fine(self) -> bool:
        """It ran, broke no rule, and kept its limits."""
        return self.figures is not None and not self.problems

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {
            "scenario": self.scenario.name,
            "proxy": self.proxy,
            "figures": self.figures and self.figures.as_dict(),
            "problems": list(self.problems),
            "failed": self.failed,
        }


def line(figures: Figures) -> str:
    """The figures that say something, in one line."""
    parts = [
        f"{figures.requests} requests",
        f"errors {figures.idempotent_errors} / {figures.post_errors} (idempotent / POST)",
        f"p50 {seconds(figures.p50_seconds)}, p99 {seconds(figures.p99_seconds)}, "
        f"longest {seconds(figures.longest_seconds)}",
    ]
    if figures.errors_by_kind:
        kinds = sorted(figures.errors_by_kind.items())
        parts.append("by kind " + ", ".join(f"{kind} {count}" for kind, count in kinds))
        parts.append(f"error p99 {seconds(figures.error_p99_seconds)}")
    if figures.lost:
        parts.append(f"lost {figures.lost}")
    if figures.refused:
        parts.append(f"refused after the stop {figures.refused}")
    if figures.raced:
        parts.append(f"raced with the stop {figures.raced}")
    if not math.isnan(figures.burst_fraction):
        parts.append(f"{figures.burst_fraction:.1%} of the burst")
    if not math.isnan(figures.recovery_seconds):
        parts.append(f"first good answer after {seconds(figures.recovery_seconds)}")
    if not math.isnan(figures.stop_seconds):
        parts.append(f"ended after {seconds(figures.stop_seconds)}")
    return "; ".join([*parts, f"exit code {figures.exit_code}"])


def table(cells: Sequence[Cell]) -> str:
    """Scenarios down, proxies across, in Markdown."""
    proxies = list(dict.fromkeys(cell.proxy for cell in cells))
    by_place = {(cell.scenario.name, cell.proxy): cell for cell in cells}
    scenarios = list(dict.fromkeys(cell.scenario for cell in cells))
    rows = [["scenario", *proxies], ["---"] * (1 + len(proxies))]
    for scenario in scenarios:
        row = (by_place.get((scenario.name, proxy)) for proxy in proxies)
        rows.append([scenario.title, *("" if cell is None else brief(cell) for cell in row)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def brief(cell: Cell) -> str:
    """What stands in a table's cell: errors a client saw, idempotent / POST, and rules broken."""
    figures = cell.figures
    if figures is None:
        return "failed"
    parts = [f"{figures.idempotent_errors} / {figures.post_errors}"]
    if not math.isnan(figures.recovery_seconds):
        parts.append(f"{seconds(figures.error_p99_seconds)}; {seconds(figures.recovery_seconds)}")
    if figures.broken:
        parts.append(f"**{', '.join(figures.broken)}**")
    return "; ".join(parts)


def seconds(value: float) -> str:
    """A time with the unit that suits it."""
    if math.isnan(value) or math.isinf(value):
        return "never" if math.isinf(value) else "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
