"""Some requests kill each server that takes them."""

import pytest

from tests.sim.checks.support import Play
from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.poison_request import POISONER, FewDie


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_servers_die_of_a_request_and_the_fleet_lives(seed: int) -> None:
    result = run_scenario("poison-request", seed=seed).require()
    (few_die,) = [each for each in result.verdicts if each.name == "few_die"]
    assert few_die.found == "2"
    assert result.figures().success_fraction > 0.99


def test_with_ten_retries_a_request_wanders_through_the_fleet() -> None:
    result = run_scenario("poison-request", protected=False)
    assert {"few_die", "error_rate"} <= set(broken(result))
    assert result.figures().totals["nobody"] > 100, "for a while there was no server at all"


def test_each_retry_costs_one_server_more() -> None:
    result = run_scenario("poison-request", options={"retries": 2})
    assert "few_die" in broken(result)
    (few_die,) = [each for each in result.verdicts if each.name == "few_die"]
    assert few_die.found == "3"


def test_servers_of_the_user_s_own_die_and_come_back() -> None:
    servers = [{"id": f"b{number}", "address": f"10.7.0.{number}:80"} for number in range(1, 7)]
    balancer = {"backends": servers, "retry": {"max_retries": 1}}
    run_scenario("poison-request", config={"load_balancer": balancer}).require()


def test_a_server_counts_once_for_each_request_that_it_died_of() -> None:
    play = Play(FewDie(most=1))
    for req, who in ((1, POISONER), (2, POISONER), (3, "web")):
        play.tell(1.0, What.ARRIVE, who, "GET", req=req)
    for req, server in ((1, "s1"), (1, "s1"), (2, "s2"), (3, "s1"), (3, "s2")):
        play.tell(2.0, What.TAKE, server, "GET", 0, 0, req=req)
    assert play.said == []
    play.tell(3.0, What.TAKE, "s2", "GET", 0, 0, req=1)
    assert play.end() == ["it killed s1, s2; allowed are 1 servers"]
