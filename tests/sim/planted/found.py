"""What was found of each bug, as it is kept in ``found.json`` and told in the docs."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from tests.sim.planted.bugs import BUGS
from trio_lb.sim.search.emit import in_words
from trio_lb.sim.search.trial import Trial

FOUND: Final = Path(__file__).with_name("found.json")
PAGE: Final = Path(__file__).parents[3] / "docs" / "simulation" / "bug-finding.md"
BEGIN: Final = "<!-- hunt -->\n"
END: Final = "<!-- end of hunt -->"
MOST_SHOWN: Final = 6
"""A schedule of more faults is not told one by one."""


@attrs.frozen
class Find:
    """What became of a hunt. ``check`` is "" for a bug that was not found.

    ``seconds`` of processor time and ``trials`` until it was; ``faults`` that the trial had before
    it was shrunk to ``trial``, ``shrinking`` the runs that this took.
    """

    check: str
    seconds: float
    trials: int
    says: str = ""
    faults: int = 0
    shrinking: int = 0
    trial: Trial | None = None

    def to_data(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        data = attrs.asdict(self, recurse=False)
        data["trial"] = None if self.trial is None else self.trial.to_data()
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Find":
        """Return what ``to_data`` wrote."""
        trial = data["trial"]
        return cls(**{**data, "trial": None if trial is None else Trial.from_data(trial)})


def read_found() -> dict[str, Find]:
    """Return what was found of each bug, in the order of the bugs."""
    data = json.loads(FOUND.read_text("utf-8")) if FOUND.exists() else {}
    return {name: Find.from_data(data[name]) for name in BUGS if name in data}


def write_found(found: Mapping[str, Find]) -> None:
    """Keep it."""
    data = {name: found[name].to_data() for name in BUGS if name in found}
    FOUND.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", "utf-8")


# ------------------------------------------------------------------ the page


def write_page(found: Mapping[str, Find]) -> None:
    """Write the table between the marks of the page anew."""
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}{table(found)}{END}{after}", "utf-8")


def table(found: Mapping[str, Find]) -> str:
    """Return what the page says of the hunt."""
    caught = [each for each in found.values() if each.check]
    slowest = max((each.seconds for each in caught), default=0.0)
    rows = [
        f"Of {len(found)} bugs {len(caught)} were found, the slowest after {slowest:g} CPU seconds.",
        "",
        "| bug | what it breaks | found by | CPU s | trials | what is left of the trial |",
        "|---|---|---|---|---|---|",
        *(_row(name, each) for name, each in found.items()),
    ]
    return "\n".join(rows) + "\n"


def _row(name: str, found: Find) -> str:
    cells = [f"`{name}`", BUGS[name].breaks, "**not found**", f"{found.seconds:g}"]
    left = ""
    if found.trial is not None:
        cells[2] = f"`{found.check}`"
        left = "<br>".join(_left(found.trial))
    return f"| {' | '.join([*cells, str(found.trials), left])} |"


def _left(trial: Trial) -> Iterator[str]:
    yield f"`{trial.scenario}`, seed {trial.seed}, {trial.until:g} s" + (
        f" and {trial.settle:g} s of peace" if trial.settle else ""
    )
    if len(trial.faults) > MOST_SHOWN:
        yield f"{len(trial.faults)} faults"
        return
    yield from (f"`{in_words(fault)}`" for fault in trial.faults)
