"""Simpler trials: less in a measure that has a least value, so that every descent ends."""

import attrs
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.faults.support import faults
from tests.sim.search.support import cut, slow
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.search.simpler import (
    simpler_durations,
    simpler_faults,
    simpler_numbers,
    simpler_options,
    with_options,
)
from trio_lb.sim.search.trial import Trial

finite = st.floats(-1e12, 1e12)


def test_the_goal_comes_first_then_rounder_numbers_then_those_between() -> None:
    assert list(simpler_numbers(31.41592, 0.0))[:6] == [0.0, 31.0, 31.4, 31.42, 31.416, 16.0]
    assert list(simpler_numbers(8, 1)) == [1, 4, 6, 7]
    assert list(simpler_numbers(1, 1)) == []


@given(finite, finite)
def test_every_descent_ends_at_the_goal(number: float, goal: float) -> None:
    """Whoever takes the last, the least of the steps, gets there all the same."""
    for _ in range(10_000):
        steps = list(simpler_numbers(number, goal))
        if not steps:
            break
        number = steps[-1]
    assert number == goal


def test_whole_numbers_stay_whole() -> None:
    assert {type(each) for each in simpler_numbers(1000, 7)} == {int}


def test_a_shorter_run_leaves_out_what_would_begin_after_its_end() -> None:
    trial = Trial("x", faults=[slow("s1", 1, 2), cut("s2", 30, 40)], until=60, settle=0)
    assert [(each.until, len(each.faults)) for each in simpler_durations(trial)][:2] == [
        (30.0, 1),
        (45.0, 2),
    ]


def test_the_settling_time_goes_to_nothing_first() -> None:
    trial = Trial("x", until=60, settle=8.5)
    settles = [each.settle for each in simpler_durations(trial) if each.until == 60]
    assert settles[:2] == [0.0, 8.0]


def test_options_are_left_out_or_get_smaller_by_what_they_are() -> None:
    trial = Trial("x", options={"servers": 3, "names": ["a", "b", "c"], "fast": True})
    assert with_options(trial, ["fast"]).options == {"fast": True}
    changed = [
        {name: value for name, value in each.options.items() if value != trial.options[name]}
        for each in simpler_options(trial)
    ]
    assert changed == [
        {"servers": 1},
        {"servers": 2},
        {"names": ["a"]},
        {"names": ["b", "c"]},
        {"names": ["b", "c"]},
        {"names": ["a", "c"]},
        {"names": ["a", "b"]},
    ]


def test_a_mapping_among_the_options_loses_its_keys_one_by_one() -> None:
    trial = Trial("x", options={"zones": {"a": 1, "b": 2}})
    assert [each.options["zones"] for each in simpler_options(trial)] == [{"b": 2}, {"a": 1}]


def test_a_fault_moves_as_a_whole_and_then_lasts_for_less() -> None:
    trial = Trial("x", faults=[slow("s1", 7.0, 9.0)])
    times = [(each.faults[0].at, each.faults[0].until) for each in simpler_faults(trial)]
    assert (times[0], times[1]) == ((0.0, 2.0), (4.0, 6.0))
    assert (7.0, 8.0) in times
    assert (7.0, 7.0) not in times


def test_a_fault_that_never_ends_gets_no_end() -> None:
    trial = Trial("x", faults=[Fault(5, "refuse", Target(Sort.SERVER, ("s1",)))])
    assert {each.faults[0].until for each in simpler_faults(trial)} == {None}


def test_a_flag_goes_back_to_its_default_and_nowhere_else() -> None:
    dies = Fault(0.0, "crash", Target(Sort.SERVER, ("s1",)), 1.0, {"fin": True})
    trials = list(simpler_faults(Trial("storm", faults=[dies])))
    assert [each.args for trial in trials for each in trial.faults] == [{"fin": False}]


def test_text_goes_back_to_its_default() -> None:
    one_way = attrs.evolve(cut("s1", 0, 1), args={"way": "there"})
    ways = [each.faults[0].args["way"] for each in simpler_faults(Trial("x", faults=[one_way]))]
    assert ways[0] == "both"


@given(st.lists(faults(), min_size=1, max_size=3))
def test_what_is_simpler_is_legal_and_hits_the_same(several: list[Fault]) -> None:
    trial = Trial("x", faults=several)
    whom = sorted((fault.kind, str(fault.target)) for fault in several)
    for simpler in simpler_faults(trial):
        assert simpler != trial
        assert sorted((fault.kind, str(fault.target)) for fault in simpler.faults) == whom
