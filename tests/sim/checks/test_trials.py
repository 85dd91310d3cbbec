"""A half-open breaker lets so many requests through at a time."""

from tests.sim.checks.support import MS, SECOND, Play, world
from trio_lb.config.resilience import BreakerConfig
from trio_lb.sim.checks.trials import TrialsBounded, TrialsGoOn
from trio_lb.sim.happening import What


def test_one_after_the_other_is_legal() -> None:
    play = Play(TrialsBounded(1))
    play.lb(1.0, What.HALF_OPEN, "s1", "default")
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(2.0, What.COMPLETE, "s1", "default", 200, 1, MS, req=1)
    play.lb(2.0, What.SELECT, "s1", "default", 0, req=2)
    play.tell(2.5, What.REPLY, "s1", 200, 2, MS, req=2)
    play.lb(2.6, What.SELECT, "s1", "default", 0, req=3)
    play.lb(2.7, What.RETRY, "s1", "default", 1, "reset", 0, req=3)
    play.lb(2.8, What.SELECT, "s1", "default", 0, req=4)
    assert play.end() == []


def test_a_websocket_is_on_trial_until_it_is_accepted() -> None:
    play = Play(TrialsBounded(1))
    play.lb(1.0, What.HALF_OPEN, "s1", "default")
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.tell(1.5, What.SWITCH, "s1", req=1)
    play.lb(2.0, What.SELECT, "s1", "default", 1, req=2)
    assert play.said == []
    play.lb(2.5, What.SELECT, "s1", "default", 2, req=3)
    assert play.end() == ["2 trials at once at s1; max_half_open is 1"]


def test_two_at_once_are_a_violation() -> None:
    play = Play(TrialsBounded(1))
    play.lb(1.0, What.HALF_OPEN, "s1", "default")
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(1.5, What.SELECT, "s1", "default", 1, req=2)
    assert play.end() == ["2 trials at once at s1; max_half_open is 1"]


def test_whose_client_may_have_kept_it_waiting_for_a_second_has_no_permit() -> None:
    play = Play(TrialsBounded(1))
    play.lb(1.0, What.HALF_OPEN, "s1", "default")
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(2.0, What.SELECT, "s1", "default", 1, req=2)
    assert play.said == []
    play.lb(2.999, What.SELECT, "s1", "default", 2, req=3)
    assert play.end() == ["2 trials at once at s1; max_half_open is 1"]


def test_the_bound_is_the_configured_one_and_only_for_as_long_as_it_is_half_open() -> None:
    small = world(circuit_breaker=BreakerConfig(enabled=True, max_half_open=2))
    play = Play(TrialsBounded(), small)
    play.lb(1.0, What.HALF_OPEN, "s1", "default")
    for req in (1, 2):
        play.lb(1.0, What.SELECT, "s1", "default", 0, req=req)
    assert play.said == []
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=3)
    assert play.said == ["3 trials at once at s1; max_half_open is 2"]
    play.lb(2.0, What.CLOSE, "s1", "default", "2 trials went well")
    play.lb(2.0, What.SELECT, "s1", "default", 0, req=4)
    assert len(play.end()) == 1


def test_others_servers_are_not_on_trial() -> None:
    play = Play(TrialsBounded(1))
    play.lb(1.0, What.HALF_OPEN, "s1", "default")
    play.lb(1.0, What.OPEN, "s2", "default", "x", SECOND)
    for req in range(5):
        play.lb(1.0, What.SELECT, "s3", "default", 0, req=req + 1)
    assert play.end() == []


def pass_by(play: Play, at: float, count: int, server: str = "s2") -> None:
    for _ in range(count):
        play.lb(at, What.SELECT, server, "default", 0, req=1)


def test_a_half_open_server_that_everybody_passes_by_is_a_violation() -> None:
    play = Play(TrialsGoOn(picks=10), world())
    play.lb(1.0, What.HEALTH, "s2", "default", 1, "x")
    play.lb(1.0, What.OPEN, "s1", "default", "x", SECOND)
    play.lb(2.0, What.HALF_OPEN, "s1", "default")
    pass_by(play, 2.5, 19)
    play.lb(3.0, What.SELECT, "s1", "default", 0, req=2)
    play.lb(3.0, What.COMPLETE, "s1", "default", 200, 1, MS, req=2)
    pass_by(play, 3.5, 19)
    assert play.said == []
    pass_by(play, 4.0, 1)
    assert play.end() == ["s1 is half-open, and 20 requests passed it by"]


def test_who_is_out_for_another_reason_or_in_a_pool_that_hashes_may_wait() -> None:
    for small, more in ((world(), True), (world(algorithm="ip_hash"), False)):
        play = Play(TrialsGoOn(picks=10), small)
        play.lb(1.0, What.OPEN, "s1", "default", "x", SECOND)
        play.lb(2.0, What.HALF_OPEN, "s1", "default")
        if more:
            play.lb(2.0, What.HEALTH, "s1", "default", 0, "x")
        pass_by(play, 3.0, 100)
        assert play.end() == []


def test_a_trial_that_takes_long_goes_on_all_the_while() -> None:
    play = Play(TrialsGoOn(picks=10), world())
    play.lb(1.0, What.OPEN, "s1", "default", "x", SECOND)
    play.lb(2.0, What.HALF_OPEN, "s1", "default")
    play.lb(2.0, What.SELECT, "s1", "default", 0, req=1)
    for req in range(2, 100):
        play.lb(2.1, What.SELECT, "s2", "default", 0, req=req)
    assert play.said == []
    play.lb(3.0, What.ERROR, "s1", "default", 0, 1, MS, "client_gone", req=1)
    for req in range(100, 200):
        play.lb(3.1, What.SELECT, "s2", "default", 0, req=req)
    assert play.end() == ["s1 is half-open, and 20 requests passed it by"]
