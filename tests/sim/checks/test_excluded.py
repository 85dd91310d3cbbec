"""Nothing is sent to whom its balancer has excluded."""

from tests.sim.checks.support import SECOND, Play
from trio_lb.sim.checks.excluded import NothingToExcluded
from trio_lb.sim.happening import What


def test_a_pick_of_a_bad_server_is_a_violation_and_of_a_good_one_none() -> None:
    play = Play(NothingToExcluded())
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(2.0, What.HEALTH, "s1", "default", 0, "refused")
    play.lb(2.0, What.SELECT, "s2", "default", 0, req=2)
    play.lb(2.0, What.SELECT, "s1", "default", 0, req=3)
    assert play.end() == ["s1 was picked, but its checks are bad, and fail-open is not in force"]
    assert play.instants == [2.0]


def test_the_order_within_an_instant_counts() -> None:
    play = Play(NothingToExcluded())
    play.lb(2.0, What.SELECT, "s1", "default", 0, req=3)
    play.lb(2.0, What.EJECT, "s1", "default", "x", SECOND)
    play.lb(3.0, What.READMIT, "s1", "default")
    play.lb(3.0, What.SELECT, "s1", "default", 0, req=4)
    assert play.end() == []


def test_trials_and_fail_open_are_legal() -> None:
    play = Play(NothingToExcluded())
    play.lb(1.0, What.OPEN, "s1", "default", "x", SECOND)
    play.lb(2.0, What.HALF_OPEN, "s1", "default")
    play.lb(2.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(3.0, What.HEALTH, "s2", "default", 0, "x")
    play.lb(3.0, What.FAIL_OPEN, "default", "x")
    play.lb(3.0, What.SELECT, "s2", "default", 0, req=2)
    assert play.end() == []


def test_a_pick_of_a_draining_server_is_a_violation() -> None:
    play = Play(NothingToExcluded())
    play.lb(1.0, What.DRAIN, "s1", "default")
    play.lb(2.0, What.SELECT, "s1", "default", 0, req=1)
    assert play.end() == ["s1 was picked, but it drains"]
