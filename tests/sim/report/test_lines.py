"""The lines that decide between two runs: better, worse, not comparable, or not known."""

import pytest

from tests.sim.report.fake_run import made_up
from trio_lb.sim.happening import Happening, Value, What
from trio_lb.sim.report.data import RunFacts
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.lines import OF_CLIENTS, OF_GOOD, OF_SERVERS, Line, lines_of, unknown_said
from trio_lb.sim.report.tally import Tally


@pytest.fixture(scope="module")
def runs() -> tuple[Figures, Figures]:
    return made_up("without", breaker=False), made_up("with", breaker=True)


@pytest.mark.parametrize(
    ("line", "verdict", "change"),
    [
        (Line("p99", (100.0, 50.0), "ns"), "good", "-50.0%"),
        (Line("p99", (100.0, 150.0), "ns"), "bad", "+50.0%"),
        (Line("good", (0.98, 0.99), "%", 1), "good", "+1.000 points"),
        (Line("requests", (10, 20), "n", 0), "", "+100.0%"),
        (Line("queue", (3, 3), "n"), "", "same"),
        (Line("queue", (0, 3), "n"), "bad", "from nothing"),
        (Line("queue", (None, 3), "n"), "", "not comparable"),
        (Line("queue", (None, None), "n"), "", ""),
    ],
)
def test_a_change_is_good_or_bad_as_the_figure_wants(line: Line, verdict: str, change: str) -> None:
    assert (line.verdict, line.change) == (verdict, change)


def test_percentiles_of_other_requests_are_not_comparable(runs: tuple[Figures, Figures]) -> None:
    lines = {line.name: line for line in lines_of(*runs)}  # The breaker rescues more than 1 %.
    assert {name for name, line in lines.items() if not line.comparable} == set(OF_GOOD)
    assert (lines["p99"].verdict, lines["p99"].change) == ("", "not comparable")
    assert lines["good"].verdict == "good"
    assert all(line.comparable for line in lines_of(runs[0], runs[0]))


def told(*happenings: tuple[float, What, tuple[Value, ...]]) -> Figures:
    tally = Tally(10.0)
    for at, what, values in happenings:
        tally.hear(Happening(at, what, "x", 1, 1, values))
    return Figures.of(RunFacts("run", 1, 10.0), tally)


ARRIVE = (0.0, What.ARRIVE, ("GET",))
GOOD = (0.4, What.DONE, (1, 1, 400_000_000, ""))
TRIES = ((0.0, What.TRY, (1, "GET")), (0.2, What.TRY, (2, "GET")))


def test_of_programs_that_answer_clients_are_known_but_no_queues_and_loads() -> None:
    own = told(ARRIVE, *TRIES, GOOD)
    lines = {line.name: line for line in lines_of(own, own)}
    assert [lines[name].values[0] for name in OF_CLIENTS] == [1, 1.0, 0, 2, 0, 0.0]
    assert lines["p99"].values[0] == pytest.approx(400_000_000, rel=0.016)
    unknown = [line.name for line in lines.values() if line.is_unknown]
    assert unknown == ["p99 with a fault", *OF_SERVERS]
    assert [*unknown_said([*lines.values()])] == [
        "– p99 with a fault: no request came to a good end while one was on",
        "– queues and loads: only the simulator's own servers tell of them, no programs",
    ]


def test_programs_that_ask_programs_tell_nothing() -> None:
    lines = lines_of(told(), told())
    assert all(line.is_unknown for line in lines)
    assert {line.said(line.values[0]) for line in lines} == {"–"}
    assert [*unknown_said(lines)] == [
        "–: what programs ask is not counted, only what the simulator's clients do",
        "– queues and loads: only the simulator's own servers tell of them, no programs",
    ]


def test_a_failure_that_no_server_saw_leaves_loads_unknown_but_for_what_a_balancer_spared_them() -> (
    None
):
    failed = (0.4, What.DONE, (0, 1, 400_000_000, "refused"))
    alone, spared = told(ARRIVE, failed), told(ARRIVE, (0.1, What.NO_SERVER, ("default",)), failed)
    assert [each.servers_told for each in (alone, spared)] == [False, True]


def test_whoever_is_compared_with_nobody_is_not_better() -> None:
    lines = lines_of(told(), told(ARRIVE, *TRIES, GOOD))
    assert {line.verdict for line in lines} == {""}
    assert {line.name: line.change for line in lines}["good"] == "not comparable"
