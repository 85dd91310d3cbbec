"""A reset, or the last packet of a handshake: when does it end?"""

import math
import random

import pytest

from trio_lb.sim.link import Path
from trio_lb.sim.trip import Trip


@pytest.fixture
def there() -> Path:
    return Path(1.0, random.Random(0))


@pytest.fixture
def back() -> Path:
    return Path(2.0, random.Random(0))


def test_it_arrives_in_its_time_or_at_the_end_of_a_stall(there: Path) -> None:
    trip = Trip(5.0, there)
    assert trip.ends_at() == 5.0
    there.stall(4.0)
    assert trip.ends_at() == math.inf
    there.heal(9.0)
    assert trip.ends_at() == 9.0


def test_an_answer_goes_back_and_may_be_held_there(there: Path, back: Path) -> None:
    trip = Trip(5.0, there, back)
    assert trip.ends_at() == 7.0
    there.stall(4.0)
    there.heal(9.0)
    assert trip.ends_at() == 11.0
    back.stall(10.0)
    back.heal(20.0)
    assert trip.ends_at() == 20.0


def test_what_is_there_already_is_held_by_nothing(there: Path) -> None:
    trip = Trip(5.0, None)
    trip.settle(9.0)
    assert trip.ends_at() == 5.0


def test_what_has_ended_asks_no_path_any_more(there: Path) -> None:
    there.stall(4.0)
    there.heal(9.0)
    trip = Trip(5.0, there)
    there.asked_from = 10.0
    trip.settle(10.0)
    assert (trip.ends_at(), there.asked_from) == (9.0, 10.0)
    there.forget_stalls()
    assert there.stalls == 0
    assert trip.ends_at() == 9.0


def test_what_has_not_ended_keeps_the_stalls_of_its_time(there: Path, back: Path) -> None:
    there.stall(4.0)
    trip = Trip(5.0, there, back)
    there.asked_from = back.asked_from = 8.0
    trip.settle(8.0)
    assert (there.asked_from, back.asked_from) == (5.0, 8.0)
    there.heal(9.0)
    there.asked_from = back.asked_from = 10.0
    trip.settle(10.0)
    assert (there.asked_from, back.asked_from) == (10.0, 10.0), "it comes back at 11 s"
    there.forget_stalls()
    back.latency_seconds = 5.0
    assert trip.ends_at() == 11.0, "it has left"
