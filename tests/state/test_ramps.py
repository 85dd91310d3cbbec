"""Slow start in a pool: every return begins a ramp, every step makes a new tuple, and no other."""

import attrs
import pytest

from tests.state.books import (
    BAD,
    GOOD,
    ILL,
    OK,
    REFUSED,
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
from trio_lb.state.pool import Pool
from trio_lb.state.ramps import Ramps
from trio_lb.state.rotation import Rotation
from trio_lb.state.server import Server


def ramps(pool: Pool) -> list[float]:
    """The share of each member."""
    return [each.ramp for each in pool.members]


def fall(pool: Pool, server_id: str, now: float) -> None:
    """Three bad checks take a server out."""
    for _ in range(3):
        pool.checked(member(pool, server_id), BAD, now)


def rise(pool: Pool, server_id: str, now: float) -> None:
    """Two good checks bring a server back."""
    for _ in range(2):
        pool.checked(member(pool, server_id), GOOD, now)


def test_a_recovered_server_climbs_to_its_full_share_in_steps_of_a_tenth() -> None:
    pool = probed_pool(2, slow_start=30.0)
    fall(pool, "s1", 1.0)
    rise(pool, "s1", 100.0)
    seen = []
    while pool.deadline is not None:
        seen.append((pool.deadline, member(pool, "s1").ramp))
        assert list(pool.on_deadline(pool.deadline)) == []
    assert seen == [(100.0 + 3.0 * step, (step - 1) / 10) for step in range(2, 11)]
    assert ramps(pool) == [1.0, 1.0]


def test_each_step_makes_a_new_tuple_and_nothing_else_does() -> None:
    pool = probed_pool(2, slow_start=30.0)
    fall(pool, "s1", 1.0)
    rise(pool, "s1", 100.0)
    (before,) = pool._rotation.tiers
    pool.observe(member(pool, "s1"), OK, 101.0)
    pool.on_deadline(105.999)
    assert pool._rotation.tiers[0] is before
    pool.on_deadline(106.0)
    (after,) = pool._rotation.tiers
    assert after is not before
    assert after == before


def test_a_server_that_starts_slowly_gets_a_tenth_of_its_share() -> None:
    """Of ten full turns and one of a tenth, in whichever order they come."""
    pool = probed_pool(2, slow_start=30.0, algorithm="weighted_round_robin")
    fall(pool, "s1", 1.0)
    rise(pool, "s1", 100.0)
    first = [picks(pool)[0] for _ in range(110)]
    assert (first.count("s1"), first.count("s2")) == (10, 100)


def test_servers_of_the_first_plan_were_there_before_and_are_warm() -> None:
    assert ramps(probed_pool(2, slow_start=30.0)) == [1.0, 1.0]
    assert ramps(pool_of(plan(2, slow_start=30.0))) == [1.0, 1.0]


def test_a_server_of_the_first_plan_that_is_found_bad_first_is_not() -> None:
    pool = pool_of(plan(2, probes=True, slow_start=30.0))
    pool.checked(member(pool, "s1"), BAD, 0.0)
    pool.checked(member(pool, "s2"), GOOD, 0.0)
    rise(pool, "s1", 5.0)
    assert ramps(pool) == [0.1, 1.0]


@pytest.mark.parametrize("probes", [True, False])
def test_a_new_server_starts_slowly_beside_others(probes: bool) -> None:
    pool = probed_pool(2, slow_start=30.0) if probes else pool_of(plan(2, slow_start=30.0))
    pool.add_server(server(3), 5.0)
    if probes:
        pool.checked(member(pool, "s3"), GOOD, 5.0)
    assert (usable(pool), ramps(pool)) == (["s1", "s2", "s3"], [1.0, 1.0, 0.1])


def test_a_readmitted_server_starts_slowly() -> None:
    pool = pool_of(plan(2, slow_start=30.0))
    eject(pool, "s1", 1.0)
    assert ramps(pool) == [1.0, 1.0], "who is out has no share to be less than whole"
    pool.on_deadline(6.0)
    assert ramps(pool) == [0.1, 1.0]


def test_a_server_that_is_resumed_or_enabled_starts_slowly() -> None:
    pool = pool_of(plan(2, slow_start=30.0))
    pool.drain_server("s1", 1.0, expires_at=None)
    pool.resume_server("s1", 2.0)
    pool.update_server(server(2, disabled=True), 3.0)
    pool.update_server(server(2), 4.0)
    assert ramps(pool) == [0.1, 0.1]


def test_a_server_whose_breaker_closes_starts_slowly_and_its_trials_do_not() -> None:
    breaker = BreakerConfig(failure_threshold=1, threshold=None, success_threshold=2)
    config = plan(
        2, circuit_breaker=breaker, outlier_detection=OutlierConfig(enabled=False), slow_start=30.0
    )
    pool = pool_of(config)
    one = member(pool, "s1")
    pool.observe(one, REFUSED, 0.0)
    pool.on_deadline(30.0)
    seen = []
    for _ in range(2):
        with one.lease():
            pool.observe(one, OK, 31.0)
            seen.append(one.ramp)
    assert (seen, ramps(pool)) == ([1.0, 0.1], [0.1, 1.0])


def test_a_second_return_begins_anew() -> None:
    pool = probed_pool(2, slow_start=30.0)
    for now in (100.0, 115.0):
        fall(pool, "s1", now)
        rise(pool, "s1", now)
        pool.on_deadline(now + 14.0)
    assert (ramps(pool), pool.deadline) == ([0.4, 1.0], 115.0 + 15.0)


def test_fail_open_puts_servers_back_as_warm_as_they_went() -> None:
    pool = probed_pool(2, slow_start=30.0)
    for server_id in ("s1", "s2"):
        for _ in range(3):
            pool.checked(member(pool, server_id), ILL, 5.0)
    assert (usable(pool), ramps(pool)) == (["s1", "s2"], [1.0, 1.0])


def test_another_time_applies_to_the_ramps_under_way() -> None:
    pool = probed_pool(2, slow_start=30.0)
    fall(pool, "s1", 1.0)
    rise(pool, "s1", 100.0)
    pool.apply(attrs.evolve(pool.config, slow_start=100.0), 101.0)
    assert (ramps(pool), pool.deadline) == ([0.1, 1.0], 120.0)
    pool.apply(attrs.evolve(pool.config, slow_start=0.0), 102.0)
    assert ramps(pool) == [1.0, 1.0]
    assert list(pool.on_deadline(120.0)) == []


def test_switched_on_it_leaves_those_alone_who_serve_already() -> None:
    pool = probed_pool(2)
    fall(pool, "s1", 1.0)
    pool.apply(attrs.evolve(pool.config, slow_start=30.0), 2.0)
    rise(pool, "s1", 3.0)
    assert ramps(pool) == [0.1, 1.0]


def test_switched_off_it_costs_and_remembers_nothing() -> None:
    pool = probed_pool(2)
    fall(pool, "s1", 1.0)
    rise(pool, "s1", 2.0)
    assert (ramps(pool), pool.deadline) == ([1.0, 1.0], None)


def test_a_renamed_server_keeps_its_place_on_the_ramp() -> None:
    pool = probed_pool(2, slow_start=30.0)
    fall(pool, "s1", 1.0)
    rise(pool, "s1", 100.0)
    pool.on_deadline(115.0)
    swapped = (server(1, id="s2"), server(2, id="s1"))
    pool.apply(attrs.evolve(pool.config, servers=swapped), 116.0)
    assert ramps(pool) == [0.5, 1.0]
    pool.on_deadline(118.0)
    assert ramps(pool) == [0.6, 1.0]


def test_a_leaver_that_comes_back_starts_slowly() -> None:
    pool = pool_of(plan(2, slow_start=30.0))
    with member(pool, "s1").lease():
        pool.remove_server("s1", 1.0)
        pool.add_server(server(1), 2.0)
    assert [(each.id, each.ramp) for each in pool.members] == [("s2", 1.0), ("s1", 0.1)]


def test_a_zone_of_its_own_checks_is_no_reason_to_forget_a_ramp() -> None:
    pool = probed_pool(2, slow_start=30.0)
    fall(pool, "s1", 1.0)
    rise(pool, "s1", 100.0)
    check = HealthCheckConfig(interval=9.0)
    pool.update_server(server(1, health_check=check, weight=7), 101.0)
    assert ramps(pool) == [0.1, 1.0]


def test_books_of_their_own_follow_a_server_through_its_life() -> None:
    rotation, one = Rotation(), Server("api", server(1), None)
    rotation.replace([one])
    books = Ramps(10.0, rotation)
    books.note(one, 0.0)
    assert (one.ramp, books.deadline, books.is_on) == (0.1, 2.0, True)
    books.note(one, 1.0)
    assert books.deadline == 2.0, "it has been noted before"
    books.on_deadline(9.0)
    assert one.ramp == 0.9
    books.forget(one)
    assert one.ramp == 1.0
