"""Verdicts together: one answer a server from all that is said of it, and no pool that is empty."""

from tests.state.books import (
    BAD,
    GOOD,
    brief,
    eject,
    member,
    plan,
    pool_of,
    probed_pool,
    usable,
)
from trio_lb.state.pool import NOTHING


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
