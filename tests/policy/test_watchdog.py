"""The watchdog: which stalls are news, which are alarming, and which are the machine's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.schema import WatchdogConfig
from trio_lb.model.errors import IllegalTransition
from trio_lb.policy.watchdog import LOOK_SECONDS, TRANSITIONS, LoopState, Signal, Watchdog

DEFAULTS = WatchdogConfig()


def look_until(dog: Watchdog, end: float) -> list[tuple[float, LoopState]]:
    """Look whenever it wants to be looked at; return what was found bad, and when."""
    found = []
    while dog.look_at <= end:
        now = dog.look_at
        bad = dog.look(now)
        if bad is not None:
            found.append((round(now, 6), bad))
    return found


def test_beats_are_a_tenth_of_a_second_apart() -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    assert dog.beat(0.0) is None
    assert dog.due == 0.1


def test_a_beat_is_late_news_from_two_tenths_on() -> None:
    dog = Watchdog(WatchdogConfig(warn_after=0.25), 0.0)
    dog.beat(0.0)
    assert dog.beat(0.125 + 0.24) is None
    assert dog.beat(dog.due + 0.25) == pytest.approx(0.25)
    assert dog.statistics().stalls == 1


def test_the_longest_stall_is_kept() -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    for late in (0.5, 3.0, 1.0):
        dog.beat(dog.due + late)
    assert dog.statistics().stalls == 3
    assert dog.statistics().longest_seconds == pytest.approx(3.0)


def test_a_loop_that_beats_is_never_suspected() -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    found = []
    for tick in range(1000):
        dog.beat(tick / 10)
        found += look_until(dog, tick / 10)
    assert found == []
    assert dog.state is LoopState.ON_TIME


def test_a_stuck_loop_is_told_after_one_second_and_given_up_after_sixty() -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    dog.look(0.0)
    dog.beat(0.0)
    assert look_until(dog, 300.0) == [(1.1, LoopState.STUCK), (60.1, LoopState.LOST)]


def test_without_exit_after_nobody_is_given_up() -> None:
    dog = Watchdog(WatchdogConfig(exit_after=None), 0.0)
    assert look_until(dog, 3600.0) == [(1.0, LoopState.STUCK)]
    assert dog.stalled_seconds(3600.0) == 3600.0


def test_a_loop_that_runs_again_is_told_anew_when_it_stops_anew() -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    assert look_until(dog, 5.0) == [(1.0, LoopState.STUCK)]
    assert dog.beat(5.5) == 5.5
    assert look_until(dog, 7.0) == [(6.6, LoopState.STUCK)]
    assert dog.beat(7.0) == pytest.approx(1.4)


def test_a_process_that_was_stopped_for_a_minute_is_not_given_up() -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    dog.beat(0.0)
    dog.look(0.0)
    assert dog.look(70.0) is None, "who looks was stopped, too"
    assert dog.look(70.9) is None
    assert dog.look(71.0) is LoopState.STUCK, "from now on it is the loop's own"


def test_a_stop_in_the_middle_of_a_stall_does_not_count() -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    assert look_until(dog, 50.0) == [(1.0, LoopState.STUCK)]
    assert dog.look(10_000.0) is None
    assert look_until(dog, 10_061.0) == [(10_060.0, LoopState.LOST)]


def test_whoever_comes_back_from_the_dead_is_on_time_again() -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    assert look_until(dog, 61.0)[-1] == (60.0, LoopState.LOST)
    dog.beat(61.5)
    dog.look(dog.look_at)
    assert dog.state is LoopState.ON_TIME


def test_settings_may_change_at_any_time() -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    dog.settings = WatchdogConfig(warn_after=2.0, alarm_after=10.0)
    dog.beat(0.0)
    assert dog.due == 1.0
    assert look_until(dog, 12.0) == [(11.0, LoopState.STUCK)]


@pytest.mark.parametrize("state", LoopState)
@pytest.mark.parametrize("signal", Signal)
def test_each_signal_is_in_the_table_or_a_fault_of_ours(state: LoopState, signal: Signal) -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    dog.state = state
    if signal in TRANSITIONS[state]:
        dog._take(signal)
        assert dog.state is TRANSITIONS[state][signal]
    else:
        with pytest.raises(IllegalTransition, match=f"{signal.name} in {state.name}"):
            dog._take(signal)


@given(st.lists(st.floats(0.0, 90.0), max_size=20))
def test_law_alarms_are_for_stalls_that_long_and_looks_never_stop(stalls: list[float]) -> None:
    dog = Watchdog(DEFAULTS, 0.0)
    for stall in stalls:
        dog.beat(dog.due)
        due = dog.due
        found = [bad for _, bad in look_until(dog, due + stall)]
        expected = [LoopState.STUCK] * (stall >= 1.0) + [LoopState.LOST] * (stall >= 60.0)
        # A look that is due together with a threshold may be a rounding away from it.
        if min(abs(stall - 1.0), abs(stall - 60.0)) > 1e-6:
            assert found == expected
        assert due + stall < dog.look_at <= due + stall + max(1.0, LOOK_SECONDS) + 0.1
        late = dog.beat(due + stall)
        assert (late is not None) == (due + stall - due >= 0.2)
