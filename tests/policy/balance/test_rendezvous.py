"""Rendezvous: the table says what asking everybody would say, whatever came before."""

from itertools import islice
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.balance.keys import equals, moved, owners, share_of, table_of, weighted
from trio_lb.policy.balance.maglev import SLOTS, permutation
from trio_lb.policy.balance.rendezvous import ASK_MOST, Rendezvous

MANY = ASK_MOST + 8


def asked(slot: int, weights: dict[str, int]) -> str:
    """The definition, without a table: whose time in the slot is the earliest."""
    times = []
    for server_id, weight in weights.items():
        start, step = permutation(server_id)
        place = (slot - start) * pow(step, -1, SLOTS) % SLOTS
        times.append((-log(1 - (place + 0.5) / SLOTS) / weight, server_id))
    return min(times)[1]


@pytest.mark.parametrize("count", [1, 2, ASK_MOST, MANY, 300])
def test_each_slot_belongs_to_the_earliest(count: int) -> None:
    weights = {f"s{i}": i % 5 + 1 for i in range(count)}
    table = table_of(Rendezvous, weights)
    assert all(table.owner(slot) == asked(slot, weights) for slot in range(0, SLOTS, 499))


@given(weighted(), st.data())
@settings(max_examples=40)
def test_law_no_key_moves_between_two_that_stay(
    weights: dict[str, int], data: st.DataObject
) -> None:
    left = data.draw(st.sampled_from(sorted(weights)))
    rest = {i: w for i, w in weights.items() if i != left}
    if rest:
        before, after = owners(table_of(Rendezvous, weights)), owners(table_of(Rendezvous, rest))
        assert all(b in (a, left) for a, b in zip(after, before, strict=True))


def changes(draw: st.DataObject, start: dict[str, int], count: int) -> list[dict[str, int]]:
    """Each change takes a few servers out, brings a few in and re-weights a few."""
    found, now = [start], dict(start)
    for _ in range(count):
        numbers = draw.draw(st.lists(st.tuples(st.integers(0, 69), st.integers(0, 3)), max_size=5))
        for number, weight in numbers:
            now[f"s{number}"] = weight
        now = {i: w for i, w in now.items() if w} or {"s0": 1}
        found.append(dict(now))
    return found


@given(st.sampled_from([3, ASK_MOST, MANY]), st.data())
@settings(max_examples=12, deadline=None)
def test_law_the_table_does_not_remember_what_was_before(size: int, data: st.DataObject) -> None:
    """Around the number of servers at which it begins to throw darts, too."""
    table = Rendezvous()
    for weights in changes(data, equals(size), 3):
        table.adopt(weights)
        owners(table)[:500]
    assert owners(table) == owners(table_of(Rendezvous, dict(reversed(weights.items()))))


@pytest.mark.parametrize("count", [3, MANY])
def test_who_leaves_and_comes_back_has_the_keys_that_it_had(count: int) -> None:
    table = table_of(Rendezvous, equals(count))
    before = owners(table)
    table.adopt({i: w for i, w in equals(count).items() if i != "s2"})
    assert moved(before, owners(table)) == share_of("s2", before)
    table.adopt(equals(count))
    assert owners(table) == before


def test_half_of_a_large_pool_may_leave_at_once() -> None:
    table = table_of(Rendezvous, equals(4 * MANY))
    half = equals(2 * MANY)
    table.adopt(half)
    assert owners(table) == owners(table_of(Rendezvous, half))


def test_behind_the_last_slot_comes_the_first() -> None:
    table = table_of(Rendezvous, equals(3))
    round_the_end = list(islice(table.walk(SLOTS - 2), 6))
    assert round_the_end == [table.owner(point) for point in (SLOTS - 1, 0, 1, 2, 3, 4)]


def test_it_is_the_same_in_every_process_and_version() -> None:
    table = table_of(Rendezvous, {"a": 1, "b": 2, "c": 3})
    assert "".join(owners(table)[:24]) == "bcacacbcbacbcccccbccbbaa"
