"""From a trial, which is data, to a run: what every process that searches calls.

``run_trial`` is named by ``trio_lb.sim.trial_run:run_trial``, also in the tests that a search
writes down.
"""

import inspect
from typing import Any

import attrs

from trio_lb.model.errors import ConfigError
from trio_lb.sim.result import Result
from trio_lb.sim.scenario import OWN_FAULTS, PROTECTED, Scenario
from trio_lb.sim.scenarios.catalogue import find
from trio_lb.sim.search.trial import Outcome, Trial, load
from trio_lb.sim.simulation import Simulation

RUN_NAME = "trio_lb.sim.trial_run:run_trial"


def simulation_of(trial: Trial) -> Simulation:
    """Return the world of a trial, with its faults.

    Raises:
      ConfigError: there is no such scenario, or it refuses what the trial says.
    """
    options = dict(trial.options)
    own_faults, protected = options.pop(OWN_FAULTS, True), bool(options.pop(PROTECTED, True))
    scenario = scenario_of(trial.scenario)
    _require_taker(scenario)
    sim = scenario.simulation(
        seed=trial.seed,
        schedule=trial.schedule,
        config=trial.config,
        protected=protected,
        options=options,
    )
    if not isinstance(sim, Simulation):
        raise ConfigError(f"{trial.scenario} returned {sim!r}: a Simulation was expected")
    if not own_faults:
        sim.schedules.clear()
    sim.faults(list(trial.faults))
    # Whoever asks for less of a scenario than there is may well ask for what is before its faults.
    sim.may_cut_faults = trial.until < scenario.until
    sim.trial = trial.text
    return sim


def _require_taker(scenario: Scenario) -> None:
    """Look whether the function can be called at all, before an error of its own may seem so.

    Raises:
      ConfigError: it does not take the setup, and nothing else.
    """
    try:
        signature = inspect.signature(scenario.build)
    except ValueError:  # One that is written in C may not say.
        return
    try:
        signature.bind(None)
    except TypeError as error:
        raise ConfigError(
            f"{scenario.name} is called with a Setup, and its function takes {signature}: {error}"
        ) from None


def scenario_of(name: str) -> Scenario:
    """Return a scenario of the catalogue, or one of the user's own (``module:function``).

    Such a function takes a ``Setup`` and returns a ``Simulation``.
    """
    if ":" not in name:
        return find(name)
    build: Any = load(name)
    return Scenario(name, "", build, until=60.0) if not isinstance(build, Scenario) else build


def run_whole(trial: Trial, **options: Any) -> Result:
    """Run a trial and return all that came of it; ``options`` are those of ``Simulation.run``."""
    return simulation_of(trial).run(trial.until, settle=trial.settle, **options)


def run_trial(trial: Trial, *, enough: str = "") -> Outcome:
    """Run a trial for somebody who only wants to know what came of it.

    Who asks for one check only says so with ``enough``: the run ends when it objects.
    """
    result = run_whole(trial, tally=False, trace=not enough, enough=enough)
    return outcome_of(result)


def outcome_of(result: Result) -> Outcome:
    """Return a result as data for another process."""
    asked = {} if result.requests is None else {"requests": result.requests}
    return Outcome(
        violations={each.check: str(each) for each in result.violations},
        trace_hash=result.trace_hash,
        digest={"happenings": result.happenings} | asked,
        coverage=tuple(point.name for point in result.coverage if point.at is not None),
        broken_at=result.broken_at,
    )


def as_certain(trial: Trial, result: Result) -> Trial:
    """Return the trial that names each fault that came, and leaves nothing to the scenario.

    It is the same run, and one that can be shrunk.
    """
    options = {**trial.options, OWN_FAULTS: False}
    return attrs.evolve(trial, faults=result.faults, options=options)
