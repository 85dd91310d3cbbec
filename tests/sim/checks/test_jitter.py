"""Many equal delays prove that nobody drew them."""

import random

import pytest

from tests.sim.checks.support import MS, SECOND, Play, SmallServer, world
from trio_lb.config.probing import HealthCheckConfig
from trio_lb.sim.checks.jitter import (
    ENOUGH,
    ENOUGH_EJECTIONS,
    EjectionsJittered,
    ProbesJittered,
    RetriesJittered,
)
from trio_lb.sim.happening import What


def test_delays_that_are_drawn_are_well() -> None:
    play, rng = Play(RetriesJittered()), random.Random(7)
    for req in range(100):
        play.lb(1.0, What.RETRY, "s1", "default", 1, "reset", rng.randrange(25 * MS), req=req)
    assert play.end() == []


def test_equal_delays_of_the_same_attempt_are_a_violation_when_they_are_many() -> None:
    play = Play(RetriesJittered())
    for req in range(ENOUGH - 1):
        play.lb(1.0, What.RETRY, "s1", "default", 1, "reset", 25 * MS, req=req)
    assert play.said == []
    play.lb(2.0, What.RETRY, "s1", "default", 1, "reset", 25 * MS, req=99)
    assert play.end() == [
        "6 delays before retry 1 of default are only 1 different ones,"
        " this one 25 ms: nobody drew them"
    ]


def test_retries_at_once_elsewhere_need_no_spread() -> None:
    play = Play(RetriesJittered())
    for req in range(100):
        play.lb(1.0, What.RETRY, "s1", "default", 1, "connect refused", 0, req=req)
    assert play.end() == []


def test_ejections_are_spread() -> None:
    drawn, rng = Play(EjectionsJittered()), random.Random(7)
    computed = Play(EjectionsJittered())
    for number in range(ENOUGH_EJECTIONS):
        length = 5 * SECOND * 2**number
        computed.lb(1.0, What.EJECT, "s1", "default", "x", length)
        drawn.lb(1.0, What.EJECT, "s1", "default", "x", length + rng.randrange(SECOND))
    assert drawn.end() == []
    assert computed.end() == [
        "3 ejections of default have only 1 different lengths, this one 20 s: nobody drew them"
    ]


@pytest.mark.parametrize(("jitter_fraction", "violations"), [(0.1, 1), (0.0, 0)])
def test_probes_come_at_different_intervals_where_jitter_is_configured(
    jitter_fraction: float, violations: int
) -> None:
    checks = HealthCheckConfig(enabled=True, jitter_fraction=jitter_fraction)
    play = Play(ProbesJittered(), world(SmallServer("s1"), health_check=checks))
    for number in range(ENOUGH + 1):
        play.tell(5.0 * number, What.PROBE, "s1", 200)
    assert len(play.end()) == violations


def test_probes_that_are_spread_are_well_and_those_of_unknown_balancers_not_judged() -> None:
    rng = random.Random(7)
    checks = HealthCheckConfig(enabled=True, jitter_fraction=0.1)
    spread = Play(ProbesJittered(), world(SmallServer("s1"), health_check=checks))
    unknown = Play(ProbesJittered())
    for number in range(ENOUGH + 1):
        spread.tell(5.0 * number + rng.random(), What.PROBE, "s1", 200)
        unknown.tell(5.0 * number, What.PROBE, "s1", 200)
    assert (spread.end(), unknown.end()) == ([], [])


def test_probes_out_of_turn_say_nothing_of_their_intervals() -> None:
    checks = HealthCheckConfig(enabled=True, jitter_fraction=0.1)
    play = Play(ProbesJittered(), world(SmallServer("s1"), health_check=checks))
    for _ in range(2 * ENOUGH):
        play.tell(5.0, What.PROBE, "s1", 200)
    for number in range(2 * ENOUGH):  # A suspect is probed again at once.
        play.tell(6.0 + 0.1 * number, What.PROBE, "s1", 200)
    assert play.end() == []


def test_probes_that_a_fault_may_have_held_back_are_not_judged() -> None:
    checks = HealthCheckConfig(enabled=True, jitter_fraction=0.1)
    play = Play(ProbesJittered(), world(SmallServer("s1"), health_check=checks))
    play.tell(1.0, What.INJECT, "link:lb~s1", "latency", 1, "{}")
    for number in range(2 * ENOUGH):
        play.tell(5.0 + 5.0 * number, What.PROBE, "s1", 200)
    assert play.end() == []
