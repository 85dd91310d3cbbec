"""The trials of a sweep: each seed has its own, always the same."""

from pathlib import Path

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.sweep.faults_file import FaultsFile
from trio_lb.sim.sweep.trials import Swarm, Sweep
from trio_lb.sim.trial_run import simulation_of

BASE = Trial("zone-partition", seed=5, until=60, settle=1)


def test_a_plain_sweep_changes_only_the_seed() -> None:
    sweep = Sweep(BASE, 3)
    assert len(sweep) == 3
    assert [trial.seed for trial in sweep] == [5, 6, 7]
    assert sweep.first == BASE


def test_a_swarm_is_drawn_from_the_seed_and_joins_the_scenario_s_own_faults() -> None:
    sweep = Sweep(BASE, 3, swarm=Swarm())
    trials = list(sweep)
    assert trials == list(sweep)
    assert trials[0].faults != trials[1].faults
    assert all(trial.faults for trial in trials)
    assert len(simulation_of(trials[0]).schedules) == 2, "its own, and the drawn ones"


def test_a_harsh_swarm_is_another_one() -> None:
    mild, harsh = (Sweep(BASE, 1, swarm=Swarm(harsh=each)).first for each in (False, True))
    assert mild.faults != harsh.faults


def test_a_file_s_faults_stand_instead_of_the_scenario_s(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("- {every: {poisson: 5s}, kind: crash, target: {random: servers}, for: 1s}\n")
    sweep = Sweep(BASE, 2, FaultsFile.read(str(path)))
    first, second = sweep
    assert {fault.kind for fault in first.faults} == {"crash"}
    assert first.faults != second.faults
    (only,) = simulation_of(first).schedules
    assert len(only.entries) == len(first.faults)


def test_a_trial_of_a_sweep_is_the_same_as_data(tmp_path: Path) -> None:
    trial = Sweep(BASE, swarm=Swarm()).first
    assert Trial.from_data(trial.to_data()) == trial


def test_what_the_scenario_refuses_is_refused_when_a_trial_is_made() -> None:
    with pytest.raises(ConfigError, match="did you mean 'fleet'"):
        _ = Sweep(Trial("fleat"), swarm=Swarm()).first
