"""One server is slow and says that it is well."""

import pytest

from tests.scenario_pages import run_once
from tests.sim.scenarios.support import broken


@pytest.mark.parametrize("seed", [1, 2])
def test_who_looks_at_latency_leaves_it_alone(seed: int) -> None:
    result = run_once("gray-failure", seed=seed).require()
    assert result.figures().success_fraction == 1.0


def test_who_takes_turns_sends_it_a_tenth() -> None:
    assert broken(run_once("gray-failure", protected=False)) == ["share_during", "slower_during"]
