"""Ten balancers, each with breakers of its own."""

import pytest

from tests.sim.checks.support import Play
from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.breaker_fleet import OnlyTheGuilty, ProbesApart, TrialsRare


@pytest.mark.parametrize("seed", [1, 2])
def test_a_fleet_leaves_a_failing_server_alone_and_takes_it_back(seed: int) -> None:
    result = run_scenario("breaker-fleet", seed=seed).require()
    assert len(result.coverage) == 2


def test_breakers_that_judge_by_a_handful_of_requests_open_everywhere() -> None:
    result = run_scenario("breaker-fleet", protected=False)
    assert {"only_the_guilty", "trials_rare", "probes_apart"} <= set(broken(result))


def test_a_small_fleet_behaves_alike() -> None:
    run_scenario("breaker-fleet", options={"balancers": 3}).require()


def test_the_user_s_own_configuration_runs_ten_times() -> None:
    servers = [{"id": f"b{number}", "address": f"10.7.0.{number}:80"} for number in range(1, 4)]
    balancer = {"backends": servers, "health_check": {"interval": "5s"}}
    result = run_scenario("breaker-fleet", config={"load_balancer": balancer}).require()
    assert result.figures().tally.servers.keys() == {"b1", "b2", "b3"}


def test_a_breaker_may_open_only_where_and_while_somebody_fails() -> None:
    play = Play(OnlyTheGuilty("s1"))
    play.lb(30.0, What.OPEN, "s1", "default", "5 failures", 0)
    play.lb(31.0, What.OPEN, "s2", "default", "chance", 0)
    play.lb(51.5, What.OPEN, "s1", "default", "chance", 0)
    assert play.end() == [
        "the breaker of s2 opened, which did not fail",
        "the breaker of s1 opened, which did not fail",
    ]


def _trials(check: TrialsRare, *instants: float) -> list[str]:
    play = Play(check)
    play.lb(25.0, What.HALF_OPEN, "s1", "default")
    for at in instants:
        play.lb(at, What.SELECT, "s1", "default", 0)
    play.lb(49.0, What.OPEN, "s1", "default", "a trial failed", 0)
    play.lb(49.0, What.SELECT, "s1", "default", 0)
    return play.end()


def test_trials_are_counted_by_the_second_and_in_all() -> None:
    assert _trials(TrialsRare(2, 3), 26.0, 26.5, 27.0) == []
    assert _trials(TrialsRare(1, 2), 26.0, 26.5, 27.5) == [
        "2 trials of s1 within a second, allowed are 1",
        "3 trials while it failed, allowed are 2",
    ]


def test_probes_of_one_server_are_counted_together() -> None:
    play = Play(ProbesApart(1, 0.1, since=10.0))
    for at, server in ((5.0, "s1"), (5.0, "s1"), (20.0, "s1"), (20.0, "s2"), (20.1, "s1")):
        play.tell(at, What.PROBE, server, 200)
    assert play.said == []
    play.tell(20.15, What.PROBE, "s1", 200)
    assert play.end() == ["2 probes within 0.1 s, allowed are 1"]
