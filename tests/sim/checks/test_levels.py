"""Levels of service are judged at the end, over the requests that count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.checks.support import MS, Play
from trio_lb.sim.checks.levels import Available, Bound, ErrorRate, Latency, percentile
from trio_lb.sim.happening import What


def done(play: Play, at: float, good: bool = True, lasted_ms: int = 10) -> None:
    reason = "" if good else "503"
    play.tell(at, What.DONE, "web", int(good), 1, lasted_ms * MS, reason, req=1)


@pytest.mark.parametrize(
    ("text", "figure", "holds"),
    [
        ("<1%", 0.0099, True),
        ("<1%", 0.01, False),
        ("<= 1 %", 0.01, True),
        ("<0.5", 0.4, True),
        (">=99.9%", 0.999, True),
        (">99.9%", 0.999, False),
    ],
)
def test_a_share_is_compared_as_it_is_written(text: str, figure: float, holds: bool) -> None:
    assert Bound(text, is_share=True).holds(figure) is holds


def test_a_duration_is_compared_as_it_is_written() -> None:
    assert Bound("<100ms", is_share=False).holds(0.0999)
    assert not Bound("<100ms", is_share=False).holds(0.1)


@pytest.mark.parametrize(
    ("text", "is_share", "says"),
    [
        ("1%", True, "is no bound"),
        ("<1.2.3%", True, "is no share"),
        ("<x", True, "is no share"),
        ("<10 parsecs", False, "is not"),
    ],
)
def test_what_says_nothing_is_refused(text: str, is_share: bool, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Bound(text, is_share=is_share)


def test_too_many_errors_are_one_violation_that_names_the_first() -> None:
    play = Play(ErrorRate("<1%"))
    for number in range(98):
        done(play, float(number))
    done(play, 98.0, good=False)
    done(play, 99.0, good=False)
    assert play.end() == [
        "2 of 100 requests failed, 2.00%; asked for is <1%; this was the first (503)"
    ]
    assert play.instants == [98.0]


def test_what_is_measured_is_said_beside_what_was_asked() -> None:
    said = []
    for check in (ErrorRate("< 30 %"), Latency(p50="<20ms", p99="<1s")):
        play = Play(check)
        for number in range(4):
            done(play, float(number), good=number != 1, lasted_ms=10 * (number + 1))
        play.end()
        said.append((check.verdict().asked, check.verdict().found))
    assert said == [("< 30 %", "25.00%"), ("p50 <20ms, p99 <1s", "30 ms, 40 ms")]


def test_errors_that_a_fault_may_have_caused_do_not_count_outside_faults() -> None:
    play = Play(ErrorRate("<1%", outside_faults=True, aftermath_seconds=5.0))
    done(play, 1.0)
    play.tell(2.0, What.INJECT, "s1", "slow", 1, "{}")
    done(play, 3.0, good=False)
    play.tell(4.0, What.HEALED, "s1", "slow", 1)
    done(play, 8.0, good=False)
    assert play.end() == []
    done(play, 9.5, good=False)
    assert len(play.end()) == 1


def test_a_bound_that_nothing_can_miss_needs_somebody() -> None:
    assert Play(ErrorRate("<1%")).end() == []
    assert Play(ErrorRate(">1%")).end() == ["0 of 0 requests failed, 0.00%; asked for is >1%"]


def test_percentiles_are_those_of_successes() -> None:
    play = Play(Latency(p50="<=20ms", p99="<100ms", p99_9="<1s"))
    for number in range(97):
        done(play, float(number), lasted_ms=20)
    for _ in range(3):
        done(play, 97.0, lasted_ms=100)
    done(play, 97.0, good=False, lasted_ms=90_000)
    assert play.end() == ["p99 of 100 is 0.100000 s; asked for is <100ms"]


@pytest.mark.parametrize("wrong", [{}, {"p0": "<1s"}, {"q99": "<1s"}, {"p101": "<1s"}])
def test_a_latency_needs_a_percentile(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="percentile"):
        Latency(**wrong)  # type: ignore[arg-type]  # the names are what is tried


@given(st.lists(st.integers(0, 10**9), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_the_least_value_that_enough_do_not_exceed(
    values: list[int], share: float
) -> None:
    ordered = sorted(values)
    figure = percentile(ordered, share)
    enough = share * len(ordered) - 1e-6
    assert sum(value <= figure for value in ordered) >= enough
    assert sum(value < figure for value in ordered) < enough + 1 + 1e-6


def test_each_pool_is_judged_by_itself() -> None:
    play = Play(Available(">=99%"))
    for number in range(500):
        play.lb(1.0, What.COMPLETE, "s1", "busy", 200, 1, MS, req=number)
    play.lb(2.0, What.COMPLETE, "s2", "small", 404, 1, MS, req=1)
    play.lb(3.0, What.ERROR, "s2", "small", 502, 1, MS, "upstream_reset", req=2)
    play.lb(4.0, What.COMPLETE, "s2", "small", 500, 1, MS, req=3)
    play.lb(5.0, What.ERROR, "s2", "small", 0, 1, MS, "client_gone", req=4)
    assert play.end() == ["pool small was available to 33.333% of 3; asked for is >=99%"]
    assert play.instants == [3.0]
