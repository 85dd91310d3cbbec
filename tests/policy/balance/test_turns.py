"""Turns by share: exact in each cycle, and steady through any change of shares."""

from hypothesis import given
from hypothesis import strategies as st

from tests.policy.balance.pool import Member, pool_of, weights
from trio_lb.policy.balance.shares import alike, by_weight
from trio_lb.policy.balance.turns import Turns


def take(turns: Turns, pool: tuple[Member, ...], count: int) -> str:
    return "".join(pool[turns.take()].id for _ in range(count))


@given(weights(), st.lists(st.integers(1, 10), min_size=8, max_size=8))
def test_law_a_cycle_holds_each_as_often_as_its_share_in_tenths_says(
    given_weights: list[int], ramps: list[int]
) -> None:
    pool = pool_of(given_weights)
    for member, ramp in zip(pool, ramps, strict=False):
        member.ramp = ramp / 10
    turns = Turns(by_weight)
    turns.adopt(pool)
    seen = take(turns, pool, sum(map(by_weight, pool)))
    assert {m.id: seen.count(m.id) for m in pool} == {m.id: by_weight(m) for m in pool}


def test_who_is_unknown_begins_where_it_is_told() -> None:
    turns, pool = Turns(alike), pool_of("abcd")
    turns.adopt(pool, begin=2)
    assert take(turns, pool, 5) == "cdabc"
    turns.adopt((*pool,), begin=0)
    assert take(turns, pool, 2) == "da", "who is known goes on where it was"


def test_a_beginning_behind_the_last_of_a_lane_is_its_first() -> None:
    turns, pool = Turns(by_weight), pool_of([2, 2, 1])
    turns.adopt(pool, begin=2)
    assert take(turns, pool, 5) == "ababc"


@given(st.integers(2, 6), st.integers(0, 60))
def test_law_a_ramp_that_climbs_never_takes_more_than_its_share_so_far(
    size: int, each: int
) -> None:
    """``each`` turns at each tenth: the newcomer never exceeds what its ramp adds up to."""
    pool = pool_of("abcdef"[:size])
    turns, got, owed = Turns(alike), 0, 0.0
    for tenth in range(1, 11):
        pool[-1].ramp = tenth / 10
        pool = (*pool,)
        turns.adopt(pool)
        got += take(turns, pool, each).count(pool[-1].id)
        owed += each * tenth / (10 * (size - 1) + tenth)
        assert abs(got - owed) <= tenth, "less than one turn for each change of share"
