"""Queues have ends."""

from tests.sim.checks.support import Play
from trio_lb.sim.checks.queues import QueuesBounded
from trio_lb.sim.happening import What


def test_a_queue_within_its_bound_is_well() -> None:
    play = Play(QueuesBounded(queued=5, in_flight=2))
    play.tell(1.0, What.TAKE, "s1", "GET", 3, 5, req=1)
    play.lb(1.0, What.SELECT, "s1", "default", 2, req=1)
    assert play.end() == []


def test_the_first_excess_is_told_and_then_each_tenth_more() -> None:
    play = Play(QueuesBounded(queued=100))
    for queued in range(90, 125):
        play.tell(1.0, What.TAKE, "s1", "GET", 3, queued, req=1)
    assert play.end() == [
        "101 requests queued, allowed are 100",
        "112 requests queued, allowed are 100",
        "124 requests queued, allowed are 100",
    ]


def test_a_balancer_holds_no_more_than_it_may() -> None:
    play = Play(QueuesBounded(in_flight=2))
    play.lb(1.0, What.SELECT, "s1", "default", 3, req=1)
    play.lb(1.0, What.SELECT, "s2", "default", 3, req=1)
    assert play.end() == [
        "3 requests in flight at s1, allowed are 2",
        "3 requests in flight at s2, allowed are 2",
    ]
