"""Clients retry what the balancer has retried."""

import pytest

from tests.scenario_pages import run_once
from tests.sim.checks.support import Play
from tests.sim.scenarios.support import broken
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.retry_storm import Amplification


@pytest.mark.parametrize("seed", [1, 2])
def test_the_budget_keeps_the_balancer_from_joining_in(seed: int) -> None:
    run_once("retry-storm", seed=seed).require()


def test_without_it_each_try_of_a_client_becomes_up_to_three() -> None:
    with_it, without = (run_once("retry-storm", protected=flag) for flag in (True, False))
    assert broken(without) == ["amplification"]
    assert without.figures().totals["retries"] > 5 * with_it.figures().totals["retries"]


@pytest.mark.parametrize(("retries", "is_broken"), [(50, False), (51, True)])
def test_a_fifth_of_the_requests_and_three_a_second_are_allowed(
    retries: int, is_broken: bool
) -> None:
    check = Amplification()
    play = Play(check)
    for number in range(100 + retries):
        if number < 100:
            play.lb(10.0 + number / 20, What.START, f"r{number}")
        play.lb(10.0 + number / 20, What.SELECT, "s1", "default", 0)
    assert bool(play.end()) is is_broken
    assert check.found == f"{1 + retries / 100:.2f} in the worst 10 s"
