"""Servers close idle connections just as the next request leaves."""

import pytest

from tests.sim.checks.support import Play
from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.keep_alive_race import RepeatableUnharmed


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_client_sees_that_its_request_crossed_a_fin(seed: int) -> None:
    figures = run_scenario("keep-alive-race", seed=seed).require().figures()
    assert figures.success_fraction == 1.0


def test_a_timeout_that_no_bound_allows_for_costs_posts_and_nothing_else() -> None:
    result = run_scenario("keep-alive-race", protected=False)
    assert broken(result) == ["error_rate"]
    assert set(result.figures().errors) == {"502"}


def test_a_user_s_own_servers_are_met_just_as_they_close() -> None:
    config = {
        "load_balancer": {
            "algorithm": "least_connections",
            "backends": [{"address": f"10.7.0.{n}:8080"} for n in (1, 2, 3)],
            "timeouts": {"upstream_keep_alive": "60s"},
            "retry": {"max_retries": 0},
        }
    }
    run_scenario("keep-alive-race", config=config).require()


def _end(method: str, good: int) -> list[str]:
    play = Play(RepeatableUnharmed())
    play.tell(1.0, What.ARRIVE, "web", method, req=7)
    play.tell(2.0, What.DONE, "web", good, 1, 10**9, "" if good else "502", req=7)
    return play.end()


def test_the_failure_of_a_get_is_objected_to() -> None:
    assert _end("GET", 0) == ["it may be repeated, and failed: 502"]


@pytest.mark.parametrize(("method", "good"), [("GET", 1), ("POST", 0), ("POST", 1)])
def test_nothing_else_is(method: str, good: int) -> None:
    assert _end(method, good) == []
