"""The breaker's life at exact instants."""

from random import Random

import pytest

from trio_lb.config.resilience import BreakerConfig
from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import (
    CircuitBreakerHalfOpened,
    CircuitBreakerOpened,
    CircuitBreakerReset,
    Event,
)
from trio_lb.policy.breaker import TRANSITIONS, Breaker, BreakerState, Signal
from trio_lb.policy.breaker_settings import BreakerThresholds
from trio_lb.policy.machine import Machine

CLOSED, OPEN, HALF_OPEN = BreakerState


def breaker(**settings: float | None) -> Breaker:
    """A breaker that trips at five failures in a row, unless told otherwise."""
    wanted = {"failure_threshold": 5, **settings}
    return Breaker("api", "a", BreakerThresholds(**wanted))  # type: ignore[arg-type] # mixed kinds


def by_share(**settings: float | None) -> Breaker:
    return breaker(failure_threshold=None, threshold=0.5, **settings)


def serve(b: Breaker, now: float, word: str, rng: Random | None = None) -> list[Event]:
    """Let attempts begin and end at ``now``: F failed, S succeeded."""
    return [event for letter in word for event in b.observe(letter == "F", now, now, rng)]


def opened(at: float, until: float | None, reason: str = "5 failures in a row") -> list[Event]:
    return [CircuitBreakerOpened(at=at, pool="api", server_id="a", reason=reason, until=until)]


def half_opened(at: float) -> list[Event]:
    return [CircuitBreakerHalfOpened(at=at, pool="api", server_id="a")]


def closed(at: float, reason: str = "3 trials went well") -> list[Event]:
    return [CircuitBreakerReset(at=at, pool="api", server_id="a", reason=reason)]


def half_open(b: Breaker) -> float:
    """Wait until the breaker half-opens; return when that was."""
    now = b.deadline
    assert now is not None
    assert b.on_deadline(now) == half_opened(now)
    return now


def open_and_half_open(b: Breaker, now: float) -> float:
    serve(b, now, "FFFFF")
    return half_open(b)


def test_its_whole_life_at_exact_instants() -> None:
    b = breaker()
    assert serve(b, 7.0, "FFFF") == []
    assert serve(b, 11.0, "F") == opened(11.0, until=41.0)
    assert (b.state, b.may_try, b.deadline) == (OPEN, False, 41.0)
    assert b.on_deadline(40.999) == []
    assert b.on_deadline(41.0) == half_opened(41.0)
    assert (b.state, b.may_try, b.deadline) == (HALF_OPEN, True, None)
    assert serve(b, 42.0, "SS") == []
    assert serve(b, 43.0, "S") == closed(43.0)
    assert (b.state, b.may_try, b.deadline) == (CLOSED, True, None)


def test_the_configuration_s_section_is_its_settings() -> None:
    b = Breaker("api", "a", BreakerConfig())
    assert serve(b, 7.0, "FFFFF") == opened(7.0, until=37.0)


# -- tripping


def test_a_success_in_between_begins_the_count_anew() -> None:
    b = breaker()
    assert serve(b, 1.0, "FFFFSFFFFS" * 20) == []
    assert b.statistics().consecutive_failures == 0


def test_half_of_a_hundred_requests_within_the_interval_trip() -> None:
    b = by_share()
    assert serve(b, 1.0, "FS" * 49 + "S") == []
    assert serve(b, 2.0, "F") == opened(2.0, until=32.0, reason="50 of 100 requests failed")


def test_the_success_that_completes_the_minimum_may_trip_it() -> None:
    b = by_share(min_requests=4)
    assert serve(b, 1.0, "FFF") == []
    assert serve(b, 1.0, "S") == opened(1.0, until=31.0, reason="3 of 4 requests failed")


def test_a_smaller_share_never_trips() -> None:
    b = by_share()
    for second in range(600):
        assert serve(b, second, "SFFSS") == []


def test_what_is_older_than_the_interval_does_not_count() -> None:
    b = by_share(min_requests=10, interval=60.0)
    serve(b, 0.0, "F" * 9)
    assert serve(b, 60.0, "F" * 9) == []
    assert b.statistics().requests == 9
    assert len(serve(b, 60.0, "F")) == 1


def test_successes_that_pass_out_of_the_interval_no_longer_speak_for_it() -> None:
    b = by_share(min_requests=10, interval=60.0)
    serve(b, 0.0, "S" * 20)
    serve(b, 30.0, "F" * 9)
    assert serve(b, 59.0, "S") == []
    assert serve(b, 60.0, "S") == opened(60.0, until=90.0, reason="9 of 11 requests failed")


