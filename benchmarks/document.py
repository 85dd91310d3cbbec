"""The place of the table in docs/benchmarks.md, between two markers."""

from pathlib import Path
from typing import Final

from benchmarks.program import ROOT

PAGE: Final = ROOT / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- table: python -m benchmarks --write-docs -->"
END: Final = "<!-- end of the table -->"


def with_table(page: str, table: str) -> str:
    """``page`` with ``table`` in place of what stood between the markers.

    Raises:
      ValueError: the markers are not there, once each and in order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"the page needs {BEGIN!r} and then {END!r}, once each")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def write_table(table: str, page: Path = PAGE) -> None:
    """Renew the table in the page."""
    page.write_text(with_table(page.read_text("utf-8"), table), "utf-8")
