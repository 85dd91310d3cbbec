"""A trial is data: it goes through JSON and between processes, and refuses what is not certain."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.faults.support import faults
from tests.sim.search import support
from tests.sim.search.support import run_trial, slow
from trio_lb.model.errors import ConfigError
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.faults.fluent import (
    Partition,
    Slow,
    at,
    during,
    every,
    random_of,
    schedule,
)
from trio_lb.sim.search.trial import Outcome, Trial, attempt, certain_faults, load, name_of

TRIAL = Trial("retry storm", seed=7, faults=[slow("s1", 1, 2)], options={"servers": 3})


def test_what_is_as_by_default_is_not_written() -> None:
    assert Trial("retry storm").to_data() == {"scenario": "retry storm"}
    assert TRIAL.to_data() == {
        "scenario": "retry storm",
        "seed": 7,
        "faults": [
            {"at": 1.0, "kind": "slow", "target": "server:s1", "until": 2.0, "args": {"x": 10.0}}
        ],
        "options": {"servers": 3},
    }


@given(
    st.builds(
        Trial,
        st.text(),
        seed=st.integers(0, 2**64),
        schedule=st.sampled_from(["fifo", "shuffle:3"]),
        config=st.one_of(st.none(), st.text(), st.just({"pools": {}})),
        faults=st.lists(faults(), max_size=4),
        until=st.floats(1e-6, 1e9),
        settle=st.floats(0, 1e9),
        options=st.dictionaries(st.text(), st.integers() | st.booleans()),
    )
)
def test_a_trial_comes_back_from_json_and_from_another_process(trial: Trial) -> None:
    assert Trial.from_data(json.loads(trial.text)) == trial
    assert pickle.loads(pickle.dumps(trial)) == trial


def test_an_outcome_comes_back_from_json() -> None:
    outcome = Outcome({"leak": "one is open"}, "ab12", {"requests": 7.0}, ("panic",), {"leak": 7.5})
    assert Outcome(**json.loads(json.dumps(outcome.to_data()))) == outcome
    assert (outcome.ok, Outcome().ok) == (False, True)


def test_faults_stand_by_instant_however_they_came() -> None:
    two = [slow("s2", 5, 6), slow("s1", 1, 2)]
    assert Trial("x", faults=two).faults == (two[1], two[0])
    assert Trial("x", faults=[each.to_data() for each in two]).faults == (two[1], two[0])


def test_fluent_words_that_leave_nothing_open_are_faults() -> None:
    words = schedule(
        during(1, 2, Slow("server:s1", x=20)), at("1m", Partition("lb", "s2", for_="2s"))
    )
    assert [(each.kind, each.at, each.until) for each in certain_faults(words)] == [
        ("slow", 1.0, 2.0),
        ("partition", 60.0, 62.0),
    ]


@pytest.mark.parametrize(
    ("timed", "what"),
    [
        (at(1, Slow(random_of("servers"), for_=1)), "whom it hits"),
        (at(1, Slow("zone:a", for_=1)), "whom it hits"),
        (every(Poisson(1 / 9), Slow("server:s1", for_=1)), "when it comes"),
    ],
)
def test_a_schedule_that_leaves_something_open_is_refused(timed: object, what: str) -> None:
    with pytest.raises(ConfigError, match=rf"\[0\]: leaves open {what}: a trial holds what"):
        Trial("x", faults=schedule(timed))  # type: ignore[arg-type] # Timed, by the table above.


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_duration_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigError, match=r"until: .* is not > 0"):
        Trial("x", until=seconds)


def test_a_run_has_a_length_and_the_peace_after_it_may_have_none() -> None:
    assert Trial("x", settle=0).settle == 0.0
    with pytest.raises(ConfigError, match=r"until: 0.0 is not > 0"):
        Trial("x", until=0)


def test_what_a_run_raises_is_an_outcome_but_for_a_trial_that_makes_no_sense() -> None:
    def run(trial: Trial) -> Outcome:
        raise ConfigError("no such server") if trial.seed else ValueError("oh")

    assert attempt(Trial("x"), run).violations == {"crashed": "ValueError: oh"}
    with pytest.raises(ConfigError, match="no such server"):
        attempt(Trial("x", seed=1), run)


def test_keys_that_are_unknown_or_missing_are_all_named() -> None:
    with pytest.raises(ConfigError) as caught:
        Trial.from_data({"sead": 7})
    assert [problem.path for problem in caught.value.problems] == ["sead", "scenario"]


def test_a_function_is_found_by_the_name_that_it_has() -> None:
    name = "tests.sim.search.support:run_trial"
    assert name_of(run_trial) == name
    assert load(name) is run_trial


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("support", "not of the form package.module:function"),
        ("tests.nowhere:run", "can't be loaded: No module named 'tests.nowhere'"),
        ("tests.sim.search.support:nothing", "can't be loaded: .* has no attribute 'nothing'"),
        (f"{support.__name__}:__name__", "is a str, not a function"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(name: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(name)


def test_a_function_within_another_has_no_name_for_other_processes() -> None:
    with pytest.raises(ConfigError, match="another process can't find it"):
        name_of(lambda trial: Outcome())
