"""Who fails where another does well is ejected."""

from tests.sim.checks.support import MS, SECOND, Play, world
from trio_lb.config.resilience import OutlierConfig
from trio_lb.sim.checks.outliers import PROVED, OutliersEjected
from trio_lb.sim.happening import What

SAID = [
    "4 attempts at s1 failed in a row since 10.000000 s while another did well, and it is not ejected"
]


def played(**terms: object) -> Play:
    """Two servers, of which s2 does well."""
    outlier = OutlierConfig(consecutive_failures=2, **terms)  # type: ignore[arg-type]  # By name.
    play = Play(OutliersEjected(), world(outlier_detection=outlier))
    for server in ("s1", "s2"):
        play.lb(1.0, What.ADD, server, "default")
    do_well(play, 2.0, PROVED)
    return play


def do_well(play: Play, at: float, count: int = 1, server: str = "s2") -> None:
    for _ in range(count):
        play.lb(at, What.COMPLETE, server, "default", 200, 1, MS)


def fail(play: Play, at: float, count: int, outcome: str = "connection reset") -> None:
    for _ in range(count):
        play.lb(at, What.RETRY, "s1", "default", 1, outcome, 0)
        do_well(play, at)


def test_a_streak_of_twice_the_length_that_ejects_is_a_violation() -> None:
    play = played()
    fail(play, 10.0, 3)
    assert play.said == []
    play.lb(10.0, What.COMPLETE, "s1", "default", 500, 1, MS)
    assert play.end() == SAID


def test_errors_count_but_those_that_may_be_pardoned() -> None:
    play = played()
    for _ in range(4):
        values = (504, 1, MS, "upstream_timeout")
        play.lb(10.0, What.ERROR, "s1", "default", *values)
        do_well(play, 10.0)
    fail(play, 10.0, 9, "stale connection")
    assert play.said == []
    for _ in range(4):
        values = (502, 1, MS, "upstream_reset")
        play.lb(10.0, What.ERROR, "s1", "default", *values)
        do_well(play, 10.0)
    assert play.end() == SAID


def test_who_is_ejected_or_meets_a_success_begins_anew() -> None:
    play = played()
    fail(play, 10.0, 3)
    play.lb(10.0, What.EJECT, "s1", "default", "x", 5 * SECOND)
    fail(play, 11.0, 9)
    play.lb(15.0, What.READMIT, "s1", "default")
    fail(play, 16.0, 3)
    do_well(play, 17.0, server="s1")
    fail(play, 18.0, 3)
    assert play.end() == []


def test_nobody_stands_out_where_others_fail_too_or_the_share_is_used_up_or_all_is_off() -> None:
    play = played()
    play.lb(9.0, What.RETRY, "s2", "default", 1, "connection reset", 0)
    fail(play, 10.0, 9)
    assert play.end() == []
    play = played()
    play.lb(9.0, What.EJECT, "s3", "default", "x", 50 * SECOND)
    fail(play, 10.0, 9)
    assert play.end() == []
    play = played(enabled=False)
    fail(play, 10.0, 9)
    assert play.end() == []


def lately_bad(play: Play, at: float, failures: int) -> None:
    """Let s2 fail, then do well until it would prove that s1 stands out."""
    for _ in range(failures):
        play.lb(at, What.COMPLETE, "s2", "default", 503, 1, MS)
    do_well(play, at + 1.0, PROVED)


def test_who_has_failed_more_often_than_not_of_late_is_no_model_for_others() -> None:
    play = played(interval=10.0, success_rate=0.5)
    lately_bad(play, 5.0, failures=30)
    fail(play, 10.0, 4)
    assert play.end() == []
    for kind, failures in (("a few failures", 15), ("long ago", 30)):
        play = played(interval=10.0, success_rate=0.5)
        lately_bad(play, 5.0, failures)
        fail(play, 10.0 if kind == "a few failures" else 15.5, 4)
        assert len(play.end()) == 1, kind
    play = played(interval=10.0, success_rate=None)
    lately_bad(play, 5.0, failures=30)
    fail(play, 10.0, 4)
    assert play.end() == SAID, "nobody is judged by share"


def test_who_was_out_itself_until_just_now_is_no_model_for_others() -> None:
    play = played()
    play.lb(3.0, What.EJECT, "s2", "default", "5 failures in a row", SECOND)
    play.lb(4.0, What.READMIT, "s2", "default")
    do_well(play, 5.0, PROVED)
    fail(play, 13.9, 9)
    assert play.said == []
    play.lb(13.9, What.COMPLETE, "s1", "default", 200, 1, MS)
    fail(play, 14.0, 4)
    assert len(play.end()) == 1


def test_who_has_left_is_no_model_for_others_though_its_tunnels_end_well_later() -> None:
    play = played()
    play.lb(8.0, What.DRAIN, "s2", "default")
    play.lb(9.0, What.DRAINED, "s2", "default", 0)
    play.lb(9.0, What.REMOVE, "s2", "default")
    fail(play, 10.0, 9)
    assert play.end() == []


def test_a_plan_or_a_new_life_forgets_what_was() -> None:
    play = played()
    fail(play, 10.0, 3)
    play.lb(11.0, What.NEWS, "config_updated")
    fail(play, 12.0, 3)
    play.tell(13.0, What.INJECT, "lb", "restart", 1, "{}")
    fail(play, 14.0, 3)
    assert play.end() == []
