"""A box in the middle forgets idle connections."""

import pytest

from tests.sim.checks.support import Play
from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.silent_nat_drop import FoundSoon, LostOnce, PoolPurged


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whoever_is_sent_into_a_hole_waits_for_one_attempt_and_is_answered(seed: int) -> None:
    figures = run_scenario("silent-nat-drop", seed=seed).require().figures()
    assert figures.success_fraction == 1.0
    assert figures.totals["retries"] >= 10, "holes were met"
    assert 1.0e9 <= figures.latency.most <= 1.1e9, "one attempt's time, and an answer"


def test_connections_that_are_closed_before_the_box_forgets_them_are_no_holes() -> None:
    """So it is with the product's own ``upstream_keep_alive``."""
    result = run_scenario("silent-nat-drop", options={"keep_alive": 4.0}).require()
    assert result.figures().totals["retries"] == 0


def test_with_a_long_patience_and_no_retry_clients_wait_for_half_a_minute_and_fail() -> None:
    result = run_scenario("silent-nat-drop", protected=False)
    assert set(broken(result)) == {"found_soon", "error_rate", "pool_purged"}
    assert set(result.figures().errors) == {"504"}


def test_the_user_s_own_configuration_is_judged_by_the_same_story() -> None:
    config = {"load_balancer": {"backends": ["10.7.0.1:80", "10.7.0.2:80"]}}
    result = run_scenario("silent-nat-drop", config=config).require()
    assert result.figures().success_fraction == 1.0


def _lost(check: FoundSoon | LostOnce | PoolPurged, *tries: tuple[int, float, float]) -> list[str]:
    """Let tries (request, from when, to when) be lost on their way to s1."""
    play = Play(check)
    begins = [(begin, req, What.SELECT) for req, begin, _ in tries]
    ends = [(end, req, What.RETRY) for req, _, end in tries]
    for at, req, what in sorted(begins + ends, key=lambda each: each[0]):
        play.lb(at, what, "s1", "default", 1, "no answer in time", 0, req=req)
    return play.end()


def test_a_try_that_was_taken_is_not_lost() -> None:
    play = Play(FoundSoon(1.0))
    play.lb(0.0, What.SELECT, "s1", "default", 0, req=1)
    play.tell(0.1, What.TAKE, "s1", "GET", 0, 0, req=1)
    play.lb(9.0, What.RETRY, "s1", "default", 1, "no answer in time", 0, req=1)
    assert play.end() == []


def test_an_attempt_s_time_is_soon_enough() -> None:
    assert _lost(FoundSoon(1.0), (1, 0.0, 1.05), (2, 2.0, 3.06)) == [
        "s1 never got it, which took 1.060 s to find; allowed are 1 s"
    ]


def test_to_be_lost_twice_is_once_too_often() -> None:
    assert _lost(LostOnce(), (1, 0.0, 1.0), (2, 0.0, 1.0), (1, 1.5, 2.5)) == [
        "it was lost on the way to s1, and again to s1"
    ]


def test_what_was_sent_before_a_find_or_long_after_it_could_not_know() -> None:
    assert _lost(PoolPurged(20.0), (1, 0.0, 1.0), (2, 0.5, 1.5), (3, 21.0, 22.0)) == []
    assert _lost(PoolPurged(20.0), (1, 0.0, 1.0), (2, 1.5, 2.5)) == [
        "sent to s1 over a connection that idled for long, 0.500 s after another such was found dead"
    ]
