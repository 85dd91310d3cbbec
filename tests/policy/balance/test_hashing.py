"""Hashes: the same key finds the same server, few keys move, nobody is drowned."""

from collections import Counter
from collections.abc import Mapping
from math import ceil
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.balance.keys import equals, moved, owners, share_of, table_of, weighted
from tests.policy.balance.pool import Member, pool_of
from trio_lb.policy.balance.base import Balancer, Context, Settings
from trio_lb.policy.balance.hashing import HashBalancer, Table, by_key
from trio_lb.policy.balance.maglev import Maglev
from trio_lb.policy.balance.registry import make_balancer
from trio_lb.policy.balance.rendezvous import Rendezvous
from trio_lb.policy.balance.ring import Ring

BOUNDED = ("consistent_hash", "maglev", "rendezvous")
HASHES = ("ip_hash", *BOUNDED)
FREE = Settings(hash_balance_factor=None)

hashes = pytest.mark.parametrize("name", HASHES)
bounded = pytest.mark.parametrize("name", BOUNDED)
tables = pytest.mark.parametrize("kind", [Ring, Maglev, Rendezvous])


def pick(balancer: Balancer, pool: tuple[Member, ...], key: object) -> Member:
    """Ask as client ``key`` about ``key``."""
    context = Context(client=str(key), key=str(key))
    return next(balancer.order(pool, context, Random(0)))


def lease(balancer: Balancer, member: Member) -> None:
    member.active_connections += 1
    balancer.leased(member)


def release(balancer: Balancer, member: Member) -> None:
    member.active_connections -= 1
    balancer.released(member)


def whole(balancer: Balancer, pool: tuple[Member, ...], key: object) -> str:
    order = balancer.order(pool, Context(client=str(key), key=str(key)), Random(0))
    return "".join(member.id for member in order)


# -- what a key means


@hashes
def test_a_key_keeps_its_server_while_the_set_of_servers_stays(name: str) -> None:
    balancer, another, pool = make_balancer(name), make_balancer(name), pool_of("abcde")
    first = [pick(balancer, pool, key) for key in range(200)]
    anew = (*pool,)
    assert [pick(balancer, anew, key) for key in range(200)] == first
    turned = pool[::-1]
    assert [pick(another, turned, key) for key in range(200)] == first


@bounded
def test_a_key_counts_and_not_who_asks(name: str) -> None:
    balancer, pool = make_balancer(name), pool_of("abcdefgh")
    picks = {
        next(balancer.order(pool, Context(client=f"10.0.0.{i}", key="cart"), Random(i))).id
        for i in range(50)
    }
    assert len(picks) == 1


def test_of_a_client_s_address_all_of_it_counts_and_the_key_does_not() -> None:
    balancer, pool = make_balancer("ip_hash"), pool_of("abc")
    one = {
        next(balancer.order(pool, Context("127.0.0.1", str(i)), Random(i))).id for i in range(50)
    }
    neighbours = {
        next(balancer.order(pool, Context(f"127.0.0.{i}"), Random(0))).id for i in range(50)
    }
    assert (len(one), len(neighbours)) == (1, 3)


@hashes
def test_without_a_key_the_address_counts_and_without_both_there_is_one_server(name: str) -> None:
    balancer, pool = make_balancer(name), pool_of("abc")
    by_address = {next(balancer.order(pool, Context(f"10.0.0.{i}"), Random(0))) for i in range(50)}
    by_nothing = {next(balancer.order(pool, Context(), Random(i))) for i in range(50)}
    assert (len(by_address), len(by_nothing)) == (3, 1)


def test_a_caller_without_an_address_is_hashed_by_its_key() -> None:
    balancer, pool = make_balancer("ip_hash"), pool_of("abc")
    seen = {next(balancer.order(pool, Context(key=f"c{i}"), Random(0))).id for i in range(50)}
    assert seen == {"a", "b", "c"}


@hashes
def test_a_server_that_starts_slowly_keeps_its_keys(name: str) -> None:
    balancer, pool = make_balancer(name), pool_of("abc")
    before = [pick(balancer, pool, key).id for key in range(100)]
    pool[1].ramp, anew = 0.1, (*pool,)
    assert [pick(balancer, anew, key).id for key in range(100)] == before


# -- shares, and what a change moves


