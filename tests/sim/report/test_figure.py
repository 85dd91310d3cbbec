"""The small drawing of two runs: what it shows, and that it stands alone."""

import re
import xml.etree.ElementTree as ET

import attrs
import pytest

from tests.sim.report.fake_run import facts, figures
from trio_lb.sim.report.figure import (
    HEIGHT,
    MOST_POINTS,
    WIDTH,
    Lines,
    parts,
    small_figure,
    spans,
)
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.tally import Tally

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def made() -> Figures:
    return figures()


@pytest.fixture(scope="module")
def drawing(made: Figures) -> str:
    return small_figure(made, made, about="retries & <breakers>")


def test_it_is_well_formed_and_everything_is_within_its_frame(drawing: str) -> None:
    root = ET.fromstring(drawing)
    assert root.get("viewBox") == f"0 0 {WIDTH} {HEIGHT}"
    for element in root.iter():
        for key, most in (("x", WIDTH), ("x1", WIDTH), ("y", HEIGHT), ("y2", HEIGHT)):
            assert 0.0 <= float(element.get(key, "0")) <= most
    numbers = [
        float(each)
        for path in root.iter(f"{SVG}path")
        for each in re.findall(r"[0-9.]+", path.get("d", ""))
    ]
    assert len(numbers) > 500
    assert all(0.0 <= number <= WIDTH for number in numbers)


def test_it_needs_nothing_else_and_runs_nothing(drawing: str) -> None:
    assert "script" not in drawing
    assert re.findall(r"https?://\S+?(?=\")", drawing) == ["http://www.w3.org/2000/svg"]
    assert "url(" not in drawing


def test_it_says_what_is_compared_how_much_was_good_and_what_was_wrong(
    drawing: str, made: Figures
) -> None:
    texts = [element.text or "" for element in ET.fromstring(drawing).iter(f"{SVG}text")]
    offered = f"{made.totals['offered']:,}"
    heads = [text for text in texts if text.endswith(f"of {offered} good")]
    assert [head.partition(":")[0] for head in heads] == ["as configured", "control run"]
    assert [text for text in texts if text.startswith("slow ")] == ["slow server:s2"] * 2
    title = ET.fromstring(drawing).find(f"{SVG}title")
    assert title is not None
    assert (title.text or "").endswith("without retries & <breakers>")


def test_faults_of_one_time_are_one_band() -> None:
    made = figures()
    made.tally.faults += [attrs.evolve(fault, target="server:s9") for fault in made.tally.faults]
    labels = [label for _, label in spans(made)]
    assert labels == ["slow server:s2 and 1 more", "crash host:s4 and 1 more"]
    assert small_figure(made, made).count('class="fault"') == 4


def test_both_halves_of_the_same_run_are_the_same_but_for_their_place(drawing: str) -> None:
    lines = [
        re.findall(r"[ML]([0-9.]+) ([0-9.]+)", path.get("d", ""))
        for path in ET.fromstring(drawing).iter(f"{SVG}path")
        if "c-offered" in path.get("class", "")
    ]
    left, right = lines
    assert [y for _, y in left] == [y for _, y in right]
    shifts = {round(float(b) - float(a), 1) for (a, _), (b, _) in zip(left, right, strict=True)}
    assert shifts == {440.0}


def test_a_run_in_which_nothing_happened_can_be_drawn(made: Figures) -> None:
    empty = Figures.of(facts(verdicts=(), faults=()), Tally(60.0))
    assert ET.fromstring(small_figure(empty, made)) is not None


def test_buckets_are_merged_into_as_many_points_as_can_be_seen(made: Figures) -> None:
    lines = Lines.of(made)
    assert 10 < len(lines.offered) <= MOST_POINTS
    assert len(lines.p99) == len(lines.offered)
    merged = round(lines.step / made.tally.grid.step)
    used = len(lines.offered) * merged
    assert made.buckets - merged < used <= made.buckets
    counted = sum(made.tally.columns["offered"][:used])
    assert sum(lines.offered) * lines.step == pytest.approx(counted)


def test_a_last_part_that_is_not_whole_is_left_out() -> None:
    assert parts([1.0, 2.0, 3.0, 4.0, 5.0], 2) == [[1.0, 2.0], [3.0, 4.0]]
    assert parts([1.0], 2) == [[1.0]]
