"""A failure made small: the same failure, fewer faults, a test that reproduces it."""

from pathlib import Path

import pytest

from tests.cli import stories
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.search.explore import Finding, explore
from trio_lb.sim.search.shrink import Budget, Step
from trio_lb.sim.search.trial import Outcome, Trial
from trio_lb.sim.sweep.failure import apart, made_small
from trio_lb.sim.trial_run import run_trial

ODD = Trial(f"{stories.__name__}:odd", seed=1, until=4, settle=2)


def finding_of(trial: Trial) -> Finding:
    (found,) = explore([trial], run_trial, processes=1).findings
    return found


def test_the_fault_that_matters_is_left_and_the_test_fails_as_the_run_did() -> None:
    steps: list[Step] = []
    small = made_small(finding_of(ODD), on_progress=steps.append)
    assert small is not None
    assert [fault.kind for fault in small.before.faults] == ["latency", "crash"]
    assert [fault.kind for fault in small.shrunk.trial.faults] == ["crash"]
    assert small.shrunk.check == "no_crash"
    assert small.shrunk.runs == steps[-1].runs
    assert small.test.count("\n") < 20
    namespace: dict[str, object] = {}
    exec(compile(small.test, "test_emitted.py", "exec"), namespace)
    test = namespace["test_no_crash_of_odd_with_seed_1"]
    assert callable(test)
    with pytest.raises(AssertionError):
        test()


def test_a_budget_is_kept() -> None:
    small = made_small(finding_of(ODD), budget=Budget(runs=3))
    assert small is not None
    assert (small.shrunk.runs, small.shrunk.finished) == (3, False)


def test_a_run_that_takes_its_process_with_it_is_made_small_from_outside() -> None:
    trial = Trial(f"{stories.__name__}:dying", seed=2, until=2, settle=1)
    small = made_small(finding_of(trial))
    assert small is not None
    assert (small.shrunk.trial.until, small.shrunk.trial.settle) == (1.0, 0.0)
    assert small.shrunk.says == "its process ended with exit code 9"


def test_what_does_not_happen_again_is_not_made_small() -> None:
    held = Trial(f"{stories.__name__}:calm", until=1, settle=0)
    assert made_small(Finding(held, Outcome({"no_crash": "once"}))) is None


def test_a_crash_says_first_what_it_is() -> None:
    trial = Trial(f"{stories.__name__}:crashing", seed=3, until=1, settle=0)
    assert apart(trial).violations["crashed"].startswith("CheckCrashed: the check 'my_check' ")


def test_a_difference_of_twins_is_made_small_by_twins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[3])
    trial = Trial(f"{stories.__name__}:hashing", until=2, settle=0, faults=[
        Fault(1.5, "crash", Target(Sort.SERVER, ("s1",)), 2.0)
    ])  # fmt: skip
    outcome = Outcome({"twins": "two runs, two traces"})
    small = made_small(Finding(trial, outcome), budget=Budget(runs=6))
    assert small is not None
    assert (small.test, small.shrunk.check) == ("", "twins")
    assert small.shrunk.trial.faults == ()
