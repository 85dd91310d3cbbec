"""Ratios and peaks follow from the tally, with exact numbers."""

import pytest

from tests.sim.report.fake_run import figures
from trio_lb.sim.happening import Happening, Value, What
from trio_lb.sim.report.data import RunFacts
from trio_lb.sim.report.figures import Figures, Load, natural, peak_of
from trio_lb.sim.report.grid import Grid
from trio_lb.sim.report.per_server import PerServer
from trio_lb.sim.report.tally import Tally


def server(name: str, taken: int) -> PerServer:
    made = PerServer(name, Grid(1.0, 1))
    made.taken[0] = taken
    return made


def test_load_is_measured_against_equal_shares_unless_weights_say_otherwise() -> None:
    servers = [server("s1", 60), server("s2", 30), server("s3", 10)]
    equal = Load.of(servers, {})
    assert equal.worst == pytest.approx(1.8)
    assert equal.misplaced_fraction == pytest.approx(0.6 - 1 / 3)
    assert equal.jain == pytest.approx(1 / (3 * (0.36 + 0.09 + 0.01)))
    weighted = Load.of(servers, {"s1": 6, "s2": 3})
    assert [weighted.worst, weighted.jain] == pytest.approx([1.0, 1.0])
    assert weighted.misplaced_fraction == pytest.approx(0.0)


def test_without_requests_nothing_is_misplaced() -> None:
    assert Load.of([server("s1", 0)], {}).misplaced_fraction == 0.0
    assert Load.of([], {}).worst == 0.0


def test_the_first_of_the_highest_is_the_peak() -> None:
    peak = peak_of([("s1", [0, 2, 1]), ("s2", [0, 0, 2])], 0.5)
    assert (peak.level, peak.where, peak.at) == (2, "s1", 0.5)


def test_servers_are_in_the_order_in_which_people_count() -> None:
    names = ["s10", "s2", "a1-b3", "s1", "²", "a1-b20", ""]
    assert sorted(names, key=natural) == ["", "a1-b3", "a1-b20", "s1", "s2", "s10", "²"]


def told(*happenings: tuple[float, What, int, tuple[Value, ...]]) -> Figures:
    tally = Tally(10.0)
    for at, what, req, values in happenings:
        tally.hear(Happening(at, what, "x", 1, req, values))
    return Figures.of(RunFacts("run", 1, 10.0), tally)


def test_amplification_and_success_are_ratios_of_totals() -> None:
    found = told(
        (0.0, What.ARRIVE, 1, ("GET",)),
        (0.0, What.ARRIVE, 2, ("GET",)),
        (0.1, What.TAKE, 1, ("GET", 1, 0)),
        (0.2, What.TAKE, 1, ("GET", 1, 0)),
        (0.3, What.TAKE, 2, ("GET", 1, 0)),
        (0.4, What.DONE, 1, (1, 1, 400_000_000, "")),
        (0.5, What.ANSWER, 2, (503, 0, 10, "")),
    )
    assert found.amplification == 1.5
    assert found.success_fraction == 1.0
    assert found.unfinished == 1
    assert found.server_errors == 1
    assert found.end == 10.0


def test_a_run_longer_than_its_horizon_ends_there_on_the_page() -> None:
    found = told((9.5, What.ARRIVE, 1, ("GET",)), (90.0, What.DONE, 1, (0, 1, 10, "timeout")))
    assert (found.end, found.buckets) == (10.0, found.tally.grid.count)
    assert found.totals["failed"] == 1


def test_a_run_without_requests_has_figures_too() -> None:
    found = told()
    assert (found.success_fraction, found.amplification, found.failover) == (1.0, 0.0, 0.0)
    assert found.errors == {}


def test_the_longest_failover_is_that_of_the_worst_fault() -> None:
    found = figures()
    assert found.failover == max(fault.failover for fault in found.tally.faults) > 1.0
    assert found.latency.count == found.calm.count + found.faulty.count == found.totals["good"]


def test_each_pool_is_reckoned_by_itself_and_one_that_nobody_asks_is_fair() -> None:
    servers = [server(f"s{n}", taken) for n, taken in enumerate((30, 30, 0, 0, 0, 40), 1)]
    pools = {"s1": 0, "s2": 0, "s3": 0, "s4": 1, "s5": 1}
    load = Load.of(servers, {"s3": 0.0}, pools)
    assert [share.fair for share in load.shares] == [0.3, 0.3, 0.0, 0.0, 0.0, 0.4]
    assert (load.worst, load.jain, load.misplaced_fraction) == (1.0, 1.0, 0.0)


def test_what_backups_get_is_misplaced() -> None:
    load = Load.of([server("s1", 75), server("s2", 25)], {"s2": 0.0}, {"s1": 0, "s2": 0})
    assert (load.worst, load.misplaced_fraction) == (0.75, 0.25)
