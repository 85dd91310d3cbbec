"""The places of what was measured in docs/benchmarks.md, each between two markers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.program import ROOT

PAGE: Final = ROOT / "docs" / "benchmarks.md"
PLOT: Final = ROOT / "docs" / "benchmarks.svg"

TABLE: Final = "table"
GOALS: Final = "goals"
FEATURES: Final = "features"
DECISIONS: Final = "decisions"
SECTIONS: Final = (GOALS, TABLE, FEATURES, DECISIONS)


def markers(section: str) -> tuple[str, str]:
    """The lines before and behind a section."""
    return (
        f"<!-- {section}: python -m benchmarks --write-docs -->",
        f"<!-- end of the {section} -->",
    )


def with_section(page: str, section: str, text: str) -> str:
    """``page`` with ``text`` in place of what stood between the section's markers.

    Raises:
      ValueError: the markers are not there, once each and in order.
    """
    first, last = markers(section)
    before, begin, rest = page.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end or first in rest or last in after:
        raise ValueError(f"the page needs {first!r} and then {last!r}, once each")
    return f"{before}{first}\n\n{text}\n\n{last}{after}"


def write(sections: Mapping[str, str], page: Path = PAGE) -> None:
    """Renew ``sections`` of the page; what was not measured stays as it was."""
    text = page.read_text("utf-8")
    for section, content in sections.items():
        text = with_section(text, section, content)
    page.write_text(text, "utf-8")
