"""What a balancer counts in flight is what is under way."""

from tests.sim.checks.support import MS, Play, SmallServer, servers, world
from trio_lb.sim.checks.in_flight import CapacityKept, InFlightExact
from trio_lb.sim.happening import What


def test_a_count_that_is_right_is_well() -> None:
    held = SmallServer("s1", active_connections=0)
    play = Play(InFlightExact(), world(held))
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(1.0, What.SELECT, "s1", "default", 1, req=2)
    play.lb(2.0, What.COMPLETE, "s1", "default", 200, 1, MS, req=1)
    play.lb(2.0, What.COMPLETE, "s1", "default", 200, 1, MS, req=2)
    play.lb(3.0, What.SELECT, "s1", "default", 0, req=3)
    play.lb(4.0, What.ERROR, "s1", "default", 502, 1, MS, "upstream_reset", req=3)
    assert play.end() == []


def test_a_lease_that_was_not_given_back_is_seen_at_the_next_pick() -> None:
    play = Play(InFlightExact(), world())
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(2.0, What.ERROR, "s1", "default", 502, 1, MS, "upstream_reset", req=1)
    play.lb(3.0, What.SELECT, "s1", "default", 1, req=2)
    assert play.said == ["1 in flight at s1, where 0 are under way"]
    assert play.instants == [3.0]


def test_a_negative_count_is_a_violation() -> None:
    play = Play(InFlightExact(), world())
    play.lb(1.0, What.SELECT, "s1", "default", -1, req=1)
    assert play.said == ["-1 in flight at s1"]


def test_when_all_have_gone_no_more_is_counted_than_is_told_and_in_the_end_nothing() -> None:
    held = SmallServer("s1", active_connections=1)
    small = world(held)
    play = Play(InFlightExact(), small)
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.board.quiet(small)
    assert play.said == []  # The balancer has not noticed yet that the client left.
    play.board.finish(small)
    assert play.said == [
        "1 in flight at s1 of default, where 0 are under way, and all clients have gone"
    ]


def test_nobody_gets_more_than_its_max_connections() -> None:
    play = Play(CapacityKept(), world(servers=servers(2, max_connections=2)))
    play.lb(1.0, What.SELECT, "s1", "default", 1, req=1)
    assert play.said == []
    play.lb(2.0, What.SELECT, "s1", "default", 2, req=2)
    assert play.end() == ["s1 was picked with 2 in flight; max_connections is 2"]


def test_without_a_cap_there_is_no_law() -> None:
    play = Play(CapacityKept(), world(servers=servers(2)))
    play.lb(1.0, What.SELECT, "s1", "default", 1000, req=1)
    assert play.end() == []
