"""Shrinking: the same check fails, with less and less, within the budget."""

import random
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.search.support import cut, run_trial, slow
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.search.shrink import Budget, DoesNotFail, Shrunk, Step, shrink
from trio_lb.sim.search.trial import Outcome, Trial


def ticking(seconds: float = 0.0) -> Callable[[], float]:
    """A clock that goes on by so much at each look."""
    now = [0.0]

    def look() -> float:
        now[0] += seconds
        return now[0]

    return look


def forty_faults() -> list[Fault]:
    """Two slow servers overlap among forty faults; cuts of s3 and s4 come between."""
    rng = random.Random(3)
    noise = [
        cut(f"s{1 + number % 2}", at, at + 1.0)
        for number, at in enumerate(sorted(rng.uniform(0, 90) for _ in range(38)))
    ]
    return [*noise, slow("s1", 31.41592, 44.7, 23.5), slow("s3", 40.123, 52.25, 7.75)]


FAILING = Trial(
    "two tiers", seed=17, faults=forty_faults(), until=100, options={"servers": 4, "keep": True}
)


def shrunk(trial: Trial = FAILING, **more: object) -> Shrunk:
    return shrink(trial, run_trial, clock=ticking(), **more)  # type: ignore[arg-type] # Of shrink.


def test_forty_faults_become_two_with_round_numbers_in_a_short_run() -> None:
    small = shrunk()
    assert small.trial == Trial(
        "two tiers", seed=17, faults=[slow("s1", 0, 1), slow("s3", 0, 1)], until=1, settle=0
    )
    assert (small.check, small.says) == ("latency", "server:s1 and server:s3 are slow")
    assert small.finished
    assert small.runs == 61


def test_the_faults_alone_take_less_than_twenty_five_runs() -> None:
    steps: list[Step] = []
    shrunk(on_progress=steps.append)
    of_faults = [step for step in steps if step.name == "faults"]
    assert (of_faults[11].best.faults, of_faults[12].runs) == (tuple(forty_faults()[-2:]), 17)
    assert [step.runs for step in of_faults[13:]] == [50, 51, 52, 59, 60, 61]


def test_the_run_is_halved_first_while_it_fails() -> None:
    steps: list[Step] = []
    shrunk(on_progress=steps.append)
    cut = [(step.runs, step.best.until) for step in steps if step.name == "first cut"]
    assert cut == [(2, 100.0), (3, 50.0), (4, 50.0)]


def objects_when_both_are_slow(trial: Trial) -> Outcome:
    """Fail as a simulation does that ends when its check objects: 250 ms after both are slow."""
    begins = [fault.at for fault in trial.faults if fault.kind == "slow"]
    outcome = run_trial(trial)
    if outcome.ok:
        return outcome
    return attrs.evolve(outcome, broken_at={"latency": max(begins) + 0.25})


def test_a_run_ends_when_its_check_has_objected_and_is_not_halved() -> None:
    steps: list[Step] = []
    small = shrink(FAILING, objects_when_both_are_slow, clock=ticking(), on_progress=steps.append)
    assert [(step.name, step.runs, step.best.until) for step in steps[:1]] == [
        ("first cut", 2, 41.0)
    ]
    assert small.trial == shrunk().trial
    assert small.runs == 42


def test_faults_that_only_matter_together_come_sooner_together() -> None:
    """Each of them alone can't: the second must come 3.25 seconds after the first."""

    def one_after_the_other(trial: Trial) -> Outcome:
        begins = [fault.at for fault in trial.faults]
        is_it = len(begins) == 2 and begins[1] - begins[0] == 3.25
        return Outcome({"order": "3.25 s"} if is_it else {})

    trial = Trial("two tiers", faults=[slow("s1", 20.5, 21.5), slow("s2", 23.75, 24.75)])
    small = shrink(trial, one_after_the_other, clock=ticking())
    assert [fault.at for fault in small.trial.faults] == [0.5, 3.75]


def test_where_a_server_must_be_hit_twice_one_fault_that_lasts_does_as_well() -> None:
    def hit_at_ten_and_at_twenty(trial: Trial) -> Outcome:
        hits = [
            any(fault.at <= instant < (fault.until or 0.0) for fault in trial.faults)
            for instant in (10, 20)
        ]
        return Outcome({"twice": "hit"} if all(hits) else {})

    trial = Trial("two tiers", faults=[slow("s1", 9, 11), cut("s2", 13, 15), cut("s1", 19, 21)])
    small = shrink(trial, hit_at_ten_and_at_twenty, clock=ticking())
    (left,) = small.trial.faults
    assert left.at <= 10
    assert (left.until or 0) > 20


