"""A row a server: shades of load, and lanes of states."""

import itertools
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.report.fake_run import facts, figures
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.report import charts
from trio_lb.sim.report.bands import Lane, Span
from trio_lb.sim.report.charts import LEVELS, MOST_ROWS
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.svg import TimeAxis
from trio_lb.sim.report.tally import Tally

AXIS = TimeAxis(60.0)


@pytest.fixture(scope="module")
def made() -> Figures:
    return figures()


def texts(body: str) -> list[str]:
    return ["".join(node.itertext()) for node in ET.fromstring(f"<svg>{body}</svg>").iter("text")]


def test_each_server_has_a_row_with_its_share_of_what_was_fair(made: Figures) -> None:
    said = texts(charts.heat(made, AXIS).body)
    for share in made.load.shares:
        assert share.server.name in "".join(said)
        assert f"{share.times_fair:.2f}×" in said


@given(st.lists(st.integers(0, 4), max_size=50))
def test_neighbours_that_are_alike_are_one_run(levels: list[int]) -> None:
    runs = charts.same_runs(levels)
    assert [level for begin, end, level in runs for _ in range(begin, end)] == levels
    assert all(one[2] != two[2] for one, two in itertools.pairwise(runs))


@given(st.floats(0, 1))
def test_only_no_load_at_all_has_no_shade(value: float) -> None:
    assert (charts.shade(value, 1.0) == 0) == (value == 0)
    assert charts.shade(value, 1.0) <= LEVELS


def test_of_many_servers_those_furthest_from_fair_are_drawn_and_the_rest_is_told() -> None:
    tally = Tally(60.0)
    for number in range(MOST_ROWS + 10):
        tally.server(f"s{number}").taken[0] = 1000 if number != 7 else 9
    crowded = Figures.of(facts(), tally)
    names = [share.server.name for share in charts.drawn(crowded)]
    assert len(names) == MOST_ROWS
    assert "s7" in names
    assert charts.left_out(crowded).startswith("10 more servers")


def bars(figures: Figures) -> list[tuple[str | None, str | None]]:
    body = charts.states(figures, AXIS).body
    rects = ET.fromstring(f"<svg>{body}</svg>").iter("rect")
    return [(rect.get("class"), rect.findtext("title")) for rect in rects]


def test_states_are_bars_that_tell_why_and_how_long(made: Figures) -> None:
    assert ("state s-down", "down (refused), 33 s to 44 s") in bars(made)
    assert ("state s-ejected", "ejected (latency), 12.5 s to 21.5 s") in bars(made)


def test_many_rows_are_set_closer_and_the_rest_is_counted() -> None:
    tally = Tally(60.0)
    for number in range(MOST_ROWS + 5):
        values = (f"s{number}", "api", "why", 5)
        tally.hear(Happening(1.0, What.OPEN, "lb", 0, 0, values))
    panel = charts.states(Figures.of(facts(), tally), AXIS)
    assert "and 5 more rows" in panel.body
    assert panel.height < 16 * MOST_ROWS + 50


def test_a_balancer_is_named_where_there_are_several() -> None:
    tally = Tally(60.0)
    for balancer in ("lb1", "lb2"):
        values = ("s1", "api", "why", 5)
        tally.hear(Happening(1.0, What.OPEN, balancer, 0, 0, values))
    labels = [label for label, _ in charts.state_rows(Figures.of(facts(), tally))]
    assert labels == ["s1 · lb1", "s1 · lb2"]


def test_a_server_of_which_no_balancer_spoke_has_an_empty_row() -> None:
    tally = Tally(60.0)
    tally.server("s9")
    assert charts.state_rows(Figures.of(facts(), tally)) == [("s9", None)]


def test_spans_that_look_as_one_are_drawn_as_one() -> None:
    flaps = [Span(Lane.HEALTH, "down", 10 + n / 100, end=10 + n / 100 + 0.005) for n in range(100)]
    apart = Span(Lane.HEALTH, "down", 40.0, end=41.0)
    joined = charts.merged([*flaps, apart], AXIS)
    assert [(span.begin, span.end) for span in joined] == [(10.0, flaps[-1].end), (40.0, 41.0)]
