"""Jain's index: 1 where all have the same, 1/n where one has it all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.jain import jain_index


@given(st.lists(st.just(0.0) | st.floats(0.001, 1e6), min_size=1, max_size=20))
def test_law_it_lies_between_one_for_one_and_one_for_all(loads: list[float]) -> None:
    assert 1 / len(loads) - 1e-9 <= jain_index(loads) <= 1 + 1e-9


@given(st.floats(0.001, 1e6), st.integers(1, 20))
def test_law_equals_are_even_and_one_who_has_it_all_is_alone(load: float, count: int) -> None:
    assert jain_index([load] * count) == pytest.approx(1.0)
    assert jain_index([load, *([0.0] * (count - 1))]) == pytest.approx(1 / count)


def test_where_there_is_nothing_nobody_is_treated_unfairly() -> None:
    assert jain_index([]) == jain_index([0.0, 0.0]) == 1.0
