"""From a trial to its run and back: data in, data out, the same each time."""

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.scenario import Setup
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.trial_run import as_certain, run_trial, run_whole

LATE = Fault(2.0, "latency", Target(Sort.LINK, ("lb", "s1")), 4.0)


def small(setup: Setup) -> Simulation:
    """A user's own scenario."""
    sim = setup.simulation()
    sim.server("s1")
    sim.balancer()
    return sim


def test_the_same_trial_gives_the_same_outcome() -> None:
    trial = Trial("fleet", seed=3, until=10, settle=5, faults=(LATE,))
    first, second = run_trial(trial), run_trial(trial)
    assert first == second
    assert first.ok
    assert first.trace_hash != run_trial(Trial("fleet", seed=4, until=10, settle=5)).trace_hash


def test_a_scenario_s_own_faults_can_be_written_into_the_trial() -> None:
    trial = Trial("zone-partition", seed=1, until=25, settle=5, options={"rate": 10.0})
    result = run_whole(trial)
    certain = as_certain(trial, result)
    assert [fault.kind for fault in certain.faults] == ["partition"]
    assert run_trial(certain).trace_hash == result.trace_hash
    assert run_trial(Trial.from_data(certain.to_data())).trace_hash == result.trace_hash


def test_a_user_s_own_scenario_is_named_by_its_function() -> None:
    assert run_trial(Trial(f"{__name__}:small", until=5)).ok


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'fleet'"):
        run_trial(Trial("fleat"))


def no_world(setup: Setup) -> object:
    """What somebody writes who forgets the last line."""
    return None


def test_what_returns_no_simulation_is_no_scenario() -> None:
    with pytest.raises(ConfigError, match=r":no_world returned None: a Simulation was expected"):
        run_trial(Trial(f"{__name__}:no_world"))
