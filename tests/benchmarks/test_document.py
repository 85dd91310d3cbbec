"""The places of the tables in the page."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import document
from benchmarks.document import SECTIONS, TABLE, markers

BEGIN, END = markers(TABLE)
AROUND = st.text(max_size=30).filter(lambda text: BEGIN not in text and END not in text)


@given(before=AROUND, old=AROUND, after=AROUND, new=AROUND)
def test_only_what_stands_between_the_markers_changes(
    before: str, old: str, after: str, new: str
) -> None:
    page = f"{before}{BEGIN}{old}{END}{after}"
    changed = document.with_section(page, TABLE, new)
    assert changed == f"{before}{BEGIN}\n\n{new}\n\n{END}{after}"


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_a_page_without_its_markers_is_left_alone(page: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        document.with_section(page, TABLE, "a table")


def test_our_page_has_the_markers_of_every_section(tmp_path: Path) -> None:
    copy = tmp_path / "page.md"
    copy.write_text(document.PAGE.read_text("utf-8"), "utf-8")
    document.write({section: f"all of {section}" for section in SECTIONS}, copy)
    written = copy.read_text("utf-8")
    for section in SECTIONS:
        first, last = markers(section)
        assert f"{first}\n\nall of {section}\n\n{last}" in written


def test_what_was_not_measured_stays_as_it_was(tmp_path: Path) -> None:
    copy = tmp_path / "page.md"
    page = "\n".join("{}\n\nold\n\n{}".format(*markers(section)) for section in SECTIONS)
    copy.write_text(page, "utf-8")
    document.write({TABLE: "new"}, copy)
    assert copy.read_text("utf-8").count("old") == len(SECTIONS) - 1
