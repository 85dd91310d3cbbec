"""A drain lets what is under way end, and is clean only if it did."""

from tests.sim.checks.support import MS, SECOND, Play, world
from trio_lb.sim.checks.attempts import Attempts
from trio_lb.sim.checks.drains import DrainsClean
from trio_lb.sim.happening import Happening, What


def test_a_drain_that_waits_is_clean() -> None:
    play = Play(DrainsClean())
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(2.0, What.DRAIN, "s1", "default")
    play.lb(3.0, What.COMPLETE, "s1", "default", 200, 1, 2 * SECOND, req=1)
    play.lb(3.0, What.DRAINED, "s1", "default", 1)
    assert play.end() == []


def test_a_request_that_is_cut_in_the_grace_is_a_violation() -> None:
    play = Play(DrainsClean())
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(2.0, What.DRAIN, "s1", "default")
    play.lb(3.0, What.ERROR, "s1", "default", 502, 1, 2 * SECOND, "upstream_reset", req=1)
    assert play.end() == [
        "it was under way at s1 when that began to drain at 2.000000 s, and ended in upstream_reset"
    ]


def test_an_error_of_the_clients_or_under_a_fault_or_after_the_grace_is_none() -> None:
    play = Play(DrainsClean())
    for req in (1, 2, 3):
        play.lb(1.0, What.SELECT, "s1", "default", 0, req=req)
    play.lb(2.0, What.DRAIN, "s1", "default")
    play.lb(3.0, What.ERROR, "s1", "default", 0, 1, 2 * SECOND, "client_gone", req=1)
    play.tell(3.5, What.INJECT, "s1", "reset", 1, "{}")
    play.lb(3.5, What.ERROR, "s1", "default", 502, 1, 2500 * MS, "upstream_reset", req=2)
    play.lb(9.0, What.DRAINED, "s1", "default", 0)
    play.lb(9.0, What.ERROR, "s1", "default", 502, 1, 8 * SECOND, "upstream_reset", req=3)
    assert play.end() == []


def test_a_drain_that_forgets_somebody_is_not_clean() -> None:
    play = Play(DrainsClean())
    for req in (1, 2, 3):
        play.lb(1.0, What.SELECT, "s1", "default", 0, req=req)
    play.lb(2.0, What.DRAIN, "s1", "default")
    play.lb(3.0, What.DRAINED, "s1", "default", 1)
    play.lb(3.0, What.COMPLETE, "s1", "default", 200, 1, 2 * SECOND, req=1)  # A turn later.
    play.lb(8.0, What.COMPLETE, "s1", "default", 101, 1, 7 * SECOND, req=2)
    assert play.said == ["s1 is called drained, with request 2 still under way"]
    assert play.instants == [3.0]
    assert play.end()[1:] == ["s1 is called drained, with request 3 still under way"]


def test_the_time_that_a_client_takes_for_an_error_is_none_of_its_server_s() -> None:
    play = Play(DrainsClean())
    for req in (1, 2):
        play.lb(1.0, What.SELECT, "s1", "default", 0, req=req)
    play.lb(2.0, What.DRAIN, "s1", "default")
    play.lb(4.0, What.DRAINED, "s1", "default", 1)
    play.lb(4.5, What.ERROR, "s1", "default", 504, 1, 3500 * MS, "upstream_timeout", req=1)
    play.lb(4.5, What.ERROR, "s1", "default", 502, 1, 3500 * MS, "upstream_truncated", req=2)
    assert play.end() == ["s1 is called drained, with request 2 still under way"]


def test_a_drain_that_is_called_off_owes_nothing() -> None:
    play = Play(DrainsClean())
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(2.0, What.DRAIN, "s1", "default")
    play.lb(2.5, What.RESUME, "s1", "default")
    play.lb(3.0, What.ERROR, "s1", "default", 502, 1, 2 * SECOND, "upstream_reset", req=1)
    assert play.end() == []


def test_it_may_look_at_attempts_that_another_check_keeps() -> None:
    attempts = Attempts()
    play = Play(DrainsClean(attempts))
    attempts.ears[What.SELECT](Happening(1.0, What.SELECT, "lb", 0, 1, ("s1", "default", 0)))
    play.lb(2.0, What.DRAIN, "s1", "default")
    play.lb(3.0, What.DRAINED, "s1", "default", 1)
    assert play.end() == ["s1 is called drained, with request 1 still under way"]


def test_a_crash_of_the_balancer_ends_its_drains() -> None:
    play = Play(DrainsClean(), world())
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(2.0, What.DRAIN, "s1", "default")
    play.lb(3.0, What.DRAINED, "s1", "default", 1)
    play.tell(4.0, What.INJECT, "host:lb", "crash", 1, "{}")
    assert play.end() == []