@tables
@given(weights=weighted())
@settings(max_examples=15, deadline=None)
def test_law_shares_match_the_weights(kind: type[Table], weights: dict[str, int]) -> None:
    """The ring's points stray by 9 % a unit of weight; the bound is five times that."""
    found, total = owners(table_of(kind, weights)), sum(weights.values())
    for server_id, weight in weights.items():
        share = weight / total
        stray = 0.45 / weight**0.5 * share * (1 - share) if kind is Ring else 0.0
        sampling = 5 * (share * (1 - share) / len(found)) ** 0.5
        assert abs(share_of(server_id, found) - share) <= stray + sampling + 1e-9


@tables
@pytest.mark.parametrize("count", [2, 5, 50, 400])
def test_when_one_of_n_comes_or_goes_about_a_share_of_the_keys_moves(
    kind: type[Table], count: int
) -> None:
    table = table_of(kind, equals(count))
    before = owners(table)
    table.adopt({i: w for i, w in equals(count).items() if i != "s0"})
    beside = 0.015 if kind is Maglev else 0.0
    assert moved(before, owners(table)) <= share_of("s0", before) + beside
    table.adopt(equals(count))
    assert owners(table) == before, "and coming back moves the same ones"


# -- further choices


@hashes
@given(size=st.integers(1, 8), key=st.integers(), busy=st.lists(st.integers(0, 9), min_size=8))
@settings(max_examples=25, deadline=None)
def test_law_an_order_holds_everybody_once(name: str, size: int, key: int, busy: list[int]) -> None:
    pool = pool_of("abcdefgh"[:size])
    for member, active in zip(pool, busy, strict=False):
        member.active_connections = active
    assert sorted(whole(make_balancer(name), pool, key)) == [member.id for member in pool]


@hashes
def test_a_server_of_hardly_any_weight_is_in_every_order_too(name: str) -> None:
    balancer, pool = make_balancer(name), (Member("big", 65535), Member("small", 1))
    orders = {whole(balancer, pool, key) for key in range(20)}
    assert orders <= {"bigsmall", "smallbig"}
    assert "bigsmall" in orders


@hashes
def test_the_keys_of_a_dead_server_are_spread_over_the_others(name: str) -> None:
    balancer, pool = make_balancer(name, FREE), pool_of("abcde")
    seconds = Counter(order[1] for order in (whole(balancer, pool, k) for k in range(2000)))
    assert all(300 < seconds[member.id] < 500 for member in pool)


@hashes
def test_an_order_outlives_its_tuple(name: str) -> None:
    balancer, old, new = make_balancer(name), pool_of("abcd"), pool_of("xbcdyz")
    order = balancer.order(old, Context("10.0.0.1"), Random(0))
    seen = [next(order).id]
    next(balancer.order((*old[1:], *new), Context("10.0.0.1"), Random(0)))
    assert sorted(seen + [member.id for member in order]) == list("abcd")


# -- bounded loads


@bounded
@given(
    given_weights=st.lists(st.integers(1, 5), min_size=2, max_size=6),
    factor=st.sampled_from([1.0, 1.25, 2.0]),
    steps=st.lists(
        st.tuples(st.sampled_from(["k", "l", "m", "end", "change"]), st.integers(0, 99)),
        max_size=60,
    ),
)
@settings(max_examples=20, deadline=None)
def test_law_nobody_is_picked_beyond_its_bound(
    name: str, given_weights: list[int], factor: float, steps: list[tuple[str, int]]
) -> None:
    """Few keys, so that they are popular; servers leave with requests in flight, and return."""
    balancer = make_balancer(name, Settings(hash_balance_factor=factor))
    everybody = pool_of(given_weights)
    pool, held = everybody, list[Member]()
    for what, which in steps:
        if what == "change":
            left = everybody[which % len(everybody)]
            pool = tuple(m for m in everybody if m is not left) if which % 2 else everybody
        elif what == "end":
            if held:
                release(balancer, held.pop(which % len(held)))
        else:
            member = pick(balancer, pool, what)
            before = member.active_connections
            lease(balancer, member)
            held.append(member)
            share = member.weight / sum(m.weight for m in pool)
            bound = ceil(factor * sum(m.active_connections for m in pool) * share - 1e-9)
            assert before < bound


@bounded
def test_one_popular_key_fills_all_servers_to_the_bound(name: str) -> None:
    balancer, pool = make_balancer(name), pool_of("abcd")
    home = pick(balancer, pool, "popular")
    for _ in range(400):
        lease(balancer, pick(balancer, pool, "popular"))
    loads = sorted(member.active_connections for member in pool)
    assert home.active_connections == loads[-1] == 125
    assert sum(loads) == 400


