"""Figures of a run counted by hand, and limits that are missed when they should be."""

import math

import attrs
import pytest

from benchmarks.ledger.checker import Books, Rule, Violation
from benchmarks.ledger.records import Intent, Kind, Outcome, Step, digest
from benchmarks.ledger.report import Cell, brief, line, seconds, table
from benchmarks.ledger.scenarios import BY_NAME, Limits
from benchmarks.ledger.stage import Run
from benchmarks.ledger.summary import Figures, figures_of, misses, percentile
from tests.ledger.books import ended, seen

NAN = math.nan
EMPTY = digest(b"")


def request(number: int, method: str, at: float) -> Intent:
    return Intent(f"load-{number}", method, EMPTY, 200, at)


def answer(number: int, status: int, at: float, took: float, *, named: bool = True) -> Outcome:
    request_id = f"load-{number}"
    name = request_id if named else None
    return Outcome(request_id, Kind.ANSWERED, at, took, status, name, "s0", whole=named)


def a_run() -> Run:
    """Six requests; the story marks a burst from 2 to 8, and servers that are up again at 5."""
    whole = (Step.BEGUN, Step.COMPLETE)
    return Run(
        "errors",
        "trio_lb",
        Books(
            intents=[
                Intent("warm-0", "GET", EMPTY, 200, 0.0),
                request(0, "GET", 1.0),
                request(1, "GET", 2.0),
                request(2, "POST", 3.0),
                request(3, "GET", 4.0),
                request(4, "POST", 5.0),
                request(5, "GET", 9.0),
            ],
            outcomes=[
                attrs.evolve(answer(0, 500, 0.5, 0.5), id="warm-0"),
                answer(0, 200, 1.1, 0.1),
                answer(1, 500, 2.2, 0.2),
                answer(2, 502, 3.3, 0.3, named=False),
                ended("load-3", Kind.CUT, at=4.4),
                answer(4, 200, 5.5, 0.5),
                ended("load-5", Kind.REFUSED, at=9.1),
            ],
            sightings=[
                *seen("load-0", "s0", "GET", *whole),
                *seen("load-2", "s0", "POST", *whole),
                *seen("load-3", "s0", "GET", *whole),
            ],
            promised_until=9.0,
        ),
        [],
        {"start": 1.0, "burst": 2.0, "burst_over": 8.0, "up": 5.0, "stop": 9.0, "stopped": 9.25},
        exit_code=0,
    )


FIGURES = figures_of(a_run())
RIGHT = attrs.evolve(
    FIGURES,
    idempotent_errors=0,
    post_errors=0,
    errors_by_kind={},
    lost=0,
    error_p99_seconds=NAN,
    burst_fraction=NAN,
    recovery_seconds=NAN,
)


def test_errors_are_counted_by_whether_they_could_have_been_retried() -> None:
    assert (FIGURES.requests, FIGURES.idempotent_errors, FIGURES.post_errors) == (6, 2, 1)
    assert FIGURES.errors_by_kind == {"500": 1, "502": 1, "cut": 1}


def test_a_request_that_a_server_saw_and_that_got_no_answer_is_lost() -> None:
    assert FIGURES.lost == 1


def test_a_connection_refused_after_the_stop_is_no_error() -> None:
    assert FIGURES.refused == 1


@pytest.mark.parametrize(
    ("at", "was_seen", "raced"), [(9.1, False, 1), (8.9, False, 0), (9.1, True, 0)]
)
def test_only_a_request_that_no_server_saw_races_with_the_stop(
    at: float, was_seen: bool, raced: int
) -> None:
    run = a_run()
    outcomes = [
        attrs.evolve(each, kind=Kind.DROPPED, at=at) if each.id == "load-5" else each
        for each in run.books.outcomes
    ]
    more = seen("load-5", "s0", "GET", Step.BEGUN) if was_seen else []
    books = attrs.evolve(run.books, outcomes=outcomes, sightings=[*run.books.sightings, *more])
    figures = figures_of(attrs.evolve(run, books=books))
    assert figures.raced == raced
    assert figures.idempotent_errors == 2 + (1 - raced)


def test_times_are_those_of_good_answers_and_of_errors_apart() -> None:
    assert (FIGURES.p50_seconds, FIGURES.longest_seconds) == (0.1, 0.5)
    assert FIGURES.error_p99_seconds == 1.0


def test_the_burst_is_measured_against_one_server_s_share_of_it() -> None:
    # Four requests went out during the burst: 4/3 of them to the bad server, and 3 failed.
    assert FIGURES.burst_fraction == pytest.approx(3 / (4 / 3))


def test_recovery_ends_with_the_first_good_answer_after_the_servers_return() -> None:
    assert FIGURES.recovery_seconds == pytest.approx(0.5)