def test_with_both_forms_either_trips() -> None:
    both = {"failure_threshold": 5, "threshold": 0.5, "min_requests": 8}
    assert serve(breaker(**both), 1.0, "FFFFF") == opened(1.0, until=31.0)
    assert serve(breaker(**both), 1.0, "FFSSFFSF") == opened(
        1.0, until=31.0, reason="5 of 8 requests failed"
    )


def test_each_form_alone_leaves_the_other_out() -> None:
    assert serve(breaker(min_requests=1), 1.0, "FFFFSFFFF") == []
    assert serve(by_share(min_requests=50), 1.0, "F" * 49) == []


def test_switched_off_it_never_trips() -> None:
    b = breaker(enabled=False, threshold=0.5, min_requests=1)
    assert serve(b, 1.0, "F" * 500) == []
    b.configure(BreakerThresholds(failure_threshold=1))
    assert len(serve(b, 2.0, "F")) == 1


# -- half-open


def test_one_bad_trial_opens_it_again() -> None:
    b = breaker()
    assert open_and_half_open(b, 0.0) == 30.0
    serve(b, 31.0, "SS")
    assert serve(b, 32.0, "F") == opened(32.0, until=92.0, reason="a trial failed")


def test_so_many_trials_at_a_time_and_no_more() -> None:
    b = breaker(max_half_open=2)
    open_and_half_open(b, 0.0)
    b.begin_trial()
    assert b.may_try
    b.begin_trial()
    assert (b.may_try, b.statistics().trials) == (False, 2)
    with pytest.raises(IllegalTransition, match="2 are in flight"):
        b.begin_trial()
    b.end_trial()
    assert b.may_try


def test_a_trial_without_a_verdict_only_gives_its_permit_back() -> None:
    b = breaker()
    open_and_half_open(b, 0.0)
    for _ in range(10):
        b.begin_trial()
        b.end_trial()
    assert (b.state, b.may_try) == (HALF_OPEN, True)
    assert serve(b, 31.0, "SS") == []


def test_a_trial_that_hangs_counts_as_in_flight_in_the_next_half_open_too() -> None:
    b = breaker(max_half_open=2)
    now = open_and_half_open(b, 0.0)
    b.begin_trial()
    serve(b, now, "F")
    half_open(b)
    b.begin_trial()
    assert not b.may_try, "the server is working on two requests"
    b.end_trial()
    assert b.may_try


def test_no_permit_is_needed_or_to_be_had_elsewhere() -> None:
    b = breaker()
    with pytest.raises(IllegalTransition, match="CLOSED"):
        b.begin_trial()
    serve(b, 0.0, "FFFFF")
    with pytest.raises(IllegalTransition, match="OPEN"):
        b.begin_trial()
    with pytest.raises(IllegalTransition, match="never began"):
        b.end_trial()


def test_what_began_in_another_state_proves_nothing() -> None:
    b = breaker()
    now = open_and_half_open(b, 0.0)
    assert b.observe(True, now, began_at=now - 0.001) == ()
    assert b.observe(False, now, began_at=now - 0.001) == ()
    assert b.state is HALF_OPEN
    serve(b, now, "SSS")
    for _ in range(20):
        assert b.observe(True, now + 1, began_at=now - 0.001) == ()
    assert b.state is CLOSED


def test_while_open_no_result_counts() -> None:
    b = breaker()
    serve(b, 0.0, "FFFFF")
    assert serve(b, 1.0, "S" * 50 + "F" * 50) == []
    assert b.deadline == 30.0


# -- how long it stays open


def test_each_relapse_doubles_the_time_up_to_the_maximum() -> None:
    b, lasted = breaker(), []
    now = open_and_half_open(b, 0.0)
    for _ in range(6):
        serve(b, now, "F")
        lasted.append((b.deadline or 0.0) - now)
        now = half_open(b)
    assert lasted == [60, 120, 240, 300, 300, 300]


def test_the_first_opening_lasts_its_timeout_even_above_the_maximum() -> None:
    b = breaker(timeout=600.0)
    assert open_and_half_open(b, 0.0) == 600.0
    assert serve(b, 600.0, "F") == opened(600.0, until=1200.0, reason="a trial failed")


