"""Durations are said in the unit that suits them, with so many digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.durations import EXACT_DIGITS, duration

UNITS = {"ns": 1, "µs": 10**3, "ms": 10**6, "s": 10**9}


@pytest.mark.parametrize(
    ("ns", "says"),
    [
        (0, "0 s"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (40_000, "40 µs"),
        (12_345_678, "12.3 ms"),
        (1.5e9, "1.5 s"),
        (999_999_999, "1 s"),
        (3.6e12, "3600 s"),
        (-12_500_000, "-12.5 ms"),
    ],
)
def test_a_figure_has_three_digits_and_a_unit(ns: float, says: str) -> None:
    assert duration(ns) == says


@pytest.mark.parametrize(
    ("ns", "says"),
    [
        (1_013_500_000, "1.014 s"),
        (12_345_678, "12.35 ms"),
        (999_999_999, "1 s"),
        (999_960_000, "1 s"),
        (999_940_000, "999.9 ms"),
        (12_345_000_000_000, "12345 s"),
    ],
)
def test_a_step_of_a_request_has_four(ns: float, says: str) -> None:
    assert duration(ns, EXACT_DIGITS) == says


@given(st.integers(1, 10**15), st.integers(2, 6))
def test_what_is_said_is_what_it_was_but_for_the_digits_left_out(ns: int, digits: int) -> None:
    amount, unit = duration(ns, digits).split()
    assert "e" not in amount
    assert float(amount) * UNITS[unit] == pytest.approx(ns, rel=10.0 ** (1 - digits))
    assert 1 <= float(amount) < 1000 or unit == "s"
