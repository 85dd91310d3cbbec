"""How clients ask: their bounds, and the pauses before they ask again."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.actors.policy import ClientPolicy, Exponential, FullJitter, NoBackoff


@pytest.mark.parametrize(
    "wrong",
    [{"timeout": 0.0}, {"posts": 1.5}, {"retries": -1}, {"requests_per_connection": 0}],
)
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"above 0 s|in \[0, 1\]|or more"):
        ClientPolicy(**wrong)  # type: ignore[arg-type]  # Wrong on purpose, and each of its own type.


def test_pauses_double_until_the_cap() -> None:
    backoff, rng = Exponential(base=0.5, cap=3.0), random.Random(1)
    assert [backoff.seconds(retry, rng) for retry in (1, 2, 3, 4, 5000)] == [
        0.5,
        1.0,
        2.0,
        3.0,
        3.0,
    ]
    assert NoBackoff().seconds(7, rng) == 0.0


@given(st.integers(1, 100), st.integers(0, 1000))
def test_full_jitter_is_anywhere_below_the_exponential_pause(retry: int, seed: int) -> None:
    most = Exponential(0.1, 10.0).seconds(retry, random.Random(seed))
    assert 0.0 <= FullJitter(0.1, 10.0).seconds(retry, random.Random(seed)) < most
