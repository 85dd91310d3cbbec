"""A panel is a picture with a name, over the bands of the faults."""

import xml.etree.ElementTree as ET

import pytest

from tests.sim.report.fake_run import figures
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.panel import Panel, Series, draw, shortened
from trio_lb.sim.report.svg import TimeAxis


@pytest.fixture(scope="module")
def made() -> Figures:
    return figures()


def test_a_panel_has_a_name_for_those_who_cannot_see_it_and_the_faults_behind_it(
    made: Figures,
) -> None:
    series = (Series("offered", "c-offered", [1.0, None], "/s"),)
    panel = Panel("traffic", "Requests", "how many", 100, "", series)
    parsed = ET.fromstring(draw(panel, made, TimeAxis(60.0)))
    title = parsed.find("title")
    assert title is not None
    assert parsed.get("role") == "img"
    assert (title.get("id"), title.text) == (parsed.get("aria-labelledby"), "Requests: how many")
    bands = [rect for rect in parsed.iter("rect") if rect.get("class") == "fault"]
    assert len(bands) == 2
    assert [(b.get("x"), b.get("width")) for b in bands] == [("299.3", "149.3"), ("598", "179.2")]
    assert [text.text for text in parsed.iter("text")] == ["Requests", "offered", None]


def test_a_series_is_short_numbers_for_the_page_s_script() -> None:
    series = Series("p99", "c-p99", [1 / 3, None, 12_345_678.0, 2.0], "ns")
    assert series.to_data() == {
        "label": "p99",
        "unit": "ns",
        "values": [0.333, None, 12_300_000, 2],
    }


def test_a_long_label_is_cut_with_a_sign_of_it() -> None:
    assert shortened("a" * 10, 5) == "aaaa…"
    assert shortened("aaaaa", 5) == "aaaaa"