def test_jitter_prolongs_the_second_opening_and_not_the_first() -> None:
    ends = set()
    for seed in range(20):
        b = breaker(jitter=0.5)
        assert serve(b, 0.0, "FFFFF", Random(seed)) == opened(0.0, until=30.0)
        half_open(b)
        serve(b, 30.0, "F", Random(seed))
        ends.add(b.deadline)
    assert len(ends) == 20
    assert all(end is not None and 90.0 <= end < 120.0 for end in ends)


def test_after_a_recovery_the_first_opening_is_exact_again() -> None:
    b = breaker(jitter=0.5)
    now = open_and_half_open(b, 0.0)
    serve(b, now, "SSS")
    assert serve(b, 100.0, "SFFFFF", Random(1)) == opened(100.0, until=130.0)


def test_jitter_is_not_the_base_of_the_next_time() -> None:
    b, rng = breaker(jitter=1.0, max_timeout=1e9), Random(1)
    now = open_and_half_open(b, 0.0)
    for n in range(1, 10):
        serve(b, now, "F", rng)
        assert 30 * 2**n <= (b.deadline or 0.0) - now <= 60 * 2**n
        now = half_open(b)


@pytest.mark.parametrize(
    ("closed_for", "lasts"), [(29.999, 60.0), (30.0, 30.0)], ids=["too short", "long enough"]
)
def test_it_has_recovered_when_it_was_closed_as_long_as_it_was_open(
    closed_for: float, lasts: float
) -> None:
    b = breaker()
    now = open_and_half_open(b, 0.0)
    serve(b, now, "SSS")
    now += closed_for
    serve(b, now, "SFFFFF")
    assert b.deadline == now + lasts


def test_silence_is_no_recovery() -> None:
    b = breaker()
    serve(b, open_and_half_open(b, 0.0), "SSS")
    assert serve(b, 1e6, "FFFFF") == opened(1e6, until=1e6 + 60.0)


# -- settings, statistics, snapshot, table


def test_other_settings_keep_the_state_and_the_end_of_an_opening() -> None:
    b = breaker()
    serve(b, 0.0, "FFFFF")
    b.configure(BreakerThresholds(failure_threshold=2, timeout=5.0))
    assert b.deadline == 30.0
    half_open(b)
    serve(b, 30.0, "F")
    assert b.deadline == 90.0


def test_another_interval_begins_the_share_anew_and_the_same_does_not() -> None:
    b = by_share(min_requests=4)
    serve(b, 1.0, "FFF")
    b.configure(BreakerThresholds(threshold=0.9, min_requests=5))
    assert b.statistics().requests == 3
    b.configure(BreakerThresholds(threshold=0.9, min_requests=5, interval=10.0))
    assert b.statistics().requests == 0
    b.configure(BreakerThresholds(failure_threshold=100))
    assert serve(b, 2.0, "F" * 50) == [], "the share is off"


def test_statistics_tell_state_reason_and_counts() -> None:
    b = breaker(threshold=0.9)
    assert (b.statistics().since, b.statistics().reason) == (None, "")
    serve(b, 1.0, "SFF")
    now = b.statistics()
    assert (now.requests, now.failures, now.consecutive_failures) == (3, 2, 2)
    serve(b, 2.0, "FFF")
    now = b.statistics()
    assert (now.state, now.since, now.until, now.openings_total) == (OPEN, 2.0, 32.0, 1)
    assert (now.reason, now.requests) == ("5 failures in a row", 0)


@pytest.mark.parametrize("state", BreakerState)
@pytest.mark.parametrize("signal", Signal)
def test_what_the_table_does_not_draw_is_our_bug(state: BreakerState, signal: Signal) -> None:
    b = breaker()
    b.restore({"state": state.value})
    if signal in TRANSITIONS[state]:
        b._take(signal, 1.0, "")
        assert b.state is TRANSITIONS[state][signal]
    else:
        with pytest.raises(IllegalTransition, match=f"{signal.name} in {state.name}"):
            b._take(signal, 1.0, "")


def test_a_snapshot_keeps_all_but_the_permits() -> None:
    old = breaker()
    open_and_half_open(old, 0.0)
    old.begin_trial()
    serve(old, 30.0, "S")
    new = breaker()
    new.restore({**old.snapshot(), "of a later version": 1})
    machine: Machine = new
    assert (machine.deadline, new.may_try) == (None, True)
    assert new.snapshot() == old.snapshot()
    assert serve(new, 31.0, "SS") == closed(31.0)
