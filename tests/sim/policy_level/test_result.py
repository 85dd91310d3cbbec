"""Results: counts, rates, percentiles and evenness, from books written by hand."""

import pytest

from trio_lb.sim.policy_level.result import Result, ServerLoad


def load(name: str, busy_seconds: float, places: int = 1, most_waiting: int = 0) -> ServerLoad:
    return ServerLoad(
        id=name,
        attempts=1,
        failures=0,
        busy_seconds=busy_seconds,
        places=places,
        most_waiting=most_waiting,
    )


BOOKS = Result(
    algorithm="power_of_two",
    until=4.0,
    ended_at=5.0,
    asked_at=[0.5, 1.0, 1.5, 3.0],
    good_at=[0.6, 1.7, 4.0],
    good_seconds=[0.1, 0.7, 1.0],
    failed_at=[2.0],
    failures={"no server": 1},
    again_at=[1.6],
    extra_at=[1.2, 3.5],
    servers=(load("s1", 1.0, most_waiting=2), load("s2", 6.0, places=2, most_waiting=7)),
)


def test_counts_and_rates() -> None:
    assert (BOOKS.offered, BOOKS.good, BOOKS.failed) == (4, 3, 1)
    assert BOOKS.offered_per_second(1.0, 3.0) == 1.0
    assert BOOKS.goodput_per_second(0.0, 2.0) == 1.0
    assert BOOKS.amplification == 7 / 4
    assert BOOKS.amplification_in(1.0, 2.0) == 2.0
    assert BOOKS.amplification_in(2.0, 3.0) == 0.0


def test_the_series_has_each_second_of_the_workload() -> None:
    assert BOOKS.series() == [(0, 1, 1, 1), (1, 2, 1, 4), (2, 0, 0, 0), (3, 1, 0, 2)]


def test_waits() -> None:
    assert BOOKS.mean_seconds == pytest.approx(0.6)
    assert [BOOKS.percentile(p) for p in (0, 33, 34, 50, 66, 67, 99, 100)] == [
        *(0.1, 0.1, 0.7, 0.7, 0.7, 1.0, 1.0, 1.0)
    ]


def test_evenness_is_of_how_busy_each_place_was() -> None:
    assert BOOKS.utilizations == (0.25, 0.75)
    assert BOOKS.most_over_mean == 1.5
    assert BOOKS.jain == 0.8
    assert BOOKS.most_waiting == 7


def test_the_summary_says_it_in_a_few_lines() -> None:
    assert BOOKS.summary().splitlines() == [
        "power_of_two: 4 requests in 4 s, 3 answered, 1 failed",
        "wait: mean 600.0 ms, p50 700.0 ms, p99 1000.0 ms",
        "attempts for each request: 1.750",
        "busiest server: 1.50 times the mean; Jain 0.800; longest queue 7",
        "1 failed: no server",
    ]


def test_nothing_at_all_is_a_result_too() -> None:
    empty = Result(
        algorithm="random",
        until=1.0,
        ended_at=1.0,
        asked_at=[],
        good_at=[],
        good_seconds=[],
        servers=(load("s1", 0.0),),
    )
    assert (empty.amplification, empty.mean_seconds, empty.percentile(99)) == (0.0, 0.0, 0.0)
    assert (empty.most_over_mean, empty.jain) == (1.0, 1.0)
    assert "0 answered" in empty.summary()
