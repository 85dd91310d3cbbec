"""Each plot shows the figures where they belong."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.sim.report.fake_run import facts, figures
from trio_lb.sim.report import plots
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.page import panels_of
from trio_lb.sim.report.panel import Panel
from trio_lb.sim.report.svg import TimeAxis
from trio_lb.sim.report.tally import FaultSpan, Tally

AXIS = TimeAxis(60.0)
DRAWERS = (
    *(
        plots.faults,
        plots.traffic,
        plots.latency,
        plots.amplification,
        plots.refusals,
        plots.levels,
    ),
    plots.open_connections,
    plots.connections,
)


@pytest.fixture(scope="module")
def made() -> Figures:
    return figures()


def parsed(panel: Panel) -> ET.Element:
    return ET.fromstring(f"<svg>{panel.body}</svg>")


def test_every_plot_is_well_formed_within_its_frame_and_as_long_as_the_run(made: Figures) -> None:
    for drawer in DRAWERS:
        panel = drawer(made, AXIS)
        ys = [float(y) for y in re.findall(r'\by[12]?="([-0-9.]+)"', panel.body)]
        assert ET.fromstring(f"<svg>{panel.body}</svg>") is not None
        assert all(-1 <= y <= panel.height for y in ys), panel.key
        assert {len(series.values) for series in panel.series} <= {made.buckets}


def test_a_run_in_which_nothing_happened_can_be_drawn() -> None:
    empty = Figures.of(facts(verdicts=(), faults=()), Tally(60.0))
    for drawer in DRAWERS:
        assert parsed(drawer(empty, AXIS)) is not None


def test_open_connections_are_drawn_where_somebody_counted_them() -> None:
    tally = Tally(10.0)
    for at, of_clients, to_servers in ((0.0, 0, 0), (2.0, 40, 8), (5.0, 3, 2)):
        tally.counted(at, of_clients, to_servers)
    counted = Figures.of(facts(verdicts=(), faults=(), until=10.0, settle=0.0), tally)
    clients, servers = plots.open_connections(counted, TimeAxis(10.0)).series
    each = round(1 / tally.grid.step)
    assert (clients.label, [clients.values[n * each] for n in range(10)]) == (
        "of clients",
        [0, 0, 40, 40, 40, 40, 3, 3, 3, 3],
    )
    assert (servers.label, max(value or 0 for value in servers.values)) == ("to servers", 8)
    assert "open" in {panel.key for panel in panels_of(counted, AXIS)}
    unseen = Figures.of(facts(verdicts=(), faults=()), Tally(10.0))
    assert "open" not in {panel.key for panel in panels_of(unseen, AXIS)}


def test_rates_are_per_second(made: Figures) -> None:
    offered = plots.traffic(made, AXIS).series[0]
    total = sum(value or 0.0 for value in offered.values) * made.tally.grid.step
    assert total == pytest.approx(made.totals["offered"])


def test_what_balancers_refused_is_drawn_per_second() -> None:
    tally = Tally(60.0)
    tally.columns["sheds"][5] = 3
    panel = plots.refusals(Figures.of(facts(), tally), AXIS)
    values = {series.label: series.values for series in panel.series}
    assert values["shed"][5] == pytest.approx(3 / tally.grid.step)
    assert sum(value or 0.0 for value in values["retries"]) == 0.0


def test_dots_are_failures_and_the_slowest_thousandth_each_with_its_request(made: Figures) -> None:
    dots = list(parsed(plots.latency(made, AXIS)).iter("circle"))
    lives = {life.req: life for life in made.tally.sample.chosen()}
    assert dots
    for dot in dots:
        life = lives[int(dot.get("data-req", "0"))]
        assert dot.get("class") == ("dot good" if life.ok else "dot bad")
        assert not life.ok or life.ns > made.latency.p999


def test_faults_that_overlap_are_named_in_rows_of_their_own() -> None:
    tally = Tally(60.0)
    tally.faults = [FaultSpan(n, "slow", f"server:s{n}", "{}", 10.0 + n, 20.0) for n in range(3)]
    panel = plots.faults(Figures.of(facts(), tally), AXIS)
    bars = [rect for rect in parsed(panel).iter("rect") if rect.get("class") == "fault-bar"]
    assert len({bar.get("y") for bar in bars}) == 3


def test_a_name_that_would_leave_the_page_ends_with_its_bar() -> None:
    tally = Tally(60.0)
    tally.faults = [FaultSpan(0, "slow", "server:with-a-long-name", "{}", 57.0, 59.0)]
    panel = plots.faults(Figures.of(facts(), tally), AXIS)
    names = [t for t in parsed(panel).iter("text") if t.get("class") == "fault-name"]
    assert [name.get("text-anchor") for name in names] == ["end"]


def test_the_rows_of_faults_are_bounded() -> None:
    tally = Tally(60.0)
    tally.faults = [FaultSpan(n, "slow", "server:s1", "{}", 10.0, 20.0) for n in range(50)]
    panel = plots.faults(Figures.of(facts(), tally), AXIS)
    assert panel.height < 200
    assert "42 more" in panel.body
