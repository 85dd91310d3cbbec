"""A failure is slow, slower each time, and never beyond a minute unless it took longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.policy.balance.penalty import seconds_of_failure


@pytest.mark.parametrize(
    ("seconds", "estimate", "counted"),
    [
        (0.001, 0.0, 0.3),
        (0.001, 0.01, 0.3),
        (0.001, 0.2, 2.0),
        (0.001, 5.0, 50.0),
        (0.001, 30.0, 60.0),
        (90.0, 30.0, 90.0),
    ],
)
def test_it_counts_ten_times_what_the_server_takes(
    seconds: float, estimate: float, counted: float
) -> None:
    assert seconds_of_failure(seconds, estimate) == counted


@given(st.floats(0, 1e4), st.floats(0, 1e4))
def test_law_it_is_never_faster_than_it_was(seconds: float, estimate: float) -> None:
    assert seconds_of_failure(seconds, estimate) >= max(seconds, 0.3, min(estimate, 60.0))


def test_a_server_that_only_fails_soon_counts_as_a_minute() -> None:
    counted, failures = 0.01, 0
    while counted < 60:
        counted, failures = seconds_of_failure(0.001, counted), failures + 1
    assert failures == 4
