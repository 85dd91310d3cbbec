"""Quantiles by a histogram are within 1/64 of the true ones, over any range."""

import math

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.report.histogram import Histogram, bar_of, middle_of

VALUES = st.lists(st.integers(0, 10**12), min_size=1, max_size=200)
SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)


def filled(values: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(st.integers(0, 10**15))
def test_the_middle_of_a_bar_is_near_all_that_it_counts(value: int) -> None:
    assert abs(middle_of(bar_of(value)) - value) <= value / 64 + (0.5 if value >= 64 else 0)


@given(st.integers(0, 10**15))
def test_a_larger_value_never_has_a_lower_bar(value: int) -> None:
    assert bar_of(value) <= bar_of(value + 1) <= bar_of(value) + 1


@given(VALUES)
def test_quantiles_agree_with_those_of_the_sorted_values(values: list[int]) -> None:
    ordered = sorted(values)
    found = filled(values).quantiles(SHARES)
    for share, seen in zip(SHARES, found, strict=True):
        true = ordered[max(1, math.ceil(round(share * len(values), 6))) - 1]
        assert abs(seen - true) <= true / 32 + 1
    assert found == sorted(found)


@given(VALUES, VALUES)
def test_a_merged_histogram_is_that_of_both(some: list[int], more: list[int]) -> None:
    merged = filled(some)
    merged.merge(filled(more))
    both = filled(some + more)
    assert merged.bars() == both.bars()
    assert (merged.count, merged.total, merged.most) == (both.count, both.total, both.most)


def test_of_nothing_all_quantiles_are_zero() -> None:
    assert Histogram().quantiles(SHARES) == [0] * 5


def test_no_quantile_exceeds_the_greatest_value() -> None:
    low = 1 << 20  # The lowest value of its bar, whose middle is therefore above it.
    assert middle_of(bar_of(low)) > low
    assert filled([low]).quantiles((0.5, 1.0)) == [low, low]
