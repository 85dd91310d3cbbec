"""Shares are whole tenths of a weight, and never nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.balance.pool import Member, pool_of
from trio_lb.policy.balance.shares import alike, by_weight, is_ramping


@pytest.mark.parametrize(
    ("weight", "ramp", "weighted", "plain"),
    [(1, 1.0, 10, 10), (3, 1.0, 30, 10), (3, 0.5, 15, 5), (1, 0.01, 1, 1), (65535, 0.1, 65535, 1)],
)
def test_a_share_is_counted_in_tenths(weight: int, ramp: float, weighted: int, plain: int) -> None:
    member = Member("a", weight, ramp=ramp)
    assert (by_weight(member), alike(member)) == (weighted, plain)


@given(st.integers(1, 65535), st.floats(0, 1, exclude_min=True))
def test_law_a_ramp_never_gives_nothing_nor_more_than_all(weight: int, ramp: float) -> None:
    member = Member("a", weight, ramp=ramp)
    assert 1 <= by_weight(member) <= 10 * weight
    assert 1 <= alike(member) <= 10


def test_one_who_ramps_is_enough() -> None:
    pool = pool_of("ab")
    assert not is_ramping(pool)
    pool[1].ramp = 0.9
    assert is_ramping(pool)
