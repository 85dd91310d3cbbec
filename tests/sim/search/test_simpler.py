"""Simpler trials: less in a measure that has a least value, so that every descent ends."""

from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.faults.support import faults
from tests.sim.search.support import cut, slow
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.search.simpler import (
    all_earlier,
    is_broken_within,
    joined,
    replaced,
    simpler_durations,
    simpler_numbers,
    simpler_options,
    until_broken,
    ways_of,
    with_options,
)
from trio_lb.sim.search.trial import Trial

finite = st.floats(-1e12, 1e12)


def simpler_faults(trial: Trial) -> Iterator[Trial]:
    """Yield the trial with one fault simpler in one way."""
    for fault in trial.faults:
        for way in ways_of(fault):
            yield from (replaced(trial, fault, simpler) for simpler in way(fault))


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


@pytest.mark.parametrize(
    ("broken_at", "until", "settle"),
    [
        (36.349, 37.0, 0.0),  # Nothing that comes later can matter.
        (36.0, 37.0, 0.0),  # At the very instant of the end it might come too late.
        (59.5, 60.0, 0.0),
        (60.017, 60.0, 1.0),
        (69.9, 60.0, 10.0),
        (70.5, 60.0, 10.0),  # Clients were leaving: who knows how long it takes until then?
        (None, 60.0, 10.0),
    ],
)
def test_a_run_can_be_over_when_its_check_has_objected(
    broken_at: float | None, until: float, settle: float
) -> None:
    trial = Trial("x", faults=[slow("s1", 30, 50), cut("s2", 55, 56)], until=60, settle=10)
    left = until_broken(trial, broken_at)
    assert (left.until, left.settle) == (until, settle)
    assert len(left.faults) == (1 if until < 55 else 2)
    assert is_broken_within(trial, broken_at) == (left != trial or broken_at == 69.9)


def test_less_time_than_until_the_check_objected_is_not_tried() -> None:
    trial = Trial("x", until=60, settle=10)
    assert [each.until for each in simpler_durations(trial, 36.3)] == [37.0]
    assert list(simpler_durations(attrs.evolve(trial, until=37, settle=0), 36.3)) == []
    in_peace = [(each.until, each.settle) for each in simpler_durations(trial, 62.5)]
    assert in_peace[:2] == [(60.0, 3.0), (30.0, 10.0)]


def test_all_faults_come_sooner_and_stay_as_far_apart() -> None:
    trial = Trial("x", faults=[slow("s1", 9.125, 11.5), cut("s2", 12, 13)])
    assert [[(fault.at, fault.until) for fault in each.faults] for each in all_earlier(trial)] == [
        [(0.125, 2.5), (3.0, 4.0)],
        [(1.125, 3.5), (4.0, 5.0)],
        [(5.125, 7.5), (8.0, 9.0)],
    ]


def test_two_faults_of_the_same_server_become_one_that_lasts_as_long_as_both() -> None:
    first, second = slow("s1", 1, 2, 30.0), cut("s1", 4, 6)
    other, brief = slow("s2", 3, 5), Fault(5.0, "reset", Target(Sort.SERVER, ("s2",)))
    trial = Trial("x", faults=[first, other, second, brief])
    assert [each.faults for each in joined(trial)] == [
        (attrs.evolve(first, until=6.0), other, brief),
        (attrs.evolve(second, at=1.0), other, brief),
    ]


@given(st.lists(faults(), max_size=5))
def test_joining_leaves_one_fault_less_and_nothing_comes_later_or_ends_sooner(
    several: list[Fault],
) -> None:
    trial = Trial("x", faults=several)
    for each in joined(trial):
        assert len(each.faults) == len(several) - 1
        assert {fault.kind for fault in each.faults} <= {fault.kind for fault in several}


@pytest.mark.parametrize("faults", [[], [slow("s1", 0.9, 3)]])
def test_what_comes_in_the_first_second_comes_no_sooner(faults: list[Fault]) -> None:
    assert list(all_earlier(Trial("x", faults=faults))) == []


@given(st.lists(faults(), max_size=3))
def test_coming_sooner_comes_to_an_end(several: list[Fault]) -> None:
    trial, sooner = Trial("x", faults=several), list(all_earlier(Trial("x", faults=several)))
    for _ in range(10_000):
        if not sooner:
            break
        trial = sooner[-1]
        sooner = list(all_earlier(trial))
    assert min((fault.at for fault in trial.faults), default=0.0) < 1.0


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
