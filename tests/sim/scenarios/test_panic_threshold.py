"""Every health check fails at once."""

import pytest

from tests.sim.checks.support import Play, servers, world
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


def test_who_is_no_part_of_a_zone_s_fail_open_is_not_compared() -> None:
    west, east = servers(2, zone="eu-1"), servers(3, zone="eu-2")[2:]
    play = Play(EverybodyServes(), world(servers=(*west, *east)))
    for server in ["s1", "s2", "s3"] * 40:
        play.tell(1.0, What.TAKE, server, "GET", 0, 0)
    reason = "all 2 good servers of zone 'eu-1' failed their checks together"
    play.lb(2.0, What.FAIL_OPEN, "default", reason)
    for server in ["s1"] * 100 + ["s2"] * 24:
        play.tell(3.0, What.TAKE, server, "GET", 0, 0)
    assert play.end() == ["24 requests while fail-open was in force; its old share is 62"]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("backup", [True, False])
@pytest.mark.parametrize("how", ["failing", "silence"])
def test_zones_and_a_backup_are_no_reason_to_object(how: str, backup: bool, seed: int) -> None:
    zones = ("eu-1", "eu-2", "eu-1", "eu-2")
    config = {
        "load_balancer": {
            "health_check": {"interval": "2s"},
            "backends": [
                {"id": f"web{n}", "address": f"10.7.0.{n}:80", "zone": zone, "backup": n > 3}
                for n, zone in enumerate(zones[: 4 if backup else 3], 1)
            ],
        }
    }
    options = {"how": how}
    result = run_scenario("panic-threshold", config=config, seed=seed, options=options).require()
    assert result.figures().success_fraction > 0.99
