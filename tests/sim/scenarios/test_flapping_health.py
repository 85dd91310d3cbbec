"""A health endpoint flaps."""

import pytest

from tests.scenario_pages import run_once
from tests.sim.checks.support import Play
from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.flapping_health import Changes, Oscillation


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_is_impressed(seed: int) -> None:
    run_once("flapping-health", seed=seed).require()


def test_nor_if_it_flaps_more_slowly_than_probes_come() -> None:
    run_scenario("flapping-health", options={"period": 3.0}).require()


def test_who_believes_every_probe_moves_the_load_about() -> None:
    found = broken(run_once("flapping-health", protected=False))
    assert {"oscillation", "health_changes"} <= set(found)


def test_changes_of_one_server_count_from_the_first_lie_on() -> None:
    check = Changes("s1", most=1)
    play = Play(check)
    play.lb(1.0, What.HEALTH, "s1", "default", 1, "x")
    play.lb(21.0, What.HEALTH, "s2", "default", 0, "x")
    play.lb(22.0, What.HEALTH, "s1", "default", 0, "x")
    assert play.said == []
    play.lb(23.0, What.HEALTH, "s1", "default", 1, "x")
    play.lb(24.0, What.HEALTH, "s1", "default", 0, "x")
    assert play.end() == ["its health has changed more than 1 times"]
    assert check.found == "3"


def test_a_server_that_is_left_out_for_a_while_oscillates() -> None:
    check = Oscillation(0.2)
    play = Play(check)
    for second in range(20, 80):
        play.tell(float(second), What.TAKE, "s1", "GET", 0, 0)
        if not 40 <= second < 44:
            play.tell(second + 0.5, What.TAKE, "s2", "GET", 0, 0)
    assert play.end() == ["load differs by 100.0% from the mean in 4 s"]
    assert (play.instants, check.found) == ([40.0], "100.0%")
