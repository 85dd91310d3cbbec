"""Slow start: while a server's ramp is r it gets r of its share, whatever the algorithm.

Hashes are the exception (``test_hash_balancer``): there a share is a set of keys.
"""

from collections import Counter
from random import Random

import pytest

from tests.policy.balance.pool import CONTEXT, Member, pick, picks, pool_of, shares, whole_order
from trio_lb.policy.balance.load_aware import SCAN_MOST, LeastConnections, PowerOfTwo
from trio_lb.policy.balance.registry import make_balancer
from trio_lb.policy.balance.rotation import RoundRobin, WeightedRoundRobin


def ramping(pool: tuple[Member, ...], ramp: float) -> tuple[Member, ...]:
    """The pool with its last server at ``ramp``: a new tuple, as at each step of a ramp."""
    pool[-1].ramp = ramp
    return (*pool,)


def test_turns_go_by_ramps_while_somebody_ramps() -> None:
    pool = ramping(pool_of("abc"), 0.1)
    assert shares(picks(RoundRobin(), pool, 210)) == {"a": 100, "b": 100, "c": 10}


def test_turns_by_ramp_look_at_no_weight() -> None:
    pool = ramping(pool_of([1, 7, 9]), 0.5)
    assert shares(picks(RoundRobin(), pool, 250)) == {"a": 100, "b": 100, "c": 50}


def test_weighted_turns_go_by_weight_and_ramp() -> None:
    pool = ramping(pool_of([1, 2, 4]), 0.5)
    assert shares(picks(WeightedRoundRobin(), pool, 250)) == {"a": 50, "b": 100, "c": 100}


def test_when_all_ramp_alike_the_rotation_is_as_ever() -> None:
    pool = pool_of("abc")
    for member in pool:
        member.ramp = 0.1
    assert picks(RoundRobin(), pool, 6) == "abcabc"


def test_a_rotation_goes_on_where_it_was_when_a_ramp_begins_and_ends() -> None:
    balancer, pool = RoundRobin(), pool_of("abcd")
    assert picks(balancer, pool, 1) == "a"
    assert picks(balancer, ramping(pool, 0.1), 3) == "bca"
    assert picks(balancer, ramping(pool, 1.0), 3) == "bcd"


def test_a_ramp_costs_a_request_none_of_its_choices() -> None:
    balancer, pool = RoundRobin(), ramping(pool_of("abcd"), 0.1)
    assert all(sorted(whole_order(balancer, pool, Random(n))) == list("abcd") for n in range(50))


@pytest.mark.parametrize(
    ("name", "given_weights", "expected"),
    [
        ("random", [1, 5, 1], 0.5 / 2.5),
        ("weighted_random", [1, 5, 4], 2 / 8),
        ("power_of_two", [2, 2, 2], 0.5 / 2.5),
    ],
)
def test_lots_are_drawn_by_ramps(name: str, given_weights: list[int], expected: float) -> None:
    pool = ramping(pool_of(given_weights), 0.5)
    seen = shares(picks(make_balancer(name), pool, 10_000, Random(3)))
    assert seen["c"] / 10_000 == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("size", [4, SCAN_MOST + 4])
def test_in_an_idle_pool_the_fewest_connections_pass_it_over_as_chance_says(size: int) -> None:
    pool = ramping(tuple(Member(f"s{i}") for i in range(size)), 0.1)
    balancer, dice = LeastConnections(), Random(5)
    seen = Counter(pick(balancer, pool, dice).id for _ in range(2000 * size))
    newcomer = seen.pop(pool[-1].id)
    assert newcomer == pytest.approx(200, abs=60)
    assert min(seen.values()) > 0.9 * max(seen.values())


@pytest.mark.parametrize("size", [4, SCAN_MOST + 4])
def test_in_a_busy_pool_it_is_filled_to_its_part_of_the_others_load(size: int) -> None:
    pool = ramping(tuple(Member(f"s{i}") for i in range(size)), 0.25)
    balancer, dice = LeastConnections(), Random(5)
    for _ in range(40 * (size - 1) + 10):
        member = pick(balancer, pool, dice)
        member.active_connections += 1
        balancer.leased(member)
    assert pool[-1].active_connections == pytest.approx(10, abs=1)
    assert {m.active_connections for m in pool[:-1]} <= {39, 40, 41}


@pytest.mark.parametrize("size", [3, SCAN_MOST + 3])
def test_a_pool_that_ramps_as_a_whole_is_served_all_the_same(size: int) -> None:
    pool = tuple(Member(f"s{i}", ramp=0.01) for i in range(size))
    seen = Counter(pick(LeastConnections(), pool, Random(n)).id for n in range(200))
    assert sum(seen.values()) == 200


@pytest.mark.parametrize("algorithm", [LeastConnections, PowerOfTwo])
def test_further_choices_still_hold_everybody(algorithm: type) -> None:
    pool = ramping(tuple(Member(f"s{i}") for i in range(20)), 0.1)
    order = algorithm().order(pool, CONTEXT, Random(1))
    assert {m.id for m in order} == {m.id for m in pool}
