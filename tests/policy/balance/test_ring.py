"""The ring: points by weight, arcs that only their own server's coming and going moves."""

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.balance.keys import KEYS, equals, moved, owners, share_of, table_of, weighted
from trio_lb.policy.balance.ring import MOST_POINTS, POINTS, Ring, points_each


@given(weighted(), st.data())
@settings(max_examples=40)
def test_law_who_leaves_takes_its_own_keys_and_no_others(
    weights: dict[str, int], data: st.DataObject
) -> None:
    left = data.draw(st.sampled_from(sorted(weights)))
    rest = {i: w for i, w in weights.items() if i != left}
    if rest:
        before, after = owners(table_of(Ring, weights)), owners(table_of(Ring, rest))
        assert all(b in (a, left) for a, b in zip(after, before, strict=True))


@given(weighted(), st.data())
@settings(max_examples=40)
def test_law_more_weight_only_takes(weights: dict[str, int], data: st.DataObject) -> None:
    grown = data.draw(st.sampled_from(sorted(weights)))
    heavier = weights | {grown: weights[grown] + 5}
    before, after = owners(table_of(Ring, weights)), owners(table_of(Ring, heavier))
    assert all(a in (b, grown) for a, b in zip(after, before, strict=True))


def test_behind_an_arc_come_its_neighbours_and_behind_the_last_the_first() -> None:
    ring = table_of(Ring, equals(3))
    point = KEYS[0]
    seen = [ring.owner(point), *islice(ring.walk(point), 11)]
    assert len(seen) == 12
    assert set(seen) == {"s0", "s1", "s2"}
    last, first = (1 << 64) - 1, 0
    assert ring.owner(last) == ring.owner(first), "the circle is closed"


@pytest.mark.parametrize(
    ("weights", "counts"),
    [
        ([1], [POINTS]),
        ([1, 2, 31], [POINTS, 2 * POINTS, 31 * POINTS]),
        ([10, 100], [POINTS, 10 * POINTS]),
        ([100] * 3, [10 * POINTS] * 3),
        ([1000, 2000], [10 * POINTS, 20 * POINTS]),
        ([1, 65535], [1, 839]),
    ],
)
def test_heavy_weights_are_counted_in_larger_units(weights: list[int], counts: list[int]) -> None:
    given_weights = {f"s{i}": weight for i, weight in enumerate(weights)}
    counted = list(points_each(given_weights).values())
    assert counted == pytest.approx(counts, rel=0.02)


def test_a_thousand_servers_share_the_most_points() -> None:
    counts = points_each(equals(1000))
    assert set(counts.values()) == {round(MOST_POINTS / 1000)}


def test_when_the_ring_is_full_a_change_moves_twice_its_share_at_most() -> None:
    many = equals(1000)
    before = owners(table_of(Ring, many))
    after = owners(table_of(Ring, {i: w for i, w in many.items() if i != "s7"}))
    assert moved(before, after) <= share_of("s7", before) + 2 / 1000


def test_a_light_server_leaves_the_scale_of_the_heavy_ones_alone() -> None:
    weights = {"s0": 100, "s1": 100, "s2": 3}
    before = owners(table_of(Ring, weights))
    after = owners(table_of(Ring, {"s0": 100, "s1": 100}))
    assert moved(before, after) == share_of("s2", before)


def test_it_is_the_same_in_every_process_and_version() -> None:
    ring = table_of(Ring, {"a": 1, "b": 2, "c": 3})
    assert "".join(owners(ring)[:24]) == "ccbbbcabbcabbaccbbaccccb"
