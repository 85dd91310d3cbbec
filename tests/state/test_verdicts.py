"""Verdicts together: one answer a server from all that is said of it, and no pool that is empty."""

import attrs
import pytest

from tests.state.books import (
    BAD,
    ERROR,
    GOOD,
    ILL,
    OK,
    REFUSED,
    TIMEOUT,
    brief,
    eject,
    member,
    picks,
    plan,
    pool_of,
    probed_pool,
    server,
    usable,
)
from trio_lb.config.schema import BreakerConfig, HealthCheckConfig, OutlierConfig
from trio_lb.model.events import FailOpenEntered
from trio_lb.policy.health import CheckResult
from trio_lb.state.pool import NOTHING, Pool

NEVER_EJECTS = OutlierConfig(enabled=False)


def check(pool: Pool, result: CheckResult, now: float, *server_ids: str) -> list[str]:
    """Three checks of each server end alike."""
    return [
        name
        for server_id in server_ids
        for _ in range(3)
        for name in brief(pool.checked(member(pool, server_id), result, now))
    ]


def test_a_server_that_its_probes_find_healthy_again_is_readmitted_with_it() -> None:
    pool = probed_pool()
    eject(pool, "s2", 1.0)
    two = member(pool, "s2")
    for second in (1.5, 2.0, 2.5):
        pool.checked(two, BAD, second)
    assert member(pool, "s2").state == "unhealthy"
    pool.checked(two, GOOD, 3.0)
    assert usable(pool) == ["s1", "s3"]
    told = pool.checked(two, GOOD, 3.5)
    assert brief(told) == ["server_health_changed s2", "server_readmitted s2"]
    assert (usable(pool), pool.deadline) == (["s1", "s2", "s3"], None)


def test_ejection_never_empties_a_pool() -> None:
    pool = probed_pool(2)
    eject(pool, "s1", 1.0)
    told = [pool.checked(member(pool, "s2"), BAD, at) for at in (2.0, 3.0, 4.0)]
    assert brief(told[-1]) == ["server_health_changed s2", "server_readmitted s1"]
    assert usable(pool) == ["s1"]


def test_a_pool_that_its_operator_empties_takes_back_the_ejected_too() -> None:
    pool = pool_of(plan(2))
    eject(pool, "s1", 1.0)
    with member(pool, "s2").lease():
        told = pool.drain_server("s2", 2.0, expires_at=None)
    assert brief(told) == ["server_draining s2", "server_readmitted s1"]
    assert usable(pool) == ["s1"]


def test_an_unhealthy_server_is_not_readmitted_to_fill_a_pool() -> None:
    pool = probed_pool(2)
    eject(pool, "s1", 1.0)
    for at in (1.1, 1.2, 1.3):
        pool.checked(member(pool, "s1"), BAD, at)
    for at in (2.1, 2.2, 2.3):
        pool.checked(member(pool, "s2"), BAD, at)
    assert usable(pool) == []


def test_while_nobody_is_usable_one_good_check_is_enough() -> None:
    pool = probed_pool(2)
    for each in pool.servers():
        for at in (1.0, 2.0, 3.0):
            pool.checked(each, BAD, at)
    one, two = pool.servers()
    assert brief(pool.checked(one, GOOD, 4.0)) == ["server_health_changed s1"]
    assert pool.checked(two, GOOD, 4.0) == NOTHING
    assert usable(pool) == ["s1"]


# -- fail-open


def test_servers_whose_checks_fail_together_go_on_serving_and_it_is_told_once() -> None:
    pool = probed_pool(2)
    assert check(pool, ILL, 5.0, "s1", "s2") == [
        "server_health_changed s1",
        "server_health_changed s2",
        "fail_open_entered",
    ]
    assert (usable(pool), [each.is_held for each in pool.members]) == (["s1", "s2"], [True, True])
    assert [each.state for each in pool.members] == ["unhealthy", "unhealthy"]
    assert check(pool, ILL, 6.0, "s1", "s2") == []


def test_the_event_says_in_words_what_is_held_and_why() -> None:
    pool = probed_pool(2)
    check(pool, ILL, 5.0, "s1")
    for _ in range(2):
        pool.checked(member(pool, "s2"), ILL, 5.0)
    *_, told = pool.checked(member(pool, "s2"), ILL, 5.5)
    assert told == FailOpenEntered(
        at=5.5, pool="api", reason="all 2 good servers failed their checks together"
    )


