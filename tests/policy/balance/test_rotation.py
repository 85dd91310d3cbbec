"""Turns: exact shares, evenly spread, and a position that survives every change."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.balance.pool import (
    CONTEXT,
    Member,
    pick,
    picks,
    pool_of,
    shares,
    weights,
    whole_order,
)
from trio_lb.policy.balance.base import Balancer
from trio_lb.policy.balance.rotation import RoundRobin, WeightedRoundRobin, carry_position

both = pytest.mark.parametrize("algorithm", [RoundRobin, WeightedRoundRobin])


@both
def test_rotation_begins_with_the_first_server_in_configured_order(
    algorithm: type[RoundRobin | WeightedRoundRobin],
) -> None:
    assert picks(algorithm(), pool_of("abc"), 7) == "abcabca"


@both
def test_one_server_takes_every_turn(algorithm: type[RoundRobin | WeightedRoundRobin]) -> None:
    balancer = algorithm()
    assert picks(balancer, pool_of([7]), 3) == "aaa"
    assert whole_order(balancer, pool_of([7])) == "a"


@both
def test_a_server_that_joins_comes_in_its_configured_place(
    algorithm: type[RoundRobin | WeightedRoundRobin],
) -> None:
    balancer = algorithm()
    assert picks(balancer, pool_of("acd"), 1) == "a"
    assert picks(balancer, pool_of("abcd"), 4) == "cdab"


@both
def test_when_the_next_server_leaves_the_one_after_it_is_next(
    algorithm: type[RoundRobin | WeightedRoundRobin],
) -> None:
    balancer = algorithm()
    assert picks(balancer, pool_of("abcd"), 2) == "ab"
    assert picks(balancer, pool_of("abd"), 4) == "dabd"


@both
def test_a_pool_of_strangers_begins_at_its_beginning(
    algorithm: type[RoundRobin | WeightedRoundRobin],
) -> None:
    balancer = algorithm()
    assert picks(balancer, pool_of("ab"), 1) == "a"
    assert picks(balancer, pool_of("xyz"), 3) == "xyz"


@both
def test_membership_that_changes_at_every_pick_favours_nobody(
    algorithm: type[RoundRobin | WeightedRoundRobin],
) -> None:
    balancer, seen = algorithm(), ""
    for i in range(300):
        # d flaps; a pool that began anew each time would give all to a.
        seen += picks(balancer, pool_of("abc" if i % 2 else "abcd"), 1)
    counts = shares(seen)
    assert max(counts[i] for i in "abc") - min(counts[i] for i in "abc") <= 1


def test_a_dead_server_s_turns_are_shared_by_all_the_others() -> None:
    balancer, pool, served = RoundRobin(), pool_of("abc"), ""
    for _ in range(300):
        for server in balancer.order(pool, CONTEXT, Random(1)):
            if server.id != "a":
                served += server.id
                break
    assert abs(served.count("b") - served.count("c")) <= 1


def test_state_moves_when_an_item_is_taken_not_when_the_order_is_made() -> None:
    balancer, pool = RoundRobin(), pool_of("abc")
    orders = [balancer.order(pool, CONTEXT, Random(1)) for _ in range(3)]
    assert "".join(next(order).id for order in orders) == "abc"


def test_two_requests_that_take_turns_by_turns_still_see_everybody_once() -> None:
    balancer, pool = RoundRobin(), pool_of("abcd")
    one, two = (balancer.order(pool, CONTEXT, Random(1)) for _ in range(2))
    seen = [(next(one).id, next(two).id) for _ in range(4)]
    assert sorted(a for a, _ in seen) == sorted(b for _, b in seen) == list("abcd")


def test_an_order_of_an_outdated_tuple_goes_on_alone() -> None:
    balancer, old, new = RoundRobin(), pool_of("abcd"), pool_of("abcdefgh")
    order = balancer.order(old, CONTEXT, Random(1))
    assert next(order).id == "a"
    assert picks(balancer, new, 2) == "bc"
    assert [s.id for s in order] == ["b", "c", "d"]
    assert picks(balancer, new, 2) == "de", "its choices took no turn of the new tuple"


@pytest.mark.parametrize(
    ("given_weights", "cycle"),
    [
        ([5, 1, 1], "aabaaac"),
        ([1, 1, 1], "abc"),
        ([4, 2, 2], "abac"),
        ([3, 2], "abaab"),
        ([10, 10], "ab"),
    ],
)
def test_a_cycle_of_weighted_turns_is_smooth(given_weights: list[int], cycle: str) -> None:
    assert picks(WeightedRoundRobin(), pool_of(given_weights), 2 * len(cycle)) == 2 * cycle


@pytest.mark.parametrize(
    ("given_weights", "percent"),
    [([1, 3], {"a": 25, "b": 75}), ([1, 3, 1], {"a": 20, "b": 60, "c": 20})],
)
def test_every_cycle_has_the_weights_shares_exactly(
    given_weights: list[int], percent: dict[str, int]
) -> None:
    balancer, pool, cycle = WeightedRoundRobin(), pool_of(given_weights), sum(given_weights)
    for _ in range(100):
        seen = shares(picks(balancer, pool, cycle))
        assert {each: 100 * count // cycle for each, count in seen.items()} == percent


def test_a_hundred_small_servers_do_not_come_in_one_burst() -> None:
    pool = (*(Member(f"s{i}") for i in range(100)), Member("big", 100))
    balancer = WeightedRoundRobin()
    longest = run = 0
    for _ in range(400):
        run = 0 if pick(balancer, pool).id == "big" else run + 1
        longest = max(longest, run)
    assert longest <= 2


def test_a_new_weight_counts_from_the_next_tuple_on() -> None:
    balancer = WeightedRoundRobin()
    pool = pool_of([1, 1])
    assert shares(picks(balancer, pool, 10)) == {"a": 5, "b": 5}
    pool[0].weight = 4
    assert shares(picks(balancer, (pool[0], pool[1]), 10)) == {"a": 8, "b": 2}


@given(weights(), st.integers(0, 200))
def test_law_every_window_of_a_cycle_s_length_has_exact_shares(
    given_weights: list[int], offset: int
) -> None:
    balancer, pool = WeightedRoundRobin(), pool_of(given_weights)
    picks(balancer, pool, offset)
    seen = shares(picks(balancer, pool, sum(given_weights)))
    assert seen == {m.id: m.weight for m in pool}


@given(weights(most=40))
def test_law_nobody_is_ever_two_picks_away_from_its_share(given_weights: list[int]) -> None:
    """A lane is never a whole pick away, nor a server inside its lane."""
    balancer, pool = WeightedRoundRobin(), pool_of(given_weights)
    total = sum(given_weights)
    counts = dict.fromkeys((m.id for m in pool), 0)
    for n, server_id in enumerate(picks(balancer, pool, 2 * total), 1):
        counts[server_id] += 1
        for member in pool:
            owed = Fraction(n * member.weight, total)
            alone = given_weights.count(member.weight) == 1
            assert abs(counts[member.id] - owed) < (1 if alone else 2)


@given(weights())
def test_law_a_new_tuple_of_the_same_servers_changes_no_turn(given_weights: list[int]) -> None:
    members, steady, changing = pool_of(given_weights), WeightedRoundRobin(), WeightedRoundRobin()
    count = 2 * sum(given_weights)
    anew = "".join(pick(changing, (*members,)).id for _ in range(count))
    assert anew == picks(steady, members, count)


@pytest.mark.parametrize("seed", range(6))
def test_while_servers_come_and_go_each_gets_its_share_of_the_time_that_it_is_there(
    seed: int,
) -> None:
    dice, balancer = Random(seed), WeightedRoundRobin()
    everybody = pool_of([dice.randint(1, 9) for _ in range(5)])
    present, owed, seen = everybody, dict.fromkeys("abcde", 0.0), ""
    for _ in range(4000):
        if dice.random() < 0.1:
            present = tuple(m for m in everybody if dice.random() < 0.7) or everybody
        total = sum(m.weight for m in present)
        for member in present:
            owed[member.id] += member.weight / total
        seen += pick(balancer, present).id
    assert all(abs(seen.count(i) - owed[i]) < 0.07 * owed[i] for i in "abcde")


@given(
    st.lists(st.sets(st.sampled_from("abcdef"), min_size=1), min_size=1, max_size=30),
    st.data(),
)
def test_law_whoever_stays_waits_for_one_turn_of_each_other_at_most(
    memberships: list[set[str]], data: st.DataObject
) -> None:
    """The position only moves forward, whoever joins and leaves meanwhile."""
    balancer, seen = RoundRobin(), ""
    always = set.intersection(*memberships)
    for members in memberships:
        seen += picks(balancer, pool_of("".join(sorted(members))), data.draw(st.integers(1, 4)))
    for server_id in always:
        assert max(len(wait) for wait in seen.split(server_id)) <= 5, (seen, server_id)


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=6, max_size=6), min_size=1, max_size=20),
    st.sampled_from([RoundRobin, WeightedRoundRobin]),
)
def test_law_any_change_of_weights_and_members_keeps_a_pool_served(
    changes: list[list[int]], algorithm: type[RoundRobin | WeightedRoundRobin]
) -> None:
    """Weight 0 stands for "not in the tuple"; each order is complete and without doubles."""
    balancer: Balancer = algorithm()
    for row in changes:
        pool = tuple(Member("abcdef"[i], weight) for i, weight in enumerate(row) if weight)
        if pool:
            assert sorted(whole_order(balancer, pool)) == [m.id for m in pool]
            seen = picks(balancer, pool, 2 * sum(row))
            assert set(seen) == {m.id for m in pool}


def test_the_position_is_carried_by_id_past_all_that_left() -> None:
    assert carry_position(pool_of("abcdef"), 2, pool_of("fba")) == 0
    assert carry_position(pool_of("abcdef"), 5, pool_of("xab")) == 1
    assert carry_position((), 0, pool_of("ab")) == 0
