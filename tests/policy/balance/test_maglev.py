"""Maglev: shares exact to a few slots, and few slots that change hands besides."""

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.balance.keys import equals, moved, owners, share_of, table_of, weighted
from trio_lb.policy.balance.maglev import SLOTS, Maglev, permutation


def made(weights: dict[str, int]) -> Maglev:
    table = Maglev()
    table.adopt(weights)
    return table


def slots_of(table: Maglev) -> Counter[str]:
    return Counter(map(table.owner, range(SLOTS)))


@given(weighted())
@settings(max_examples=15, deadline=None)
def test_law_shares_are_those_of_the_weights_to_a_few_slots(weights: dict[str, int]) -> None:
    total, slots = sum(weights.values()), slots_of(made(weights))
    assert all(abs(slots[i] - SLOTS * w / total) < len(weights) for i, w in weights.items())


def test_a_thousand_servers_have_65_or_66_slots_each() -> None:
    assert set(slots_of(made(equals(1000))).values()) == {65, 66}


@pytest.mark.parametrize("heaviest", [1, 3])
def test_the_order_of_servers_makes_no_difference(heaviest: int) -> None:
    weights = {f"s{i}": i % heaviest + 1 for i in range(60)}
    assert made(weights)._slots == made(dict(reversed(weights.items())))._slots


def test_equal_weights_take_turns_as_any_weights_do() -> None:
    assert made({"a": 3, "b": 3, "c": 3})._slots == made({"a": 1, "b": 1, "c": 1})._slots


@pytest.mark.parametrize("count", [2, 3, 10, 100, 1000])
def test_when_one_of_n_leaves_hardly_one_percent_moves_beside_its_keys(count: int) -> None:
    many = equals(count)
    before = owners(made(many))
    after = owners(made({i: w for i, w in many.items() if i != "s1"}))
    assert moved(before, after) <= share_of("s1", before) + 0.01


@given(st.text(max_size=20))
def test_law_a_step_visits_every_slot(server_id: str) -> None:
    start, step = permutation(server_id)
    assert 0 <= start < SLOTS
    assert 1 <= step < SLOTS, "and SLOTS is prime"


def test_behind_the_last_slot_comes_the_first() -> None:
    table = table_of(Maglev, equals(3))
    round_the_end = list(islice(table.walk(SLOTS - 2), 6))
    assert round_the_end == [table.owner(point) for point in (SLOTS - 1, 0, 1, 2, 3, 4)]


def test_it_is_the_same_in_every_process_and_version() -> None:
    table = table_of(Maglev, {"a": 1, "b": 2, "c": 3})
    assert "".join(owners(table)[:24]) == "bcacacbcbacbcccccbccbbaa"