def test_who_recovers_is_believed_and_the_others_have_one_window_to_follow() -> None:
    """Of 12.1 s, with health checks at their defaults."""
    pool = probed_pool(3)
    check(pool, ILL, 5.0, "s1", "s2", "s3")
    check(pool, GOOD, 20.0, "s1")
    assert (usable(pool), member(pool, "s1").is_held) == (["s1", "s2", "s3"], False)
    assert check(pool, GOOD, 21.0, "s2") == ["server_health_changed s2"]
    deadline = pool.deadline
    assert deadline == pytest.approx(32.1)
    assert deadline is not None
    assert brief(pool.on_deadline(deadline)) == ["fail_open_left"]
    assert usable(pool) == ["s1", "s2"]


def test_refused_connections_are_believed_and_nobody_is_held() -> None:
    pool = probed_pool(2)
    told = check(pool, BAD, 5.0, "s1", "s2")
    assert told == ["server_health_changed s1", "server_health_changed s2"]
    assert (usable(pool), picks(pool)) == ([], [])


def test_a_refused_request_ends_the_hold_of_its_server_alone() -> None:
    pool = probed_pool(2, outlier_detection=NEVER_EJECTS)
    check(pool, ILL, 5.0, "s1", "s2")
    assert brief(pool.observe(member(pool, "s1"), REFUSED, 6.0)) == []
    assert usable(pool) == ["s2"]
    assert brief(pool.observe(member(pool, "s2"), REFUSED, 6.0)) == ["fail_open_left"]
    assert usable(pool) == []


def test_three_requests_without_an_answer_end_it_and_an_answer_between_them_does_not() -> None:
    pool = probed_pool(2, outlier_detection=NEVER_EJECTS)
    check(pool, ILL, 5.0, "s1", "s2")
    one = member(pool, "s1")
    for outcome in (TIMEOUT, TIMEOUT, OK, ERROR, TIMEOUT, TIMEOUT):
        pool.observe(one, outcome, 6.0)
    assert usable(pool) == ["s1", "s2"]
    pool.observe(one, TIMEOUT, 6.0)
    assert usable(pool) == ["s2"]


def test_a_whole_zone_that_fails_at_once_is_held_beside_healthy_ones() -> None:
    servers = [server(number, zone="a" if number < 3 else "b") for number in (1, 2, 3, 4)]
    pool = probed_pool(servers=tuple(servers))
    assert check(pool, ILL, 5.0, "s1", "s2")[-1] == "fail_open_entered"
    assert usable(pool) == ["s1", "s2", "s3", "s4"]


def test_servers_that_fail_one_after_the_other_are_not_held() -> None:
    pool = probed_pool(2)
    check(pool, ILL, 5.0, "s1")
    check(pool, ILL, 50.0, "s2")
    assert usable(pool) == []


def test_a_wider_interval_of_checks_widens_the_window() -> None:
    pool = probed_pool(2, health_check=HealthCheckConfig(interval=60.0))
    check(pool, ILL, 5.0, "s1")
    check(pool, ILL, 50.0, "s2")
    assert usable(pool) == ["s1", "s2"]


def test_false_holds_nobody_and_true_everybody_who_does_not_refuse() -> None:
    never = probed_pool(2, fail_open="false")
    check(never, ILL, 5.0, "s1", "s2")
    assert usable(never) == []
    always = probed_pool(3, fail_open="true")
    check(always, ILL, 5.0, "s1")
    check(always, ILL, 500.0, "s2")
    check(always, BAD, 900.0, "s3")
    assert usable(always) == ["s1", "s2"]


def test_the_mode_can_be_changed_at_any_time() -> None:
    pool = probed_pool(2)
    check(pool, ILL, 5.0, "s1", "s2")
    told = pool.apply(attrs.evolve(pool.config, fail_open="false"), 6.0)
    assert (brief(told), usable(pool)) == (["fail_open_left"], [])
    told = pool.apply(attrs.evolve(pool.config, fail_open="true"), 7.0)
    assert (brief(told), usable(pool)) == (["fail_open_entered"], ["s1", "s2"])


def test_a_person_s_word_is_never_overruled() -> None:
    pool = probed_pool(3)
    pool.health_override("s1", False, 1.0)
    check(pool, ILL, 5.0, "s1", "s2", "s3")
    assert usable(pool) == ["s2", "s3"]
    told = pool.health_override("s2", False, 6.0)
    assert (brief(told), usable(pool)) == ([], ["s3"])