def test_recovery_that_never_comes_is_endless() -> None:
    run = a_run()
    late = attrs.evolve(run, marks={**run.marks, "up": 6.0})
    assert figures_of(late).recovery_seconds == math.inf


def test_the_stop_is_timed() -> None:
    assert (FIGURES.stop_seconds, FIGURES.exit_code) == (0.25, 0)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 2.0), (0.51, 3.0), (0.99, 4.0), (1.0, 4.0), (0.0, 1.0)]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == expected


def test_figures_within_the_limits_miss_none() -> None:
    assert list(misses(RIGHT, Limits(0, 0, error_p99_seconds=0.1))) == []


@pytest.mark.parametrize(
    ("figures", "limits", "said"),
    [
        (attrs.evolve(RIGHT, idempotent_errors=1), Limits(0), "idempotent_errors 1, allowed 0"),
        (attrs.evolve(RIGHT, post_errors=6), Limits(0, 5), "post_errors 6, allowed 5"),
        (attrs.evolve(RIGHT, lost=1), Limits(), "lost 1, allowed 0"),
        (attrs.evolve(RIGHT, raced=3), Limits(), "raced 3, allowed 2"),
        (attrs.evolve(RIGHT, violations=1), Limits(), "1 violations"),
        (attrs.evolve(RIGHT, burst_fraction=0.11), Limits(burst_fraction=0.1), "burst_fraction 0.11, allowed 0.1"),
        (attrs.evolve(RIGHT, recovery_seconds=math.inf), Limits(recovery_seconds=1.0), "recovery_seconds inf, allowed 1"),
        (RIGHT, Limits(recovery_seconds=1.0), "recovery_seconds nan, allowed 1"),
        (attrs.evolve(RIGHT, exit_code=75), Limits(), "exit_code 75, allowed 0"),
        (attrs.evolve(RIGHT, exit_code=-9), Limits(), "exit_code -9, allowed 0"),
        (attrs.evolve(RIGHT, exit_code=None), Limits(), "exit_code None, allowed 0"),
    ],
)  # fmt: skip
def test_each_limit_can_be_missed(figures: Figures, limits: Limits, said: str) -> None:
    assert list(misses(figures, limits)) == [said]


def test_a_run_that_is_summed_up_counts_its_violations() -> None:
    run = attrs.evolve(a_run(), violations=[Violation(Rule.L4, "load-0", "wrong")])
    assert (figures_of(run).violations, figures_of(run).broken) == (1, ["L4"])


def test_a_table_has_scenarios_down_and_proxies_across() -> None:
    kill, outage = BY_NAME["kill"], BY_NAME["outage"]
    figures = attrs.evolve(RIGHT, idempotent_errors=2, post_errors=3)
    cells = [
        Cell(kill, "one", figures),
        Cell(kill, "two", attrs.evolve(figures, violations=4, broken=["L2", "L7"])),
        Cell(outage, "two", failed="it did not start"),
    ]
    assert table(cells).splitlines() == [
        "| scenario | one | two |",
        "| --- | --- | --- |",
        "| kill -9 of a server under load | 2 / 3 | 2 / 3; **L2, L7** |",
        "| all servers down, then up |  | failed |",
    ]


def test_an_outage_s_cell_says_when_errors_and_the_first_good_answer_came() -> None:
    figures = attrs.evolve(RIGHT, error_p99_seconds=0.004, recovery_seconds=1.25)
    assert brief(Cell(BY_NAME["outage"], "one", figures)) == "0 / 0; 4 ms; 1.2 s"


def test_a_line_says_only_what_there_is_to_say() -> None:
    assert line(attrs.evolve(RIGHT, refused=0, stop_seconds=NAN)) == (
        "6 requests; errors 0 / 0 (idempotent / POST); p50 100 ms, p99 500 ms, longest 500 ms; "
        "exit code 0"
    )


@pytest.mark.parametrize(
    ("value", "text"), [(0.004, "4 ms"), (2.0, "2.0 s"), (math.inf, "never"), (NAN, "-")]
)
def test_a_time_has_the_unit_that_suits_it(value: float, text: str) -> None:
    assert seconds(value) == text


def test_only_a_run_without_problems_is_fine() -> None:
    kill = BY_NAME["kill"]
    assert Cell(kill, "one", RIGHT).is_fine
    assert not Cell(kill, "one", RIGHT, problems=["lost 1, allowed 0"]).is_fine
    assert not Cell(kill, "one", failed="no").is_fine


def test_json_has_no_nan() -> None:
    assert Cell(BY_NAME["kill"], "one", RIGHT).as_dict()["figures"]["recovery_seconds"] is None
