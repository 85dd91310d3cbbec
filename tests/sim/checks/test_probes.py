"""Probes stop when nobody wants to know any more."""

from tests.sim.checks.support import Play, world
from trio_lb.sim.checks.probes import ProbesStop
from trio_lb.sim.happening import What


def test_a_member_is_probed_and_one_that_left_is_not() -> None:
    play = Play(ProbesStop(grace_seconds=1.0))
    play.lb(0.0, What.HEALTH, "s1", "default", 1, "x")
    play.tell(1.0, What.PROBE, "s1", 200)
    play.lb(2.0, What.REMOVE, "s1", "default")
    play.tell(2.5, What.PROBE, "s1", 200)  # It was on its way.
    assert play.said == []
    play.tell(7.0, What.PROBE, "s1", 200)
    assert play.end() == ["it is probed, though nobody has it in a pool since 2.000000 s"]


def test_another_pool_or_balancer_may_still_want_to_know() -> None:
    play = Play(ProbesStop())
    play.lb(0.0, What.HEALTH, "s1", "default", 1, "x")
    play.tell(0.0, What.HEALTH, "lb2", "s1", "default", 1, "x")
    play.lb(2.0, What.REMOVE, "s1", "default")
    play.tell(7.0, What.PROBE, "s1", 200)
    assert play.said == []
    play.tell(7.5, What.PHASE, "sim", "end")
    play.tell(8.0, What.NEWS, "lb2", "listener_closed")
    play.tell(20.0, What.PROBE, "s1", 200)
    assert play.end() == ["it is probed, though nobody has it in a pool since 8.000000 s"]


def test_who_comes_back_is_probed_again() -> None:
    play = Play(ProbesStop())
    play.lb(2.0, What.REMOVE, "s1", "default")
    play.lb(3.0, What.ADD, "s1", "default")
    play.tell(7.0, What.PROBE, "s1", 200)
    play.lb(8.0, What.NEWS, "listener_closed")  # It crashes, and lives again.
    play.tell(20.0, What.PROBE, "s1", 200)
    assert play.end() == []


def test_of_a_server_that_nobody_spoke_of_nothing_is_known() -> None:
    play = Play(ProbesStop())
    play.tell(20.0, What.PROBE, "s1", 200)
    assert play.end() == []


def test_a_balancer_that_starts_again_may_have_its_old_servers_back() -> None:
    play = Play(ProbesStop(), world())
    play.lb(0.0, What.HEALTH, "s1", "default", 1, "x")
    play.lb(2.0, What.REMOVE, "s1", "default")
    play.tell(3.0, What.INJECT, "host:lb", "crash", 1, "{}")
    play.tell(7.0, What.PROBE, "s1", 200)
    assert play.end() == []


def test_a_probe_that_a_fault_held_back_is_nobodys() -> None:
    play = Play(ProbesStop())
    play.lb(0.0, What.HEALTH, "s1", "default", 1, "x")
    play.tell(1.0, What.INJECT, "server:s1", "slow_accept", 1, "{}")
    play.lb(2.0, What.REMOVE, "s1", "default")
    play.tell(5.0, What.PROBE, "s1", 200)
    play.tell(5.0, What.HEALED, "server:s1", "slow_accept", 1)
    play.tell(15.0, What.PROBE, "s1", 200)
    assert play.said == []
    play.tell(15.1, What.INJECT, "lb:lb", "scale_down", 2, "{}")  # It holds nothing back.
    play.tell(15.2, What.PROBE, "s1", 200)
    assert play.end() == ["it is probed, though nobody has it in a pool since 2.000000 s"]
