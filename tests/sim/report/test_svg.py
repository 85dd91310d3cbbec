"""Scales map what they hold into the plot; nothing that a user named can leave its place."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.report import svg
from trio_lb.sim.report.svg import Scale, TimeAxis


@given(st.text())
def test_any_text_is_one_text_node_of_a_well_formed_document(text: str) -> None:
    parsed = ET.fromstring(svg.text(1, 2, text, "row", data_name=text))
    assert len(parsed) == 0
    assert (parsed.text or "") == "".join(c if c.isprintable() else "�" for c in text)


def test_a_tag_writes_its_attributes_as_html_wants_them() -> None:
    assert svg.tag("a", "x", class_="b", data_req=7, href=None) == '<a class="b" data-req="7">x</a>'


@given(st.floats(0, 1e9), st.floats(0.001, 1e9))
def test_an_instant_lies_within_the_plot(at: float, end: float) -> None:
    assert svg.LEFT <= TimeAxis(end).x(at) <= svg.RIGHT


@pytest.mark.parametrize(
    ("end", "ticks"),
    [(60.0, [0, 10, 20, 30, 40, 50, 60]), (3600.0, [600 * n for n in range(7)]), (1.0, None)],
)
def test_ticks_of_time_are_round(end: float, ticks: list[float] | None) -> None:
    found = TimeAxis(end).ticks()
    assert found == (ticks or pytest.approx([n / 10 for n in range(11)]))


@given(st.floats(0.01, 1e6))
def test_there_are_about_ten_ticks_of_time(end: float) -> None:
    assert 3 <= len(TimeAxis(end).ticks()) <= 12


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.booleans())
def test_higher_values_are_higher_up_and_inside(one: float, two: float, log: bool) -> None:
    low, high = sorted((one, two))
    scale = Scale.decades(low, high, 8, 100) if log else Scale.linear(high, 8, 100)
    assert 8 - 1e-6 <= scale.y(high) <= scale.y(low) <= 100 + 1e-6
    assert all(scale.low * 0.999 <= tick <= scale.high * 1.001 for tick in scale.ticks())


@given(st.floats(1e-6, 1e12))
def test_the_top_of_a_scale_is_round_and_not_far_above(value: float) -> None:
    assert value * 0.999 <= svg.nice_high(value) <= value * 1.5


def test_a_missing_point_is_a_gap_in_a_line_and_in_a_band() -> None:
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, None), (3.0, 4.0)]
    assert 'd="M0 1L1 2M3 4"' in svg.path_line(points, "c-good")
    band = svg.path_band([0, 1, 2], [1, None, 3], [5, 6, 7], "c-good")
    assert 'd="M0 1L0 5zM2 3L2 7z"' in band


def test_boxes_of_one_colour_are_one_path() -> None:
    assert svg.boxes([(0, 0, 3, 2), (5, 1, 1, 2)], "h1") == (
        '<path d="M0 0h3v2h-3zM5 1h1v2h-1z" class="h1"></path>'
    )


@pytest.mark.parametrize(
    ("at", "step", "text"),
    [(12.5, 0, "12.5 s"), (0, 10, "0 s"), (600, 600, "10 min"), (7260, 60, "2:01 h")],
)
def test_an_instant_as_people_say_it(at: float, step: float, text: str) -> None:
    assert svg.clock(at, step) == text
