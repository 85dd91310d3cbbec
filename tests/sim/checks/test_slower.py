"""Slower, or by chance: how many may be beyond, exactly."""

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.checks.slower import CHANCE, Slower, most_by_chance

MS = 1_000_000


def exact_tail(beyond: int, before: int, rank: int, after: int) -> Fraction:
    """P(so many or more), by whole numbers."""
    ways = sum(
        math.comb(x + rank - 1, x) * math.comb(after - x + before - rank, after - x)
        for x in range(beyond, after + 1)
    )
    return Fraction(ways, math.comb(before + after, after))


def evenly(count: int, most_ms: float) -> list[int]:
    """So many waits from next to nothing to ``most_ms``, at equal distances."""
    return [round(most_ms * MS * (number + 1) / count) for number in range(count)]


@pytest.mark.parametrize(
    ("before", "rank", "after", "most"),
    [
        (100, 2, 100, 15),
        (300, 4, 300, 21),
        (1200, 13, 1200, 38),
        (1200, 13, 100, 7),
        (100, 2, 1, 1),
    ],
)
def test_so_many_may_be_beyond_by_chance(before: int, rank: int, after: int, most: int) -> None:
    assert most_by_chance(before, rank, after) == most


@given(
    before=st.integers(1, 120), after=st.integers(1, 120), data=st.data(),
    chance=st.sampled_from([0.05, 1e-2, 1e-4]),
)  # fmt: skip
def test_law_it_is_the_largest_that_chance_explains(
    before: int, after: int, data: st.DataObject, chance: float
) -> None:
    rank = data.draw(st.integers(1, before))
    most = most_by_chance(before, rank, after, chance)
    # Sums of floats differ from the exact ones in the last digits only.
    assert most == 0 or exact_tail(most, before, rank, after) > chance * (1 - 1e-6)
    assert most == after or exact_tail(most + 1, before, rank, after) <= chance * (1 + 1e-6)


def test_large_samples_do_not_underflow() -> None:
    assert most_by_chance(100_000, 1_001, 100_000) == 1173


def test_one_p99_above_the_other_is_chance_in_a_small_sample() -> None:
    before, after = evenly(100, 100), [*evenly(98, 100), 150 * MS, 200 * MS]
    slower = Slower.of(before, after, 1.2)
    assert (slower.p99s, slower.beyond, slower.most) == ((99 * MS, 150 * MS), 2, 15)
    assert not slower.is_slower
    assert slower.found == "1.52 times, by chance"


def test_twice_as_slow_is_no_chance_for_some_hundreds() -> None:
    slower = Slower.of(evenly(300, 100), evenly(300, 200), 1.2)
    assert slower.is_slower
    assert slower.found == "2.00 times"
    assert str(slower) == (
        "122 of 300 take longer than 118.800 ms, chance explains 21: p99 is 198.000 ms and was"
        " 99.000 ms of 300, allowed are 1.2 times as much"
    )


def test_twice_as_slow_is_told_with_long_tails_too() -> None:
    """Few of a lognormal service's answers reach the p99 when all take twice as long: 4 in 100."""
    times = random.Random(1)
    waits = [times.lognormvariate(16.3, 0.8) for _ in range(2400)]
    before, after = ([round(each) for each in part] for part in (waits[:1200], waits[1200:]))
    assert not Slower.of(before, after, 1.2).is_slower
    assert Slower.of(before, [2 * each for each in after], 1.2).is_slower


def test_the_same_service_is_never_called_slower_though_its_p99_often_is() -> None:
    """The bound is once in ten thousand, and lower with a factor to spare."""
    times = random.Random(7)
    seemed = called = 0
    for _ in range(300):
        before, after = ([round(times.expovariate(1e-7)) for _ in range(300)] for _ in range(2))
        slower = Slower.of(before, after, 1.1)
        seemed += slower.times > 1.1
        called += slower.is_slower
    assert seemed > 60
    assert called == 0
    assert CHANCE == 1e-4


def test_equal_waits_are_not_beyond() -> None:
    assert not Slower.of([10 * MS] * 100, [12 * MS] * 100, 1.2).is_slower
    assert Slower.of([10 * MS] * 100, [13 * MS] * 100, 1.2).beyond == 100
