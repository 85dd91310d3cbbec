"""Attempts under way are counted from the pick to the end that is told."""

from collections.abc import Mapping

from tests.sim.checks.support import MS, Play, world
from trio_lb.sim.checks.attempts import Attempts
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, What


class Count(Check):
    """Nothing but attempts."""

    name = "count"

    def __init__(self) -> None:
        super().__init__()
        self.attempts = Attempts()

    @property
    def ears(self) -> Mapping[What, Ear]:
        return self.attempts.ears

    def begin(self, world: World) -> None:
        self.attempts.begin(world)

    def at(self, server: str) -> int:
        return self.attempts.count("lb", "default", server)


def test_an_error_after_a_retry_ends_nothing_twice() -> None:
    count = Count()
    play = Play(count)
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(1.0, What.SELECT, "s1", "default", 1, req=2)
    assert count.at("s1") == 2
    assert count.attempts.at("lb", "default", "s1") == [1, 2]
    play.lb(2.0, What.RETRY, "s1", "default", 1, "reset", 0, req=1)
    play.lb(3.0, What.ERROR, "s1", "default", 502, 1, MS, "upstream_reset", req=1)
    assert count.at("s1") == 1
    play.lb(3.0, What.COMPLETE, "s1", "default", 200, 1, MS, req=2)
    assert (count.at("s1"), count.attempts.at("lb", "default", "s1")) == (0, [])


def test_an_error_after_a_retry_leaves_the_next_try_of_the_same_request_alone() -> None:
    """Its client gave up and asked again before the balancer noticed."""
    count = Count()
    play = Play(count)
    for at in (1.0, 2.0):
        play.lb(at, What.SELECT, "s1", "default", 0, req=1)
    play.lb(3.0, What.RETRY, "s1", "default", 1, "connect timed out", 0, req=1)
    assert count.at("s1") == 1
    play.lb(3.0, What.ERROR, "s1", "default", 0, 1, MS, "client_gone", req=1)
    assert count.at("s1") == 1
    play.lb(4.0, What.ERROR, "s1", "default", 0, 1, MS, "client_gone", req=1)
    assert count.at("s1") == 0


def test_requests_without_a_number_blind_it() -> None:
    count = Count()
    play = Play(count)
    play.lb(1.0, What.SELECT, "s1", "default", 0)
    assert (count.at("s1"), count.attempts.is_blind("lb")) == (0, True)


def test_a_crash_ends_all() -> None:
    count = Count()
    play = Play(count, world())
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.tell(2.0, What.INJECT, "lb", "crash", 1, "{}")
    assert count.at("s1") == 0
