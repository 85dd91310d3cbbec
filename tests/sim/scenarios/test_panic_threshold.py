"""Every health check fails at once."""

import pytest

from tests.sim.checks.support import Play
from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.panic_threshold import EverybodyServes


@pytest.mark.parametrize("how", ["failing", "silence"])
@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_notices_that_every_health_check_fails(seed: int, how: str) -> None:
    result = run_scenario("panic-threshold", seed=seed, options={"how": how}).require()
    assert result.figures().success_fraction == 1.0


@pytest.mark.parametrize("how", ["failing", "silence"])
def test_whoever_believes_the_checks_has_no_server_left(how: str) -> None:
    result = run_scenario("panic-threshold", protected=False, options={"how": how})
    assert broken(result) == ["error_rate"]
    assert set(result.figures().errors) == {"503"}


def test_servers_of_the_user_s_own_go_on_serving_too() -> None:
    config = {
        "load_balancer": {
            "algorithm": "least_connections",
            "backends": [
                {"id": "large", "address": "10.7.0.1:8080", "weight": 3},
                {"id": "small", "address": "10.7.0.2:8080"},
            ],
            "health_check": {"interval": "5s"},
        }
    }
    result = run_scenario("panic-threshold", config=config).require()
    assert set(result.figures().tally.servers) == {"large", "small"}


def _told(large: int, small: int) -> list[str]:
    """Let two servers be asked 60 and 30 times, and so often while fail-open is in force."""
    play = Play(EverybodyServes())
    for server in ["large"] * 60 + ["small"] * 30:
        play.tell(1.0, What.TAKE, server, "GET", 0, 0)
    play.lb(2.0, What.FAIL_OPEN, "default", "all failed")
    for server in ["large"] * large + ["small"] * small:
        play.tell(3.0, What.TAKE, server, "GET", 0, 0)
    play.lb(4.0, What.FAIL_CLOSED, "default")
    play.tell(5.0, What.TAKE, "large", "GET", 0, 0)
    return play.end()


def test_half_of_the_old_share_is_enough() -> None:
    assert _told(large=100, small=20) == []


def test_less_than_half_of_the_old_share_is_objected_to() -> None:
    assert _told(large=101, small=19) == [
        "19 requests while fail-open was in force; its old share is 40"
    ]


def test_a_few_requests_prove_nothing() -> None:
    assert _told(large=57, small=0) == []
