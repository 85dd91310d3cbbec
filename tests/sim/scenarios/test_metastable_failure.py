"""Retries keep an overload alive, unless something bounds them."""

from itertools import islice

import pytest

from tests.scenario_pages import run_once
from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.model.errors import ConfigError
from trio_lb.sim.result import Result
from trio_lb.sim.scenarios.catalogue import find
from trio_lb.sim.scenarios.metastable_failure import configuration


def good_between(result: Result, begin: float, end: float) -> int:
    """Good requests of so many seconds of a run."""
    tally = result.figures().tally
    return sum(islice(tally.columns["good"], tally.grid.index(begin), tally.grid.index(end)))


@pytest.mark.parametrize("seed", [1, 2])
def test_with_the_default_budget_it_recovers_within_twice_the_trigger(seed: int) -> None:
    run_once("metastable-failure", seed=seed).require()


def test_without_a_budget_nothing_is_good_any_more_although_all_servers_are_well() -> None:
    result = run_once("metastable-failure", protected=False)
    assert broken(result) == ["comes_back"]
    assert good_between(result, 0.0, 10.0) > 250
    assert good_between(result, 35.0, 80.0) == 0


def test_against_retries_of_clients_a_limit_of_connections_protects() -> None:
    run_scenario("metastable-failure", options={"by": "clients"}).require()


def test_the_runs_differ_in_what_the_page_says_and_in_nothing_else() -> None:
    on, off = (configuration("balancer", ["s1"], protected=flag) for flag in (True, False))
    assert {key for key in off if on.get(key) != off[key]} == {"retry", "outlier_detection"}
    assert (on["retry"], off["retry"]) == ({"max_retries": 3}, {"max_retries": 3, "budget": False})
    on, off = (configuration("clients", ["s1"], protected=flag) for flag in (True, False))
    assert set(on) ^ set(off) == {"servers", "outlier_detection"}


def test_who_retries_has_two_answers() -> None:
    with pytest.raises(ConfigError, match="'servers' is not 'balancer' or 'clients'"):
        find("metastable-failure").simulation(options={"by": "servers"})
