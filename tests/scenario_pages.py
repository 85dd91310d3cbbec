"""Keeps docs/simulation/scenarios/ equal to what the scenarios measure.

A page holds the measured figures of two runs with seed 1, as configured and without the
protection that the scenario is about, between two marks::

    <!-- measured: zone-partition -->
    | ...
    <!-- end of measured -->

and beside it lies a drawing of both, NAME.svg. ``python -m tests.scenario_pages [NAME ...]``
runs the scenarios, writes their tables and drawings anew, and starts a page for a scenario
that has none yet. tests/sim/scenarios/test_pages.py fails while a page is missing or stale.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from trio_lb.sim.checks.violation import Verdict
from trio_lb.sim.durations import duration
from trio_lb.sim.report.figure import small_figure
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.summary import percent
from trio_lb.sim.result import Result
from trio_lb.sim.scenario import Scenario
from trio_lb.sim.scenarios.catalogue import MODULES, find

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "docs" / "simulation" / "scenarios"
SEED: Final = 1
GROUNDS: Final = ("fleet",)
"""Scenarios without a story of their own: they have no page."""

SHORTER: Final[Mapping[str, tuple[float, Mapping[str, object]]]] = {
    "stable-day": (3600.0, {"day": 3600.0, "requests": 2500.0, "faults": 2.0}),
}
"""Those that take too long for a test: until when they run for their page, and its options."""

_BLOCK: Final = re.compile(
    r"<!-- measured: (?P<name>[\w-]+) -->\n(?P<table>.*?)<!-- end of measured -->", re.DOTALL
)

_FIGURES: Final[tuple[tuple[str, Callable[[Figures], str]], ...]] = (
    ("good requests", lambda f: f"{percent(f.success_fraction)} of {f.totals['offered']:,}"),
    ("p50, p99", lambda f: f"{duration(f.latency.p50)}, {duration(f.latency.p99)}"),
    ("tries at servers per request", lambda f: f"{f.amplification:.2f}"),
    ("longest outage", lambda f: f"{f.failover:.1f} s" if f.failover else "none"),
)
"""The first rows of every table."""


@cache
def run_once(name: str, *, protected: bool = True, seed: int = SEED) -> Result:
    """Run a scenario as it comes; a second call answers with the same run."""
    scenario = find(name)
    until, options = SHORTER.get(name, (scenario.until, {}))
    sim = scenario.simulation(seed=seed, protected=protected, options=options)
    return sim.run(until=until, settle=scenario.settle)


def stories() -> list[str]:
    """Names of the scenarios that have a page."""
    return [name for name in MODULES if name not in GROUNDS]


def page_of(name: str) -> Path:
    return FOLDER / f"{name}.md"


def drawing_of(name: str) -> Path:
    return FOLDER / f"{name}.svg"


# ------------------------------------------------------------------ the table


def rows(result: Result) -> dict[str, str]:
    """What was measured in a run, by what it is."""
    figures = result.figures()
    found = {label: measure(figures) for label, measure in _FIGURES}
    for verdict in result.verdicts:
        if verdict.found:
            found[label_of(verdict, found)] = f"{verdict.found}{'' if verdict.ok else ' ✗'}"
    broken = [f"`{verdict.name}`" for verdict in result.verdicts if not verdict.ok]
    found["checks broken"] = ", ".join(broken) or "none"
    return found


def label_of(verdict: Verdict, taken: dict[str, str]) -> str:
    """A row's name: two checks of one name and bound are told apart."""
    label = f"`{verdict.name}`: {verdict.asked}" if verdict.asked else f"`{verdict.name}`"
    return label if label not in taken else f"{label} (again)"


def table(name: str) -> str:
    """The table of a page, from two runs."""
    with_it, without = (rows(run_once(name, protected=flag)) for flag in (True, False))
    lines = [f"| seed {SEED} | as configured | control run |", "|---|---|---|"]
    lines += [
        f"| {label} | {with_it.get(label, '')} | {without.get(label, '')} |"
        for label in dict.fromkeys([*list(with_it)[:-1], *without])
    ]
    return "\n".join(lines) + "\n"


def as_configured(written: str) -> dict[str, str]:
    """What a written table says of the run as configured, by row."""
    cells = [line.strip("|").split(" | ") for line in written.splitlines()[2:]]
    return {row[0].strip(): row[1].strip() for row in cells}


# ------------------------------------------------------------------ the pages


def written_table(name: str) -> str | None:
    """The table that stands in the page; None if there is none."""
    if not page_of(name).exists():
        return None
    for block in _BLOCK.finditer(page_of(name).read_text("utf-8")):
        if block["name"] == name:
            return block["table"]
    return None


def rewrite(name: str) -> None:
    """Run a scenario twice, and write its drawing and the table of its page."""
    scenario, page = find(name), page_of(name)
    FOLDER.mkdir(parents=True, exist_ok=True)
    block = f"<!-- measured: {name} -->\n{table(name)}<!-- end of measured -->"
    text = page.read_text("utf-8") if page.exists() else beginning(scenario)
    if written_table(name) is None:
        text += f"\n{block}\n"
    page.write_text(_BLOCK.sub(lambda _: block, text), "utf-8")
    runs = [run_once(name, protected=flag).figures() for flag in (True, False)]
    drawing_of(name).write_text(small_figure(*runs, about=scenario.about), "utf-8")


def beginning(scenario: Scenario) -> str:
    """The begin of a page; the story is yet to be written."""
    return (
        f"# {scenario.name}\n\n{scenario.summary[0].upper()}{scenario.summary[1:]}.\n\n"
        f"What protects: {scenario.about or 'nothing in particular'}.\n\n"
        f"![Both runs over time: requests and p99]({scenario.name}.svg)\n\n"
        f"    trio-lb simulate {scenario.name} --seed {SEED}\n"
        f"    trio-lb simulate {scenario.name} --seed {SEED} --unprotected\n"
    )


def main(names: Sequence[str]) -> None:
    for name in names or stories():
        rewrite(name)
        sys.stdout.write(f"written: {page_of(name).relative_to(ROOT)}\n")


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(description="Run scenarios, and write their pages anew.")
    _parser.add_argument("name", nargs="*", help="a scenario; without: all of them")
    main(_parser.parse_args().name)
