"""Outages: what is lost, and when TCP gets through again."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.outages import RTO_MAX_SECONDS, Outages


def down_from_ten_to_twenty() -> Outages:
    outages = Outages()
    outages.begin(10.0)
    outages.end(20.0)
    return outages


def test_nothing_gets_through_while_it_lasts() -> None:
    outages = Outages()
    outages.begin(10.0)
    assert outages.is_down
    assert [outages.reached(at) for at in (9.9, 10.0, 99.0)] == [9.9, math.inf, math.inf]


def test_the_first_copy_after_it_gets_through() -> None:
    outages = down_from_ten_to_twenty()
    assert not outages.is_down
    # Copies of the first come 0.2, 0.6, 1.4, 3.0, 6.2 and 12.6 seconds later.
    assert outages.reached(10.0) == pytest.approx(22.6)
    assert outages.reached(19.9) == pytest.approx(20.1)
    assert outages.reached(20.0) == 20.0


def test_after_long_enough_copies_come_every_two_minutes() -> None:
    outages = Outages()
    outages.begin(0.0)
    outages.end(10_000.0)
    assert 10_000.0 <= outages.reached(0.0) <= 10_000.0 + RTO_MAX_SECONDS


def test_copies_may_meet_the_next_outage() -> None:
    outages = down_from_ten_to_twenty()
    outages.begin(22.0)
    assert outages.reached(10.0) == math.inf


def test_beginning_and_ending_again_change_nothing() -> None:
    outages = Outages()
    outages.end(1.0)
    outages.begin(10.0)
    outages.begin(15.0)
    outages.end(20.0)
    outages.end(30.0)
    assert outages.reached(12.0) == down_from_ten_to_twenty().reached(12.0)
    assert outages.reached(25.0) == 25.0


def test_of_what_is_forgotten_nobody_may_ask_and_the_rest_is_as_it_was() -> None:
    outages = down_from_ten_to_twenty()
    outages.begin(30.0)
    outages.end(40.0)
    outages.forget(20.0)
    assert outages.spans == [(30.0, 40.0)]
    outages.begin(50.0)
    outages.forget(45.0)
    assert outages.spans == [(50.0, math.inf)]
    assert outages.is_down


@given(st.lists(st.floats(0, 1000), max_size=6).map(sorted), st.floats(0, 1000))
def test_what_arrives_never_does_so_earlier_nor_in_an_outage(
    switched: list[float], arrival: float
) -> None:
    outages = Outages()
    for number, at in enumerate(switched):
        (outages.end if number % 2 else outages.begin)(at)
    reached = outages.reached(arrival)
    assert reached >= arrival
    assert reached == math.inf or outages.reached(reached) == reached
