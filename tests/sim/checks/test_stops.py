"""A balancer that stops leaves its requests the time that they have."""

from tests.sim.checks.support import MS, Play, world
from trio_lb.sim.checks.stops import StopsGently
from trio_lb.sim.happening import What


def drained(entity: str = "host:lb") -> Play:
    play = Play(StopsGently(), world())
    play.tell(1.0, What.INJECT, entity, "drain", 1, '{"grace": 5.0}')
    return play


def cut(play: Play, at: float, code: str = "cancelled") -> None:
    play.lb(at, What.ERROR, "s1", "default", 0, 1, MS, code, req=1)


def test_a_cut_before_the_grace_is_over_is_a_violation() -> None:
    play = drained()
    cut(play, 2.0, "client_gone")
    cut(play, 3.5)
    cut(play, 6.0)
    assert play.end() == ["it was cut 2.500000 s after a stop began that gives 5 s"]
    assert play.instants == [3.5]


def test_who_is_killed_or_lives_again_meanwhile_keeps_no_promise() -> None:
    play = drained("lb")
    play.tell(2.0, What.INJECT, "lb", "crash", 2, "{}")
    cut(play, 2.0)
    assert play.end() == []
    play = drained()
    play.world.balancers["lb"].lives += 1  # type: ignore[misc]  # It is a small one.
    play.lb(2.0, What.NEWS, "listener_opened")
    cut(play, 2.0)
    assert play.end() == []


def test_the_end_of_the_fault_cuts_no_grace_short() -> None:
    play = drained()
    play.tell(2.0, What.HEALED, "host:lb", "drain", 1)
    cut(play, 3.0)
    assert play.end() == ["it was cut 2.000000 s after a stop began that gives 5 s"]


def test_a_websocket_that_is_cut_when_the_grace_is_over_was_told_nothing() -> None:
    play = drained()
    play.lb(5.5, What.COMPLETE, "s1", "default", 101, 1, MS, req=1)
    play.lb(6.0, What.ERROR, "s1", "default", 101, 1, MS, "cancelled", req=2)
    assert play.end() == ["its WebSocket was told nothing in 5 s of grace"]


def test_another_stop_lengthens_no_grace() -> None:
    play = drained()
    play.tell(2.0, What.INJECT, "host:lb", "drain", 2, '{"grace": 30.0}')
    cut(play, 6.0)
    assert play.end() == []


def test_the_drain_of_a_server_is_no_stop_of_a_balancer() -> None:
    play = drained("server:s1")
    cut(play, 2.0)
    assert play.end() == []
