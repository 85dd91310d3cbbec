"""A new version goes out, a tenth of the fleet at a time."""

import math
from typing import Any

import pytest

from tests.sim.checks.support import Play, servers, world
from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.rolling_deploy import Climb, SlopeHonoured


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_sees_a_deployment(seed: int) -> None:
    figures = run_scenario("rolling-deploy", seed=seed).require().figures()
    assert figures.success_fraction == 1.0
    assert figures.totals["retries"] == 0


def test_without_drains_requests_die_and_without_slow_start_the_cold_are_flooded() -> None:
    result = run_scenario("rolling-deploy", protected=False)
    assert broken(result) == ["error_rate", "slope_honoured"]


def test_a_user_s_own_three_servers_are_deployed_one_by_one() -> None:
    config = {
        "load_balancer": {
            "algorithm": "round_robin",
            "slow_start": "10s",
            "health_check": {"interval": "2s"},
            "backends": [{"address": f"10.7.0.{n}:8080"} for n in (1, 2, 3)],
        }
    }
    result = run_scenario("rolling-deploy", config=config).require()
    assert len(result.figures().tally.servers) == 3


# ---------------------------------------------------------------------- the slope


def test_a_share_is_a_staircase_of_tenths_below_the_line() -> None:
    climb = Climb(100.0, 20.0)
    seen = [climb.part(100.0 + age) for age in (0.0, 3.9, 4.0, 6.0, 19.9)]
    assert seen == [0.1, 0.1, 0.2, 0.3, 0.9]


def _climb(picks: int, seconds: float | None = None, **pool: Any) -> Play:
    """Let s1 of two servers return, and then be picked so often in 100 picks of its first tenth."""
    check = SlopeHonoured(seconds)
    play = Play(check, world(servers=servers(2), **{"slow_start": 20.0, **pool}))
    play.lb(1.0, What.DRAIN, "s1", "default")
    play.lb(2.0, What.RESUME, "s1", "default")
    for turn in range(100):
        server = "s1" if turn >= 100 - picks else "s2"
        play.lb(2.0 + turn / 100, What.SELECT, server, "default", 0)
    return play


def test_one_of_eleven_picks_is_due_to_who_has_a_tenth_beside_a_whole() -> None:
    assert _climb(9).said == []


def test_more_than_its_share_is_objected_to_at_the_pick_that_was_too_many() -> None:
    play = _climb(16)  # 100 / 11 picks, an eighth more, and three.
    assert play.instants == pytest.approx([2.96, 2.97, 2.98, 2.99])
    assert (
        play.said[-1] == "s1 was picked 16 times in the 0.990 s since it came back, its due is 9.1"
    )


def test_who_is_left_out_while_it_climbs_is_objected_to_at_the_end() -> None:
    play = _climb(0)
    for turn in range(100):
        play.lb(4.0 + 0.1 * turn, What.SELECT, "s2", "default", 0)
    assert play.said == []
    play.lb(22.0, What.SELECT, "s2", "default", 0)
    (text,) = play.said
    assert text.startswith("s1 was picked 0 times in the 20.000 s since it came back, its due is")


@pytest.mark.parametrize(
    "pool",
    [{"slow_start": 0.0}, {"algorithm": "least_connections"}],
    ids=["no slope is configured", "the algorithm looks at load"],
)
def test_nothing_is_judged_where_shares_do_not_decide(pool: dict[str, Any]) -> None:
    assert _climb(100, **pool).said == []


def test_a_slope_that_the_story_asks_for_is_judged_whatever_is_configured() -> None:
    assert _climb(100, seconds=20.0, slow_start=0.0).said != []


def test_who_picks_by_chance_is_given_more_room() -> None:
    most = math.floor(3 + 100 / 11 + 5 * math.sqrt(100 / 11))
    assert _climb(most, algorithm="random").said == []
    assert _climb(most + 1, algorithm="random").said != []