@bounded
def test_the_bound_counts_the_request_that_asks(name: str) -> None:
    """Two servers: ceil(1.25 * 2 / 2) = 2 at home, but ceil(1.25 * 3 / 2) is no 3."""
    balancer, pool = make_balancer(name), pool_of("ab")
    home = pick(balancer, pool, "k")
    lease(balancer, home)
    assert pick(balancer, pool, "k") is home
    lease(balancer, home)
    assert pick(balancer, pool, "k") is not home


@bounded
def test_a_key_that_spilled_goes_home_when_there_is_room(name: str) -> None:
    balancer, pool = make_balancer(name), pool_of("abcd")
    home = pick(balancer, pool, "k")
    lease(balancer, home)
    other = pick(balancer, pool, "k")
    assert other is not home
    assert pick(balancer, pool, "k") is other, "always to the same"
    release(balancer, home)
    assert pick(balancer, pool, "k") is home


@pytest.mark.parametrize("factor", [None, 0.0])
@bounded
def test_without_a_factor_a_key_never_leaves_its_server(name: str, factor: float | None) -> None:
    balancer, pool = make_balancer(name, Settings(hash_balance_factor=factor)), pool_of("abc")
    assert not balancer.tracks
    home = pick(balancer, pool, "k")
    home.active_connections = 1000
    assert pick(balancer, pool, "k") is home


def test_a_client_s_requests_stay_together_however_many_there_are() -> None:
    balancer, pool = make_balancer("ip_hash"), pool_of("abc")
    assert not balancer.tracks
    home = pick(balancer, pool, "10.0.0.1")
    home.active_connections = 1000
    assert pick(balancer, pool, "10.0.0.1") is home


@bounded
def test_what_is_in_flight_is_counted_through_changes_and_not_for_strangers(name: str) -> None:
    balancer, pool = make_balancer(name), pool_of("ab")
    pick(balancer, pool, 1)
    for _ in range(8):
        lease(balancer, pick(balancer, pool, "k"))
    larger = (*pool, Member("c"), Member("d"))
    home = pick(balancer, larger, "k")
    lease(balancer, Member("a", 1, 50))
    assert home.id in "cd"
    # 8 in flight over 4 servers, the stranger's not among them: 1.25 * 9 / 4 is less than 4.
    assert {pick(balancer, larger, key).id for key in range(40)} == {"c", "d"}
    while pool[0].active_connections:
        release(balancer, pool[0])
    assert "a" in {pick(balancer, larger, key).id for key in range(40)}


class Counted(Ring):
    """A ring that counts how often it was made anew."""

    made = 0

    def adopt(self, weights: Mapping[str, int]) -> None:
        Counted.made += 1
        super().adopt(weights)


@pytest.fixture
def counted() -> HashBalancer:
    Counted.made = 0
    return HashBalancer("counted", Counted, by_key, 1.25)


def test_a_table_is_made_anew_for_new_ids_and_weights_only(counted: HashBalancer) -> None:
    pool = pool_of("abc")
    for ramp in (1.0, 0.1, 0.2):
        pool[0].ramp, anew = ramp, (*pool,)
        pick(counted, anew, "k")
        pick(counted, anew, "l")
    assert Counted.made == 1
    pool[0].weight = 2
    pick(counted, (*pool,), "k")
    assert Counted.made == 2


def test_falling_back_to_another_tier_and_returning_makes_no_table_anew(
    counted: HashBalancer,
) -> None:
    tiers = pool_of("abc"), pool_of("de"), pool_of("f")
    for _ in range(3):
        for tier in tiers:
            pick(counted, tier, "k")
    assert Counted.made == 3


def test_pools_that_were_replaced_as_a_whole_are_forgotten(counted: HashBalancer) -> None:
    for number in range(100):
        pick(counted, (Member(f"s{number}"),), "k")
    assert len(counted._views) == len(counted._view_of) == 8


@bounded
def test_each_tier_has_its_table_and_its_load(name: str) -> None:
    """A request that falls back to a second tier leaves the first one's table as it is."""
    balancer = make_balancer(name)
    first, second = pool_of("abc"), tuple(Member(f"backup{i}") for i in range(2))
    home = pick(balancer, first, "k")
    pick(balancer, second, "k")
    for _ in range(9):
        lease(balancer, second[0])
    assert pick(balancer, first, "k") is home
    lease(balancer, home)
    assert pick(balancer, first, "k") is not home, "the second tier's nine are no room here"
    assert pick(balancer, second, "k") is second[1]
