"""Nobody waits longer than was promised."""

import pytest

from tests.sim.checks.support import SECOND, Play, world
from trio_lb.config.bounds import TimeoutsConfig
from trio_lb.sim.checks.deadlines import (
    BalancerDeadline,
    ClientDeadline,
    ConnectDeadline,
    NobodyWaits,
)
from trio_lb.sim.happening import What


def fail(play: Play, at: float, lasted: float, code: str = "upstream_timeout") -> None:
    ns = round(lasted * SECOND)
    play.lb(at, What.ERROR, "s1", "default", 504, 1, ns, code, req=1)


def test_an_error_within_the_total_is_well_and_a_later_one_a_violation() -> None:
    play = Play(BalancerDeadline(2.0))
    fail(play, 2.0, 2.05)
    assert play.said == []
    fail(play, 5.0, 2.5)
    assert play.end() == ["it took 2.500000 s to end in upstream_timeout; total is 2 s"]


@pytest.mark.parametrize("code", ["client_gone", "upstream_truncated"])
def test_a_body_or_a_client_may_take_longer(code: str) -> None:
    play = Play(BalancerDeadline(2.0))
    fail(play, 90.0, 80.0, code)
    assert play.end() == []


def test_a_host_that_stands_still_can_keep_no_promise() -> None:
    play = Play(BalancerDeadline(2.0))
    play.tell(1.0, What.INJECT, "lb", "pause", 1, "{}")
    play.tell(9.0, What.HEALED, "lb", "pause", 1)
    fail(play, 10.0, 9.5)
    assert play.end() == []


def test_a_client_that_sends_slowly_takes_its_own_time() -> None:
    play = Play(BalancerDeadline(4.0))
    play.tell(1.0, What.INJECT, "client:web", "slowloris_body", 1, "{}")
    play.tell(2.0, What.HEALED, "client:web", "slowloris_body", 1)
    play.lb(7.5, What.ERROR, "s1", "default", 502, 1, 6_000_000_000, "upstream_reset", req=1)
    assert play.said == []
    play.lb(9.5, What.ERROR, "s1", "default", 502, 1, 6_000_000_000, "upstream_reset", req=2)
    assert play.end() == ["it took 6.000000 s to end in upstream_reset; total is 4 s"]


def test_small_windows_take_the_time_that_they_take() -> None:
    for check in (BalancerDeadline(2.0), ConnectDeadline(1.0)):
        play = Play(check)
        play.tell(1.0, What.INJECT, "point:window", "shrink", 1, "{}")
        play.lb(2.0, What.SELECT, "s1", "default", 0, req=1)
        play.lb(
            6.0, What.ERROR, "s1", "default", 504, 1, 4 * SECOND, "upstream_connect_timeout", req=1
        )
        assert play.end() == []


def test_a_server_that_stands_still_is_no_excuse() -> None:
    play = Play(BalancerDeadline(2.0))
    play.tell(1.0, What.INJECT, "server:s1", "pause", 1, "{}")
    play.tell(9.0, What.HEALED, "server:s1", "pause", 1)
    fail(play, 10.0, 9.5)
    assert play.end() == ["it took 9.500000 s to end in upstream_timeout; total is 2 s"]


def test_the_total_is_that_of_the_pool_or_of_the_balancer_or_the_default() -> None:
    own = world(timeouts=TimeoutsConfig(total=3.0))
    for small, total in ((own, 3.0), (world(), 60.0), (None, 60.0)):
        play = Play(BalancerDeadline(), small)
        fail(play, 100.0, total + 0.05)
        assert play.said == []
        fail(play, 200.0, total + 0.5)
        assert len(play.said) == 1


def test_a_clients_try_ends_with_its_patience() -> None:
    play = Play(ClientDeadline({"web": 1.0}))
    play.tell(1.0, What.FAIL, "web", "timeout", SECOND, 0, req=1)
    play.tell(2.0, What.ANSWER, "other", 200, 2, 9 * SECOND, "s1", req=2)
    assert play.said == []
    play.tell(3.0, What.ANSWER, "web", 200, 2, 2 * SECOND, "s1", req=3)
    assert play.end() == ["its try lasted 2.000000 s, its timeout is 1 s"]


def test_whoever_hangs_is_found_with_the_next_start_or_when_all_is_quiet() -> None:
    play = Play(NobodyWaits(10.0))
    play.lb(1.0, What.START, "a", req=1)
    play.lb(2.0, What.START, "b", req=2)
    play.lb(3.0, What.COMPLETE, "s1", "default", 200, 1, SECOND, req=2)
    play.lb(11.0, What.START, "c", req=3)
    assert play.said == []
    play.lb(12.0, What.START, "d", req=4)
    assert (play.said, play.instants) == (["it is under way for more than 10 s"], [1.0])
    play.tell(23.0, What.PHASE, "sim", "wind_down")
    assert play.end() == ["it is under way for more than 10 s"] * 3


def connect_in_vain(play: Play, at: float, seconds: float, req: int) -> None:
    play.lb(at, What.SELECT, "s1", "default", 0, req=req)
    late = at + seconds
    play.lb(late, What.RETRY, "s1", "default", 1, "connect timed out", 0, req=req)
    play.lb(late, What.SELECT, "s2", "default", 0, req=req)
    values = (504, 2, 0, "upstream_connect_timeout")
    play.lb(late + seconds, What.ERROR, "s2", "default", *values, req=req)


def test_each_attempt_to_connect_has_its_own_time() -> None:
    play = Play(ConnectDeadline(), world(timeouts=TimeoutsConfig(connect=1.0)))
    connect_in_vain(play, 1.0, 1.0, req=1)
    assert play.said == []
    connect_in_vain(play, 11.0, 2.0, req=2)
    assert play.end() == [
        "s1 was waited for 2.000000 s; connect is 1 s",
        "s2 was waited for 2.000000 s; connect is 1 s",
    ]


def test_who_connects_late_but_is_answered_or_stood_still_is_not_judged() -> None:
    play = Play(ConnectDeadline(1.0))
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(9.0, What.COMPLETE, "s1", "default", 200, 1, 0, req=1)
    play.tell(10.0, What.INJECT, "lb", "pause", 1, "{}")
    play.tell(18.0, What.HEALED, "lb", "pause", 1)
    connect_in_vain(play, 18.0, 3.0, req=2)
    assert play.end() == ["s2 was waited for 3.000000 s; connect is 1 s"]  # It stood no more.
