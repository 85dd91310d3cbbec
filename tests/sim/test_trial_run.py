"""From a trial to its run and back: data in, data out, the same each time."""

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Every
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.happening import Happening, What
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


def takes_nothing() -> Simulation:
    """Who is called with a setup can not be called."""
    raise AssertionError("nobody calls it")


def takes_two(setup: Setup, more: int) -> Simulation:
    """Nobody has the second."""
    raise AssertionError("nobody calls it")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("takes_nothing", "takes () -> trio_lb.sim.simulation.Simulation: too many positional"),
        ("takes_two", "missing a required argument: 'more'"),
    ],
)
def test_a_function_that_does_not_take_the_setup_is_refused(name: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run_trial(Trial(f"{__name__}:{name}"))
    assert str(caught.value).startswith(
        f"{__name__}:{name} is called with a Setup, and its function"
    )
    assert says in str(caught.value)


def overtaken(setup: Setup) -> Simulation:
    """Somebody asks each half second, and a check wants nobody to be the third."""
    sim = small(setup)
    sim.clients("web", OpenLoop(Every(0.5)))

    def third(happening: Happening) -> str | None:
        return "the third" if happening.what is What.DONE and happening.req == 3 else None

    sim.check(third)
    return sim


def test_who_asks_for_one_check_only_hears_what_it_says_in_the_whole_run_without_a_trace() -> None:
    trial = Trial(f"{__name__}:overtaken", until=5, settle=0)
    whole, short = run_trial(trial), run_trial(trial, enough="third")
    assert (short.violations, short.broken_at) == (whole.violations, whole.broken_at)
    assert 1.5 < short.broken_at["third"] < 1.6
    assert short.trace_hash == ""
    assert run_trial(trial, enough="error_rate").violations == whole.violations


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'fleet'"):
        run_trial(Trial("fleat"))


def no_world(setup: Setup) -> object:
    """What somebody writes who forgets the last line."""
    return None


def test_what_returns_no_simulation_is_no_scenario() -> None:
    with pytest.raises(ConfigError, match=r":no_world returned None: a Simulation was expected"):
        run_trial(Trial(f"{__name__}:no_world"))
