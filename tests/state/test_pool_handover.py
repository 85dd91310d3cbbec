"""All of a pool's servers are exchanged at once: the old ones serve until a new one can."""

from hypothesis import given
from hypothesis import strategies as st

from tests.state.books import (
    GOOD,
    ILL,
    brief,
    member,
    picks,
    plan,
    pool_of,
    probed_pool,
    server,
    usable,
)
from trio_lb.config.schema import HealthCheckConfig, PoolConfig
from trio_lb.state.pool import Pool


def of(*numbers: int) -> PoolConfig:
    """A plan that is probed, and names servers of these numbers."""
    return plan(probes=True, servers=tuple(map(server, numbers)))


def exchanged() -> Pool:
    """Two healthy servers, exchanged at 1.0 for two that nobody has checked; drains take 30 s."""
    pool = probed_pool(2)
    assert brief(pool.apply(of(3, 4), 1.0, expires_at=31.0)) == [
        "server_added s3",
        "server_added s4",
    ]
    return pool


def test_the_old_servers_serve_until_the_first_new_one_is_found_well() -> None:
    pool = exchanged()
    assert usable(pool) == ["s1", "s2"]
    assert sorted(picks(pool)) == ["s1", "s2"]
    told = pool.checked(member(pool, "s4"), GOOD, 1.5)
    assert brief(told) == [
        "server_health_changed s4",
        "server_draining s1",
        "server_drained s1",
        "server_removed s1",
        "server_draining s2",
        "server_drained s2",
        "server_removed s2",
    ]
    assert (usable(pool), [each.id for each in pool.servers()]) == (["s4"], ["s3", "s4"])
    assert pool.deadline is None


def test_what_they_still_do_then_has_all_of_a_drain_s_time() -> None:
    pool = exchanged()
    one = member(pool, "s1")
    with one.lease():
        pool.checked(member(pool, "s3"), GOOD, 21.0)
        assert (one.state, one.is_usable) == ("draining", False)
        assert pool.deadline == 51.0


def test_new_servers_that_fail_their_checks_are_waited_for_as_long_as_a_drain_may_take() -> None:
    pool = exchanged()
    for name in ("s3", "s4"):
        pool.checked(member(pool, name), ILL, 1.5)
    assert (usable(pool), pool.deadline) == (["s1", "s2"], 31.0)
    assert not brief(pool.on_deadline(30.9))
    told = brief(pool.on_deadline(31.0))
    assert told[:2] == ["server_draining s1", "server_drained s1"]
    assert (usable(pool), pool.deadline) == ([], None)


def test_nobody_stands_in_where_somebody_stays_or_serves_at_once() -> None:
    pool = probed_pool(2)
    assert "server_draining s1" in brief(pool.apply(of(2, 3), 1.0, expires_at=31.0))
    assert usable(pool) == ["s2"]
    pool = probed_pool(2)
    unchecked = plan(servers=(server(3),), health_check=HealthCheckConfig(enabled=False))
    assert "server_draining s1" in brief(pool.apply(unchecked, 1.0, expires_at=31.0))
    assert usable(pool) == ["s3"]


def test_servers_that_go_without_successors_are_gone_at_once() -> None:
    pool = exchanged()
    told = brief(pool.apply(of(), 2.0, expires_at=32.0))
    assert told[-3:] == ["server_draining s2", "server_drained s2", "server_removed s2"]
    assert (usable(pool), pool.servers()) == ([], ())


def test_a_sick_server_does_not_stand_in() -> None:
    pool = probed_pool(2)
    pool.health_override("s1", False, 0.5)
    told = brief(pool.apply(of(3), 1.0, expires_at=31.0))
    assert told[:2] == ["server_added s3", "server_draining s1"]
    assert usable(pool) == ["s2"]


def test_a_second_plan_keeps_them_and_a_third_takes_one_back() -> None:
    pool = exchanged()
    told = brief(pool.apply(of(5), 2.0, expires_at=32.0))
    assert told[0] == "server_added s5"
    assert {"server_removed s3", "server_removed s4"} <= set(told)
    assert (usable(pool), pool.deadline) == (["s1", "s2"], 31.0)
    told = brief(pool.apply(of(2, 5), 3.0, expires_at=33.0))
    assert told[0] == "server_added s2"
    assert "server_removed s1" in told
    assert (usable(pool), member(pool, "s2").state) == (["s2"], "healthy")


def test_a_stand_in_that_a_person_drains_is_out_at_once() -> None:
    pool = exchanged()
    pool.drain_server("s1", 2.0, expires_at=None)
    assert usable(pool) == ["s2"]
    assert pool.get_server("s1") is None


def test_a_namesake_at_another_address_takes_over_when_it_is_well() -> None:
    pool = probed_pool(1)
    moved = server(9, id="s1")
    pool.update_server(moved, 1.0, expires_at=31.0)
    assert [each.address.host for each in pool.usable] == ["10.0.0.1"]
    pool.checked(member(pool, "s1"), GOOD, 2.0)
    assert [each.address.host for each in pool.usable] == ["10.0.0.9"]


@given(
    st.lists(
        st.one_of(
            st.lists(st.integers(1, 4), unique=True, max_size=3),
            st.tuples(st.integers(1, 4), st.booleans()),
        ),
        max_size=12,
    )
)
def test_law_whoever_is_not_named_serves_only_while_nobody_named_can(
    steps: list[list[int] | tuple[int, bool]],
) -> None:
    pool = pool_of(of(1))
    for now, step in enumerate(steps, start=1):
        if isinstance(step, list):
            pool.apply(of(*step), float(now), expires_at=now + 3.0)
        elif (found := pool.get_server(f"s{step[0]}")) is not None:
            pool.checked(found, GOOD if step[1] else ILL, float(now))
        pool.on_deadline(float(now))
        named = [each for each in pool.usable if each in pool.members]
        others = [each for each in pool.usable if each not in pool.members]
        assert not (named and others)
        assert not others or pool.members, "somebody is awaited"
        assert all(each.drain.is_active for each in others)
    pool.on_deadline(100.0)
    assert all(each in pool.members for each in pool.usable)
    assert all(each in pool.members for each in pool.servers())
