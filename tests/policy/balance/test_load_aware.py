"""Load: the least busy for its weight, ties by turns, and the same with few and many servers."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.balance.pool import (
    CONTEXT,
    Member,
    busy_pools,
    pick,
    picks,
    pool_of,
    shares,
    whole_order,
)
from trio_lb.policy.balance.load_aware import SCAN_MOST, LeastConnections, PowerOfTwo


def load(member: Member) -> float:
    return member.active_connections / member.weight


def lease(balancer: LeastConnections, pool: tuple[Member, ...]) -> Member:
    member = pick(balancer, pool)
    member.active_connections += 1
    balancer.leased(member)
    return member


def release(balancer: LeastConnections, member: Member) -> None:
    member.active_connections -= 1
    balancer.released(member)


def test_sequential_requests_are_spread_evenly() -> None:
    balancer, pool, seen = LeastConnections(), pool_of("abc"), ""
    for _ in range(9):
        member = lease(balancer, pool)
        release(balancer, member)
        seen += member.id
    assert seen == "abcabcabc"


def test_a_busy_server_gets_nothing_until_the_others_are_as_busy() -> None:
    balancer, pool = LeastConnections(), pool_of("abc")
    pool[0].active_connections = 3
    assert "".join(lease(balancer, pool).id for _ in range(9)) == "bcbcbcabc"


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=SCAN_MOST),
    st.integers(1, 5),
    st.integers(0, 40),
)
def test_law_among_equal_weights_the_first_of_the_least_active_in_turn_is_picked(
    active: list[int], weight: int, turns: int
) -> None:
    balancer, pool = LeastConnections(), pool_of([weight] * len(active))
    for _ in range(turns):  # All idle: each pick moves the turn on by one.
        pick(balancer, pool)
    for member, count in zip(pool, active, strict=True):
        member.active_connections = count
    start = turns % len(pool)
    turned = (*pool[start:], *pool[:start])
    assert pick(balancer, pool) is min(turned, key=load)


@pytest.mark.parametrize("copies", [1, 20])
def test_weights_set_how_much_each_may_hold(copies: int) -> None:
    """Below and above the number of servers at which the index takes over."""
    pool = tuple(Member(f"s{i}", weight) for i, weight in enumerate([1, 2, 5] * copies))
    balancer = LeastConnections()
    for _ in range(16 * copies):
        lease(balancer, pool)
    assert [m.active_connections for m in pool] == [2 * m.weight for m in pool]


def test_a_server_that_joins_a_busy_pool_is_filled_first() -> None:
    balancer, pool = LeastConnections(), pool_of("ab")
    for _ in range(6):
        lease(balancer, pool)
    larger = (*pool, Member("c"))
    assert "".join(lease(balancer, larger).id for _ in range(5)) == "cccab"


def test_ties_go_on_where_they_were_when_the_pool_changes() -> None:
    balancer = LeastConnections()
    assert picks(balancer, pool_of("abcd"), 2) == "ab"
    assert picks(balancer, pool_of("abc"), 4) == "cabc"


def test_picks_without_a_lease_take_turns_too() -> None:
    many = tuple(Member(f"s{i}") for i in range(SCAN_MOST + 4))
    for pool in (pool_of("abc"), many):
        balancer = LeastConnections()
        twice = [pick(balancer, pool).id for _ in range(2 * len(pool))]
        assert twice == 2 * [m.id for m in pool]


def test_further_choices_come_by_load_then_by_turn() -> None:
    pool = pool_of("abcde")
    for member, active in zip(pool, (2, 0, 1, 2, 0), strict=True):
        member.active_connections = active
    assert whole_order(LeastConnections(), pool) == "becda"


def test_it_wants_news_of_leases_and_ignores_those_of_other_pools() -> None:
    balancer = LeastConnections()
    assert balancer.tracks
    balancer.leased(Member("x", 1, 1))
    pool = tuple(Member(f"s{i}") for i in range(SCAN_MOST + 1))
    assert pick(balancer, pool).id == "s0"
    balancer.released(Member("x", 1, 0))
    assert pick(balancer, pool).id == "s1"


@given(busy_pools(), st.data())
def test_law_the_pick_is_always_least_loaded(pool: tuple[Member, ...], data: st.DataObject) -> None:
    """Random leases and releases, over pools on both sides of the index's threshold."""
    balancer, held = LeastConnections(), [m for m in pool for _ in range(m.active_connections)]
    for take in data.draw(st.lists(st.booleans(), max_size=60)):
        if take or not held:
            least = min(map(load, pool))
            member = pick(balancer, pool)
            assert load(member) == least
            member.active_connections += 1
            balancer.leased(member)
            held.append(member)
        else:
            release(balancer, held.pop(data.draw(st.integers(0, len(held) - 1))))


@pytest.mark.parametrize("algorithm", [LeastConnections, PowerOfTwo])
@given(pool=busy_pools(), seed=st.integers(0, 2**32))
def test_law_an_order_holds_everybody_once(
    algorithm: type[LeastConnections | PowerOfTwo], pool: tuple[Member, ...], seed: int
) -> None:
    tried = [m.id for m in algorithm().order(pool, CONTEXT, Random(seed))]
    assert sorted(tried) == sorted(m.id for m in pool)


@given(busy_pools(), st.integers(0, 2**32))
def test_law_the_first_of_two_is_never_the_busier_one(pool: tuple[Member, ...], seed: int) -> None:
    one, *others = PowerOfTwo().order(pool, CONTEXT, Random(seed))
    assert not others or load(one) <= load(others[0])


def test_of_two_servers_the_idler_always_wins() -> None:
    pool = pool_of("ab")
    pool[0].active_connections = 1
    assert picks(PowerOfTwo(), pool, 50, Random(1)) == "b" * 50


def test_the_busiest_of_all_is_never_chosen_first() -> None:
    pool = pool_of("abcd")
    pool[2].active_connections = 9
    assert "c" not in picks(PowerOfTwo(), pool, 500, Random(1))


def test_idle_servers_are_sampled_by_weight() -> None:
    seen = shares(picks(PowerOfTwo(), pool_of([1, 1, 8]), 1000, Random(1)))
    assert 0.75 < seen["c"] / 1000 < 0.85


def test_a_held_load_follows_the_weights() -> None:
    pool, rng, balancer = pool_of([1, 2, 5, 8]), Random(4), PowerOfTwo()
    for _ in range(1600):
        pick(balancer, pool, rng).active_connections += 1
    held = Counter({m.id: m.active_connections for m in pool})
    assert all(abs(held[m.id] - 100 * m.weight) <= 5 * m.weight + 5 for m in pool), held
