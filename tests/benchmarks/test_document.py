"""The table's place in the page."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import document
from benchmarks.document import BEGIN, END

AROUND = st.text(max_size=30).filter(lambda text: BEGIN not in text and END not in text)


@given(before=AROUND, old=AROUND, after=AROUND, new=AROUND)
def test_only_what_stands_between_the_markers_changes(
    before: str, old: str, after: str, new: str
) -> None:
    page = f"{before}{BEGIN}{old}{END}{after}"
    assert document.with_table(page, new) == f"{before}{BEGIN}\n\n{new}\n\n{END}{after}"


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_a_page_without_its_markers_is_left_alone(page: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        document.with_table(page, "a table")


def test_our_page_has_the_markers(tmp_path: Path) -> None:
    copy = tmp_path / "page.md"
    copy.write_text(document.PAGE.read_text("utf-8"), "utf-8")
    document.write_table("a table", copy)
    assert f"{BEGIN}\n\na table\n\n{END}" in copy.read_text("utf-8")
