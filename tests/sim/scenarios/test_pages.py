"""docs/simulation/scenarios/: every story has its page, and the page says what is measured."""

import xml.etree.ElementTree as ET

import pytest

from tests import scenario_pages as pages
from trio_lb.sim.scenarios.catalogue import find

REDRAW = "run: python -m tests.scenario_pages {}"


def test_every_story_has_a_page_and_every_page_its_story() -> None:
    found = {path.stem for path in pages.FOLDER.glob("*.md")} - {"README"}
    assert found == set(pages.stories())
    assert {path.stem for path in pages.FOLDER.glob("*.svg")} == found


@pytest.mark.parametrize("name", pages.stories())
def test_a_page_tells_its_story_its_command_and_shows_its_drawing(name: str) -> None:
    text = pages.page_of(name).read_text("utf-8")
    assert text.startswith(f"# {name}\n")
    assert f"({name}.svg)" in text
    assert f"trio-lb simulate {name}" in text
    assert len(text.partition("<!-- measured")[0]) > 600, "a story wants some sentences"
    ET.fromstring(pages.drawing_of(name).read_text("utf-8"))


@pytest.mark.parametrize("name", pages.stories())
def test_the_figures_of_a_page_are_those_of_its_run(name: str) -> None:
    written = pages.written_table(name)
    assert written is not None, REDRAW.format(name)
    measured = pages.rows(pages.run_once(name))
    assert pages.as_configured(written) == measured, REDRAW.format(name)


@pytest.mark.parametrize("name", pages.stories())
def test_a_page_tells_of_a_control_run_that_broke_a_check(name: str) -> None:
    written = pages.written_table(name)
    assert written is not None, REDRAW.format(name)
    *_, last = written.splitlines()
    assert last.startswith("| checks broken | none | `"), "or nothing protects here"
    assert find(name).about