def test_who_is_drained_or_disabled_is_no_witness_and_is_not_held() -> None:
    pool = probed_pool(4)
    pool.drain_server("s3", 1.0, expires_at=None)
    pool.update_server(server(4, disabled=True), 1.0)
    for server_id in ("s3", "s4"):
        check(pool, GOOD, 2.0, server_id)
    assert check(pool, ILL, 5.0, "s1", "s2")[-1] == "fail_open_entered"
    assert usable(pool) == ["s1", "s2"]


def test_an_open_breaker_is_not_overruled_either() -> None:
    pool = probed_pool(2, circuit_breaker=BreakerConfig(), outlier_detection=NEVER_EJECTS)
    check(pool, ILL, 5.0, "s1", "s2")
    for _ in range(5):
        pool.observe(member(pool, "s1"), ERROR, 6.0)
    assert usable(pool) == ["s2"]
    for _ in range(5):
        pool.observe(member(pool, "s2"), ERROR, 6.0)
    assert pool.why_none(6.0).by_breaker


def test_who_is_held_may_be_ejected_and_comes_back_before_nobody_is_left() -> None:
    pool = probed_pool(2)
    check(pool, ILL, 5.0, "s1", "s2")
    eject(pool, "s1", 6.0)
    assert usable(pool) == ["s2"]
    told = [
        name for _ in range(3) for name in brief(pool.observe(member(pool, "s2"), TIMEOUT, 7.0))
    ]
    assert (told, usable(pool)) == (["server_readmitted s1"], ["s1"])


def test_a_renamed_server_is_held_as_before() -> None:
    pool = probed_pool(2)
    check(pool, ILL, 5.0, "s1", "s2")
    swapped = (server(1, id="s2"), server(2, id="s1"))
    assert list(pool.apply(attrs.evolve(pool.config, servers=swapped), 6.0)) == []
    assert usable(pool) == ["s2", "s1"]
    assert check(pool, GOOD, 7.0, "s1", "s2") == [
        "server_health_changed s1",
        "server_health_changed s2",
        "fail_open_left",
    ]


def test_a_server_that_leaves_ends_what_held_it() -> None:
    pool = probed_pool(2)
    check(pool, ILL, 5.0, "s1", "s2")
    told = pool.apply(attrs.evolve(pool.config, servers=(server(3),)), 6.0)
    assert brief(told)[0] == "fail_open_left"
    assert not pool._verdicts.fail_open.is_holding


# -- tiers


def test_a_healthy_backup_serves_before_any_bad_check_is_doubted() -> None:
    servers = (server(1), server(2), server(3, backup=True))
    pool = probed_pool(servers=servers)
    check(pool, ILL, 5.0, "s1", "s2")
    assert (usable(pool), picks(pool)) == (["s3"], ["s3"])
    told = check(pool, ILL, 6.0, "s3")
    assert told == ["server_health_changed s3", "fail_open_entered"]
    assert usable(pool) == ["s1", "s2", "s3"], "held servers keep their places: primaries first"


def test_a_further_priority_serves_while_breakers_keep_the_first_one_out() -> None:
    servers = (server(1), server(2, priority=1))
    pool = pool_of(
        plan(servers=servers, circuit_breaker=BreakerConfig(), outlier_detection=NEVER_EJECTS)
    )
    for _ in range(5):
        pool.observe(member(pool, "s1"), ERROR, 0.0)
    assert picks(pool) == ["s2"]
    pool.on_deadline(30.0)
    assert picks(pool) == ["s1", "s2"]
    with member(pool, "s1").lease():
        assert picks(pool) == ["s2"]


def test_a_disabled_or_drained_backup_is_no_backup() -> None:
    servers = (server(1), server(2, backup=True, disabled=True), server(3, backup=True))
    pool = probed_pool(servers=servers)
    pool.drain_server("s3", 1.0, expires_at=None)
    check(pool, BAD, 5.0, "s1")
    assert usable(pool) == []


# -- when to come back


@pytest.mark.parametrize(("next_check_at", "expected"), [(12.2, 3), (90.0, 20)])
def test_retry_after_is_the_next_instant_at_which_anybody_may_come_in(
    next_check_at: float, expected: int
) -> None:
    pool = probed_pool(2, circuit_breaker=BreakerConfig(timeout=20.0))
    for _ in range(5):
        pool.observe(member(pool, "s1"), ERROR, 10.0)
    check(pool, BAD, 10.0, "s2")
    member(pool, "s1").next_check_at = 10.5
    member(pool, "s2").next_check_at = next_check_at
    assert pool.why_none(10.0).retry_after_seconds == expected
