"""Health: the first check decides, then rise and fall; a person's word stands above."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.events import ServerHealthChanged
from trio_lb.policy.health import (
    TRANSITIONS,
    CheckResult,
    HealthMachine,
    HealthState,
    HealthStatistics,
    HealthThresholds,
    Signal,
)
from trio_lb.policy.machine import Machine

GOOD = CheckResult(ok=True, latency_seconds=0.004)
BAD = CheckResult(ok=False, latency_seconds=2.0, detail="connect refused")

checks = st.booleans().map(lambda ok: GOOD if ok else BAD)


def machine(rise: int = 2, fall: int = 3, history_size: int = 20) -> HealthMachine:
    return HealthMachine("api", "s1", HealthThresholds(rise, fall, history_size))


def play(health: HealthMachine, marks: str) -> list[tuple[float, bool, str]]:
    """Feed one check a second, ``+`` good and ``-`` bad; return (instant, healthy, reason)."""
    told = []
    for second, mark in enumerate(marks):
        told += health.observe(GOOD if mark == "+" else BAD, float(second))
    assert all(isinstance(e, ServerHealthChanged) for e in told)
    return [(e.at, e.is_healthy, e.reason) for e in told if isinstance(e, ServerHealthChanged)]


def test_a_new_server_is_not_usable_before_its_first_check() -> None:
    health = machine()
    assert (health.state, health.is_usable) == (HealthState.UNKNOWN, False)


def test_one_good_first_check_is_enough() -> None:
    health = machine(rise=5)
    assert play(health, "+") == [(0.0, True, "first check passed")]
    assert health.is_usable


def test_a_bad_first_check_makes_it_unhealthy_at_once() -> None:
    health = machine(fall=5)
    assert play(health, "-") == [(0.0, False, "first check failed: connect refused")]
    assert health.state is HealthState.UNHEALTHY


def test_falls_with_the_third_failure_in_a_row_and_rises_with_the_second_success() -> None:
    assert play(machine(), "+--+---++") == [
        (0.0, True, "first check passed"),
        (6.0, False, "3 checks failed: connect refused"),
        (8.0, True, "2 checks passed"),
    ]


def test_one_good_check_is_enough_when_nobody_else_can_serve() -> None:
    patient, urgent = machine(), machine()
    for health in (patient, urgent):
        assert play(health, "---")[-1][1] is False
    assert patient.observe(GOOD, 3.0) == []
    assert [e.at for e in urgent.observe(GOOD, 3.0, urgent=True)] == [3.0]
    assert (patient.is_usable, urgent.is_usable) == (False, True)


def test_urgency_does_not_make_bad_checks_count_more() -> None:
    health = machine()
    play(health, "+")
    assert health.observe(BAD, 1.0, urgent=True) == []
    assert health.is_usable


def test_thresholds_of_one_flip_with_each_check_and_speak_of_one_check() -> None:
    assert play(machine(rise=1, fall=1), "+-+")[1:] == [
        (1.0, False, "1 check failed: connect refused"),
        (2.0, True, "1 check passed"),
    ]


def test_a_server_that_flaps_below_the_thresholds_says_nothing() -> None:
    assert len(play(machine(), "+" + "--+" * 50)) == 1


def test_a_good_check_among_many_bad_ones_does_not_bring_a_server_back() -> None:
    assert len(play(machine(), "-" + "+-" * 50)) == 1


@pytest.mark.parametrize(
    ("marks", "expected"),
    [("", False), ("+", False), ("+-", True), ("+-+", False), ("-", False), ("-+", True)],
)
def test_looks_more_often_while_some_checks_disagree(marks: str, expected: bool) -> None:
    health = machine()
    play(health, marks)
    assert health.in_transition is expected


def test_an_override_outlives_probes_and_none_gives_their_verdict_back() -> None:
    health = machine()
    play(health, "+")
    (event,) = health.override(False, 1.5)
    assert event == ServerHealthChanged(
        at=1.5, pool="api", server_id="s1", is_healthy=False, reason="manual"
    )
    assert play(health, "+++---+++") == []
    assert (health.is_usable, health.is_overridden) == (False, True)
    (event,) = health.override(None, 20.0)
    assert isinstance(event, ServerHealthChanged)
    assert (event.is_healthy, event.reason) == (True, "manual")


def test_an_override_that_changes_nothing_tells_nothing() -> None:
    health = machine()
    play(health, "+")
    assert health.override(True, 1.0) == []
    assert play(health, "---") == [], "the word of a person holds"
    (event,) = health.override(None, 5.0)
    assert isinstance(event, ServerHealthChanged)
    assert not event.is_healthy


def test_without_probes_a_server_begins_healthy_and_returns_there_after_an_override() -> None:
    health = HealthMachine("api", "s1", initial=HealthState.HEALTHY)
    assert health.is_usable
    assert len(health.override(False, 1.0)) == 1
    assert len(health.override(None, 2.0)) == 1
    assert health.is_usable


def test_statistics_hold_counts_the_last_error_and_the_mean_of_good_checks() -> None:
    health = machine()
    health.observe(CheckResult(True, 0.25), 1.0)
    health.observe(CheckResult(True, 0.75), 6.0)
    health.observe(CheckResult(False, 2.0, "timeout after 2 s"), 11.0)
    assert health.statistics() == HealthStatistics(
        state=HealthState.HEALTHY,
        overridden=False,
        last_check_at=11.0,
        consecutive_successes=0,
        consecutive_failures=1,
        average_latency_seconds=0.5,
        last_error="timeout after 2 s",
    )


def test_before_the_first_check_there_is_no_instant_no_latency_and_no_error() -> None:
    seen = machine().statistics()
    assert (seen.last_check_at, seen.average_latency_seconds, seen.last_error) == (None, None, None)


def test_a_failure_without_a_detail_still_leaves_an_error() -> None:
    health = machine()
    (event,) = health.observe(CheckResult(ok=False), 0.0)
    assert isinstance(event, ServerHealthChanged)
    assert (event.reason, health.last_error) == ("first check failed", "check failed")


def test_history_keeps_the_newest_checks_only() -> None:
    health = machine(history_size=3)
    play(health, "+-+-+")
    assert [(r.at, r.result.ok) for r in health.history] == [(2.0, True), (3.0, False), (4.0, True)]


def test_it_is_a_machine_that_is_never_due() -> None:
    health: Machine = machine()
    assert health.deadline is None
    assert list(health.on_deadline(1e9)) == []


def test_a_snapshot_taken_in_mid_count_goes_on_counting() -> None:
    old, new = machine(), machine()
    play(old, "+--")
    new.restore({**old.snapshot(), "of a later version": 1})
    assert new.statistics() == old.statistics()
    assert list(new.history) == list(old.history)
    (event,) = new.observe(BAD, 9.0)
    assert isinstance(event, ServerHealthChanged)
    assert event.reason == "3 checks failed: connect refused"


def test_a_snapshot_leaves_out_what_a_user_s_check_told() -> None:
    """Its details may be anything, and are renewed with the next check."""
    old, new = machine(), machine()
    old.observe(CheckResult(False, 0.5, "down", refused=True, details={"database": object()}), 1.0)
    new.restore(old.snapshot())
    assert [each.result for each in new.history] == [CheckResult(False, 0.5, "down")]


def test_an_empty_snapshot_changes_nothing() -> None:
    health = machine()
    play(health, "+-")
    before = health.statistics()
    health.restore({})
    assert health.statistics() == before


@given(st.lists(checks), st.integers(1, 5), st.integers(1, 5))
def test_law_the_state_follows_from_the_last_decisive_run(
    results: list[CheckResult], rise: int, fall: int
) -> None:
    """An oracle that knows no machine: walk the runs, flip when one is long enough."""
    health, expected, run = machine(rise, fall), HealthState.UNKNOWN, 0
    for i, check in enumerate(results):
        run = run + 1 if i and results[i - 1].ok == check.ok else 1
        wanted = HealthState.HEALTHY if check.ok else HealthState.UNHEALTHY
        need = 1 if expected is HealthState.UNKNOWN else (rise if check.ok else fall)
        expected = wanted if run >= need else expected
        health.observe(check, float(i))
        assert health.state is expected


@given(st.lists(st.one_of(checks, st.sampled_from([True, False, None]))))
def test_law_events_tell_exactly_the_changes_of_the_verdict(
    steps: list[CheckResult | bool | None],
) -> None:
    health = machine()
    for i, step in enumerate(steps):
        before, inner = health.state, health._state
        told = (
            health.observe(step, float(i))
            if isinstance(step, CheckResult)
            else health.override(step, float(i))
        )
        assert len(told) == (health.state is not before)
        assert all(e.at == i for e in told)
        drawn = health._state in TRANSITIONS[inner].values()
        assert health._state is inner or drawn, "a change that no table draws"
        assert (health.consecutive_successes == 0) or (health.consecutive_failures == 0)


def test_the_table_draws_no_way_back_to_unknown() -> None:
    targets = {to for ways in TRANSITIONS.values() for to in ways.values()}
    assert targets == {HealthState.HEALTHY, HealthState.UNHEALTHY}
    assert set(TRANSITIONS[HealthState.UNKNOWN]) == set(Signal)
