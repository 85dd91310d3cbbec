"""Two runs in one plot, and the distribution of what changed."""

import xml.etree.ElementTree as ET

import pytest

from tests.sim.report.fake_run import UNTIL, FakeRun, facts
from trio_lb.sim.report import overlay
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.pairs import EDGES, Pairs
from trio_lb.sim.report.svg import TimeAxis
from trio_lb.sim.report.tally import Tally

AXIS = TimeAxis(UNTIL)


@pytest.fixture(scope="module")
def runs() -> tuple[Figures, Figures]:
    made = []
    for breaker in (False, True):
        tally = Tally(UNTIL)
        FakeRun(tally.hear, breaker=breaker).run()
        made.append(Figures.of(facts(), tally))
    return made[0], made[1]


def test_each_measure_is_drawn_for_both_runs(runs: tuple[Figures, Figures]) -> None:
    for measure in overlay.measures():
        panel = overlay.overlaid(measure, runs, AXIS)
        paths = ET.fromstring(f"<svg>{panel.body}</svg>").iter("path")
        assert [path.get("class") for path in paths] == ["line c-a", "line c-b"]
        assert [series.label for series in panel.series] == ["A", "B"]
        assert {len(series.values) for series in panel.series} == {runs[0].buckets}


def test_open_connections_are_those_that_were_counted() -> None:
    counted, other = Tally(10.0), Tally(10.0)
    for second in range(10):
        counted.counted(float(second), 40, second)
    pair = [
        Figures.of(facts(verdicts=(), faults=(), until=10.0, settle=0.0), tally)
        for tally in (counted, other)
    ]
    drawn = {
        measure.key: overlay.overlaid(measure, (pair[0], pair[1]), TimeAxis(10.0))
        for measure in overlay.measures()
    }
    most = {
        key: [max(value or 0 for value in series.values) for series in drawn[key].series]
        for key in ("open", "held")
    }
    assert most == {"open": [40, 0], "held": [9, 0]}


def test_a_run_that_ended_before_the_other_has_no_values_there() -> None:
    assert overlay.padded([1.0, 2.0, 3.0], 5) == [1.0, 2.0, 3.0, None, None]
    assert overlay.padded([1.0, 2.0, 3.0], 2) == [1.0, 2.0]


def test_the_distribution_has_a_bar_for_each_bin_in_use(runs: tuple[Figures, Figures]) -> None:
    pairs = Pairs.of(*runs)
    parsed = ET.fromstring(overlay.differences(pairs))
    bars = [rect.get("class") for rect in parsed.iter("rect")]
    middle = len(EDGES)
    assert bars.count("bar-faster") == sum(count > 0 for count in pairs.bins[:middle])
    assert bars.count("bar-slower") == sum(count > 0 for count in pairs.bins[middle + 1 :])
    assert bars.count("bar-same") == 1


def test_bins_are_said_in_words() -> None:
    middle = len(EDGES)
    assert overlay.bin_name(middle) == "within 10 µs"
    assert overlay.bin_name(middle + 1) == "more than 10 µs slower"
    assert overlay.bin_name(middle - 4) == "more than 100 µs faster"
