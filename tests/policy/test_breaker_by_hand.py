"""A person's hand on the breaker: it holds until a person lets go."""

import pytest

from tests.policy.test_breaker import breaker, closed, half_open, opened, serve
from trio_lb.policy.breaker import Breaker, BreakerState

CLOSED, OPEN, HALF_OPEN = BreakerState


def test_opened_by_hand_it_stays_open_until_a_person_closes_it() -> None:
    b = Breaker("api", "a")
    assert b.open_by_hand(1.0) == opened(1.0, None, "manual")
    assert (b.state, b.is_held, b.deadline) == (OPEN, True, None)
    assert b.open_by_hand(2.0) == []
    assert b.on_deadline(1e9) == []
    assert serve(b, 1e9, "S" * 100) == []
    assert b.close_by_hand(2e9) == closed(2e9, "manual")
    assert (b.state, b.is_held) == (CLOSED, False)


def test_reset_hands_it_back_to_its_own_judgement() -> None:
    b = breaker()
    b.open_by_hand(1.0)
    assert b.reset(2.0) == closed(2.0, "manual")
    assert b.reset(3.0) == []
    assert serve(b, 3.0, "FFFFF") == opened(3.0, until=33.0)


@pytest.mark.parametrize(("by_hand", "lasts"), [("close_by_hand", 30.0), ("reset", 60.0)])
@pytest.mark.parametrize("state", [OPEN, HALF_OPEN])
def test_close_forgets_earlier_openings_and_reset_does_not(
    by_hand: str, lasts: float, state: BreakerState
) -> None:
    b = breaker()
    serve(b, 0.0, "FFFFF")
    if state is HALF_OPEN:
        half_open(b)
    assert getattr(b, by_hand)(30.0) == closed(30.0, "manual")
    serve(b, 31.0, "FFFFF")
    assert b.deadline == 31.0 + lasts


def test_close_clears_the_counts_of_a_closed_one() -> None:
    b = breaker(threshold=0.5, min_requests=8)
    serve(b, 1.0, "FFFF")
    assert b.close_by_hand(2.0) == []
    assert serve(b, 3.0, "FFFF") == []
    assert (b.statistics().requests, b.statistics().consecutive_failures) == (4, 4)


@pytest.mark.parametrize("state", [OPEN, HALF_OPEN])
def test_a_person_takes_over_from_any_state(state: BreakerState) -> None:
    b = breaker()
    serve(b, 0.0, "FFFFF")
    if state is HALF_OPEN:
        half_open(b)
        b.begin_trial()
    assert b.open_by_hand(35.0) == opened(35.0, None, "manual")
    assert b.on_deadline(1000.0) == []
    if state is HALF_OPEN:
        b.end_trial()
    assert b.statistics().trials == 0
