"""When all is healed everything comes back."""

import pytest

from tests.sim.checks.support import MS, SECOND, Play
from trio_lb.sim.checks.liveness import ComesBack
from trio_lb.sim.happening import Value, What


def done(play: Play, at: float, good: bool = True, lasted_ms: int = 10, who: str = "web") -> None:
    play.tell(at, What.DONE, who, int(good), 1, lasted_ms * MS, "" if good else "503", req=1)


def heal(play: Play) -> None:
    play.tell(10.0, What.INJECT, "s1", "slow", 1, "{}")
    play.tell(20.0, What.HEALED, "s1", "slow", 1)
    play.tell(20.0, What.PHASE, "sim", "liveness")


def test_who_is_back_in_time_is_well() -> None:
    play = Play(ComesBack(30.0))
    for number in range(200):
        done(play, number / 100)
    heal(play)
    play.lb(25.0, What.HEALTH, "s1", "default", 0, "x")
    play.lb(49.0, What.HEALTH, "s1", "default", 1, "x")
    done(play, 49.0, good=False)
    for number in range(200):
        done(play, 51.0 + number / 100, lasted_ms=12)
    play.tell(60.0, What.PHASE, "sim", "wind_down")
    done(play, 61.0, good=False)  # Somebody was sent home.
    assert play.end() == []


def test_it_says_how_much_came_back() -> None:
    check = ComesBack(30.0)
    play = Play(check)
    for number in range(200):
        done(play, number / 100)
    heal(play)
    for number in range(199):
        done(play, 51.0 + number / 100, lasted_ms=12)
    done(play, 53.0, good=False)
    play.end()
    assert check.asked == "after 30 s 99.9% succeed, p99 at most 1.2 times as before"
    assert check.found == "99.50%, 1.20 times"
    silent = ComesBack(10.0)
    Play(silent).end()
    assert silent.found == "nobody came"


OUT: list[tuple[What, tuple[Value, ...], str]] = [
    (What.HEALTH, ("s1", "default", 0, "x"), "s1 of default: its checks are bad"),
    (What.EJECT, ("s1", "default", "x", 90 * SECOND), "s1 of default: it is ejected until"),
    (What.OPEN, ("s1", "default", "x", 90 * SECOND), "s1 of default: its breaker is open"),
    (What.FAIL_OPEN, ("default", "x"), "fail-open is in force in default"),
]


@pytest.mark.parametrize(("what", "values", "said"), OUT)
def test_who_is_still_out_is_named_once(what: What, values: tuple[Value, ...], said: str) -> None:
    play = Play(ComesBack(30.0))
    heal(play)
    play.lb(25.0, what, *values)
    done(play, 51.0)
    done(play, 52.0)
    play.tell(60.0, What.PHASE, "sim", "wind_down")
    (text,) = play.end()
    assert text.startswith(said)
    assert text.endswith("30 s after all was healed")
    assert play.instants == [51.0]


def test_without_traffic_it_is_judged_when_the_phase_ends() -> None:
    play = Play(ComesBack(30.0))
    heal(play)
    play.lb(25.0, What.HEALTH, "s1", "default", 0, "x")
    play.tell(60.0, What.PHASE, "sim", "wind_down")
    assert play.instants == [60.0]


def test_a_half_open_breaker_waits_for_traffic_and_a_leaver_is_gone() -> None:
    play = Play(ComesBack(30.0))
    heal(play)
    play.lb(25.0, What.HALF_OPEN, "s1", "default")
    play.lb(25.0, What.DRAIN, "s2", "default")
    play.lb(25.0, What.REMOVE, "s3", "default")
    play.tell(60.0, What.PHASE, "sim", "wind_down")
    assert play.end() == []


def test_failures_that_go_on_are_a_violation() -> None:
    play = Play(ComesBack(30.0))
    heal(play)
    done(play, 51.0)
    done(play, 52.0, good=False)
    (text,) = play.end()
    assert text.startswith("50.000% of 2 succeed after all was healed, asked for is 99.900%")
    assert play.instants == [52.0]


def test_a_service_that_stays_slow_is_a_violation() -> None:
    play = Play(ComesBack(30.0))
    for number in range(100):
        done(play, number / 100)
    heal(play)
    for number in range(100):
        done(play, 51.0 + number / 100, lasted_ms=13)
    assert play.end() == [
        "100 of 100 take longer than 12.000 ms, chance explains 15: p99 is 13.000 ms and was"
        " 10.000 ms of 100, allowed are 1.2 times as much"
    ]


def test_a_p99_that_chance_lets_seem_slower_is_no_violation() -> None:
    check = ComesBack(30.0)
    play = Play(check)
    for number in range(100):
        done(play, number / 100)
    heal(play)
    for number in range(100):
        done(play, 51.0 + number / 100, lasted_ms=13 if number < 15 else 10)
    assert play.end() == []
    assert check.found == "100.00%, 1.30 times, by chance"


def test_each_crowd_is_compared_with_itself() -> None:
    play = Play(ComesBack(30.0))
    for number in range(100):
        done(play, number / 100)
        done(play, number / 100, who="mobile", lasted_ms=3000)
    heal(play)
    for number in range(100):
        done(play, 51.0 + number / 100, lasted_ms=100)
        done(play, 51.0 + number / 100, who="mobile", lasted_ms=3000)
    (text,) = play.end()
    assert text.endswith(
        "p99 is 100.000 ms and was 10.000 ms of 100, allowed are 1.2 times as much"
    )
