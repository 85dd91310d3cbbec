"""Shares: whatever the order of the heals, each takes back its own."""

import itertools
import random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.faults.overlay import (
    Blend,
    Overlays,
    add,
    all_of,
    fewest,
    join,
    least,
    lost_by_any,
    multiply,
    worst_of,
)


@attrs.define(eq=False)
class Thing:
    seconds: float = 0.1
    state: str = "up"


def test_each_heal_takes_back_its_own_share() -> None:
    overlays, thing = Overlays(), Thing()
    first = overlays.lay(thing, "seconds", 0.5, add)
    second = overlays.lay(thing, "seconds", 0.25, add)
    assert thing.seconds == 0.1 + 0.75
    first()
    first()
    assert thing.seconds == 0.1 + 0.25
    second()
    assert thing.seconds == 0.1
    assert overlays.is_clear


def test_equal_shares_are_two_and_equal_things_are_two() -> None:
    overlays, one, other = Overlays(), Thing(), Thing()
    heals = [overlays.lay(one, "seconds", 1.0, add) for _ in range(2)]
    overlays.lay(other, "seconds", 1.0, add)
    heals[1]()
    heals[1]()
    assert (one.seconds, other.seconds) == (1.1, 1.1)


def test_a_base_that_was_changed_between_two_faults_counts() -> None:
    overlays, thing = Overlays(), Thing()
    overlays.lay(thing, "seconds", 1.0, add)()
    thing.seconds = 5.0
    overlays.lay(thing, "seconds", 1.0, add)()
    assert thing.seconds == 5.0


def test_what_is_held_begins_with_the_first_and_ends_with_the_last() -> None:
    overlays, thing, done = Overlays(), Thing(), list[str]()

    first, second = (
        overlays.hold(thing, "x", lambda: done.append("begin"), lambda: done.append("end"))
        for _ in range(2)
    )
    first()
    first()
    assert done == ["begin"]
    second()
    assert done == ["begin", "end"]
    assert overlays.is_clear


numbers = st.floats(0.001, 1000)


@given(
    st.lists(numbers, min_size=1, max_size=6), st.randoms(use_true_random=False), st.integers(0, 3)
)
def test_after_the_last_heal_the_value_is_the_base_to_the_last_bit(
    shares: list[float], chance: random.Random, which: int
) -> None:
    blend: Blend = (add, multiply, least, lost_by_any)[which]
    if blend is lost_by_any:
        shares = [share / 1001 for share in shares]
    overlays, thing = Overlays(), Thing(0.1)
    heals = [overlays.lay(thing, "seconds", share, blend) for share in shares]
    left = list(shares)
    order = list(range(len(shares)))
    chance.shuffle(order)
    for place in order:
        assert thing.seconds == pytest.approx(blend(0.1, left))
        heals[place]()
        left.remove(shares[place])
    assert thing.seconds == 0.1


def test_the_blends() -> None:
    assert multiply(2.0, [3.0, 4.0]) == 24.0
    assert least(None, [3.0, 2.0]) == 2.0
    assert least(1.0, [3.0, 2.0]) == 1.0
    assert lost_by_any(0.0, [0.5, 0.5]) == 0.75
    assert join(("a",), [("b",), ("c",)]) == ("a", "b", "c")
    assert fewest(range(10), [3, 5]) == range(7, 10)
    assert list(fewest(range(10), [0])) == []
    for shares in itertools.permutations(["up", "shaky", "down"]):
        assert worst_of("up", "shaky", "down")("up", shares) == "down"


def test_all_of_heals_in_order() -> None:
    done: list[int] = []
    all_of([lambda: done.append(1), lambda: done.append(2)])()
    assert done == [1, 2]