def test_another_failure_on_the_way_is_not_taken_for_this_one() -> None:
    faults = [cut("s1", 1, 2), cut("s2", 1, 2), cut("s3", 1, 2), *forty_faults()[-2:]]
    trial = Trial("two tiers", faults=faults)
    assert {*run_trial(trial).violations} == {"latency", "capacity"}
    kinds = {
        check: [fault.kind for fault in shrunk(trial, check=check).trial.faults]
        for check in ("latency", "capacity")
    }
    assert kinds == {"latency": ["slow"] * 2, "capacity": ["partition"] * 3}


def test_a_candidate_without_the_server_that_a_fault_hits_is_no_failure() -> None:
    trial = Trial("two tiers", faults=forty_faults()[-2:], options={"servers": 9})
    assert shrunk(trial).trial.options == {}
    with_six = attrs.evolve(trial, faults=[slow("s2", 0, 9), slow("s6", 0, 9)])
    assert shrunk(with_six).trial.options == {"servers": 6}


def test_an_option_that_switches_something_off_stays_off() -> None:
    """Without it the scenario would do more, not less."""
    trial = attrs.evolve(FAILING, options={"own_faults": False, "extra": 0, "keep": True})
    assert shrunk(trial).trial.options == {"own_faults": False, "extra": 0}


def test_arguments_go_back_to_their_defaults_or_as_far_as_they_can() -> None:
    def only_when_very_slow(trial: Trial) -> Outcome:
        worst = max((float(str(fault.args["x"])) for fault in trial.faults), default=0.0)
        return Outcome({"latency": "slow"} if worst >= 50 else {})

    trial = Trial("two tiers", faults=[slow("s1", 3.7, 9.1, 987.654)])
    small = shrink(trial, only_when_very_slow, clock=ticking())
    (fault,) = small.trial.faults
    assert (fault.at, fault.until, fault.args) == (0.0, 1.0, {"x": 50.0})


def test_a_crash_shrinks_to_one_of_the_same_kind() -> None:
    def crashes(trial: Trial) -> Outcome:
        kinds = {fault.kind for fault in trial.faults}
        if {"slow", "partition"} <= kinds:
            raise ZeroDivisionError("both at once")
        if "slow" in kinds:
            raise KeyError("only one")
        return Outcome()

    trial = Trial("two tiers", faults=forty_faults())
    small = shrink(trial, crashes, clock=ticking())
    assert (small.check, small.says) == ("crashed", "ZeroDivisionError: both at once")
    assert sorted(fault.kind for fault in small.trial.faults) == ["partition", "slow"]


def test_the_budget_of_runs_is_kept_and_the_best_so_far_told() -> None:
    small = shrunk(budget=Budget(runs=10))
    assert (small.runs, small.finished) == (10, False)
    assert len(small.trial.faults) < 40
    assert run_trial(small.trial).violations["latency"] == small.says


def test_the_budget_of_seconds_is_kept_by_the_clock_that_was_handed_in() -> None:
    small = shrink(FAILING, run_trial, clock=ticking(1.0), budget=Budget(seconds=12.5))
    assert (small.runs, small.finished) == (12, False)


def test_after_ctrl_c_the_best_so_far_is_told() -> None:
    def interrupt(step: Step) -> None:
        if step.runs == 14:
            raise KeyboardInterrupt

    small = shrunk(on_progress=interrupt)
    assert (small.runs, small.finished, small.interrupted) == (14, False, True)
    assert len(small.trial.faults) < 40
    assert run_trial(small.trial).violations["latency"] == small.says


def test_ctrl_c_before_it_is_known_that_it_fails_is_no_result() -> None:
    def interrupt(trial: Trial) -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shrink(FAILING, interrupt, clock=ticking())


@pytest.mark.parametrize(
    ("check", "says"),
    [
        (None, "a check should fail with seed 0; those that do: none"),
        ("latency", "'latency' should fail with seed 0; those that do: none"),
    ],
)
def test_a_trial_that_passes_is_refused(check: str | None, says: str) -> None:
    with pytest.raises(DoesNotFail, match=says):
        shrunk(Trial("two tiers"), check=check)


def test_a_failure_of_another_check_is_named_in_the_refusal() -> None:
    with pytest.raises(
        DoesNotFail, match="'capacity' should fail with seed 17; those that do: lat"
    ):
        shrunk(check="capacity")


@given(st.integers(0, 2**32), st.integers(2, 12))
def test_what_is_left_always_fails_and_shrinks_no_further(seed: int, count: int) -> None:
    rng = random.Random(seed)
    faults = [
        slow(f"s{rng.randint(1, 4)}", at := rng.uniform(0, 50), at + rng.uniform(1, 30), 20.0)
        for _ in range(count)
    ]
    trial = Trial("two tiers", faults=faults)
    if run_trial(trial).ok:
        return
    small = shrunk(trial)
    assert run_trial(small.trial).violations["latency"] == small.says
    assert len(small.trial.faults) == 2
    assert shrunk(small.trial).trial == small.trial
