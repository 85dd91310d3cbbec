"""Lots: shares follow the weights, within bounds that chance does not leave in a lifetime."""

from math import sqrt
from random import Random as Dice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.balance.pool import picks, pool_of, shares, weights, whole_order
from trio_lb.policy.balance.chance import Random, WeightedRandom

both = pytest.mark.parametrize("algorithm", [Random, WeightedRandom])


def is_plausible(seen: int, of: int, chance: float) -> bool:
    """Whether a count lies within six standard deviations (and six, for rare ones) of the mean."""
    return abs(seen - of * chance) <= 6 * sqrt(of * chance * (1 - chance)) + 6


@given(weights(), st.integers(0, 2**32))
def test_law_weighted_shares_are_those_of_the_weights(given_weights: list[int], seed: int) -> None:
    pool, total = pool_of(given_weights), sum(given_weights)
    seen = shares(picks(WeightedRandom(), pool, 1000, Dice(seed)))
    assert all(is_plausible(seen.get(m.id, 0), 1000, m.weight / total) for m in pool)


def test_plain_random_does_not_look_at_weights() -> None:
    pool = pool_of([1, 100, 10_000])
    seen = shares(picks(Random(), pool, 9000, Dice(7)))
    assert all(is_plausible(seen[m.id], 9000, 1 / 3) for m in pool)


def test_weights_of_one_to_three_give_one_and_three_quarters() -> None:
    seen = shares(picks(WeightedRandom(), pool_of([1, 3]), 10_000, Dice(1)))
    assert is_plausible(seen["a"], 10_000, 0.25)
    assert is_plausible(seen["b"], 10_000, 0.75)


@both
def test_the_same_seed_draws_the_same_servers(algorithm: type[Random | WeightedRandom]) -> None:
    pool = pool_of([2, 3, 5])
    assert picks(algorithm(), pool, 50, Dice(3)) == picks(algorithm(), pool, 50, Dice(3))


@both
@given(given_weights=weights(), seed=st.integers(0, 2**32))
def test_law_an_order_holds_everybody_once(
    algorithm: type[Random | WeightedRandom], given_weights: list[int], seed: int
) -> None:
    pool = pool_of(given_weights)
    assert sorted(whole_order(algorithm(), pool, Dice(seed))) == [m.id for m in pool]


def test_who_comes_second_is_drawn_too() -> None:
    seen = {whole_order(Random(), pool_of("abc"), Dice(seed)) for seed in range(100)}
    assert len(seen) == 6


def test_a_changed_pool_is_drawn_by_its_new_weights() -> None:
    balancer, rng = WeightedRandom(), Dice(5)
    picks(balancer, pool_of([1, 1]), 10, rng)
    seen = shares(picks(balancer, pool_of([1, 1, 8]), 1000, rng))
    assert is_plausible(seen["c"], 1000, 0.8)
