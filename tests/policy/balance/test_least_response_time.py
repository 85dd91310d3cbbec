"""Least response time: the fastest for how busy it is; the unknown is tried, failing is slow."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.balance.pool import Member, pool_of
from tests.policy.balance.traffic import Run, Worker
from trio_lb.policy.balance.base import Context
from trio_lb.policy.balance.least_response_time import LeastResponseTime, work
from trio_lb.policy.balance.load_aware import SCAN_MOST

few_and_many = pytest.mark.parametrize("size", [4, SCAN_MOST + 4])


def pick(balancer: LeastResponseTime, pool: tuple[Member, ...], now: float = 0.0) -> Member:
    return next(balancer.order(pool, Context(now=now), Random(0)))


def lease(balancer: LeastResponseTime, pool: tuple[Member, ...], now: float = 0.0) -> Member:
    member = pick(balancer, pool, now)
    member.active_connections += 1
    balancer.leased(member)
    return member


def pool_of_size(size: int) -> tuple[Member, ...]:
    return tuple(Member(f"s{i}") for i in range(size))


def taught(pool: tuple[Member, ...], *seconds: float) -> LeastResponseTime:
    """A balancer that has seen one response of each, at instant 0."""
    balancer = LeastResponseTime()
    for member, took in zip(pool, seconds, strict=False):
        balancer.timed(member, took, False, 0.0)
    return balancer


@few_and_many
def test_a_pool_of_which_nothing_is_known_is_tried_in_turn(size: int) -> None:
    balancer, pool = LeastResponseTime(), pool_of_size(size)
    seen = [lease(balancer, pool).id for _ in range(2 * size)]
    assert seen == 2 * [member.id for member in pool]


def test_the_fastest_is_picked_until_it_is_busy_enough_for_the_next() -> None:
    pool = pool_of("abc")
    balancer = taught(pool, 0.030, 0.010, 0.100)
    # b costs 10, 20, 30 ms and so on; a costs 30, 60 ms; c 100.
    assert "".join(lease(balancer, pool).id for _ in range(8)) == "bbabbbab"


def test_weight_is_how_much_slower_a_server_may_be() -> None:
    pool = pool_of([1, 4])
    assert pick(taught(pool, 0.010, 0.035), pool).id == "b"
    assert pick(taught(pool, 0.010, 0.045), pool).id == "a"


@few_and_many
def test_servers_as_fast_as_each_other_take_turns(size: int) -> None:
    pool, seen = pool_of_size(size), []
    balancer = taught(pool, *[0.01] * size)
    for _ in range(2 * size):
        member = lease(balancer, pool)
        member.active_connections -= 1
        balancer.released(member)
        seen.append(member)
    assert seen == [*pool, *pool]


@few_and_many
def test_a_newcomer_is_tried_but_not_flooded(size: int) -> None:
    """It is taken to be as fast as the best, so it gets as much as that one holds."""
    pool = pool_of_size(size)
    balancer = taught(pool[:-1], *[0.01] * (size - 1))
    for _ in range(3 * size):
        lease(balancer, pool)
    assert {member.active_connections for member in pool} == {3}


@few_and_many
def test_a_slow_server_is_tried_again_when_its_slow_answer_is_forgotten(size: int) -> None:
    pool = pool_of_size(size)
    balancer = taught(pool, *[0.01] * (size - 1), 5.0)
    slow = pool[-1]

    def asked(now: float) -> bool:
        for member in pool[:-1]:
            balancer.timed(member, 0.01, False, now)
        return slow in [pick(balancer, pool, now) for _ in range(2 * size)]

    assert [asked(now) for now in (1.0, 30.0, 59.9, 60.0)] == [False, False, False, True]


def test_the_settings_bound_the_memory() -> None:
    pool, balancer = pool_of("ab"), LeastResponseTime(window=5.0, samples=2)
    for seconds in (9.0, 0.01, 0.01):
        balancer.timed(pool[0], seconds, False, 0.0)
    balancer.timed(pool[1], 0.02, False, 0.0)
    assert pick(balancer, pool, 4.9).id == "a", "its nine seconds are the third newest"


def test_an_unknown_server_is_preferred_to_one_that_fails_however_busy_it_is() -> None:
    pool, balancer = pool_of("ab"), LeastResponseTime()
    balancer.timed(pool[0], 0.001, True, 0.0)
    assert "".join(lease(balancer, pool).id for _ in range(20)) == 20 * "b"


@few_and_many
def test_it_is_served_when_all_have_failed(size: int) -> None:
    balancer, pool = LeastResponseTime(), pool_of_size(size)
    seen = Counter[str]()
    for _ in range(4 * size):
        member = lease(balancer, pool)
        balancer.timed(member, 0.001, True, 0.0)
        member.active_connections -= 1
        balancer.released(member)
        seen[member.id] += 1
    assert set(seen.values()) == {4}


@few_and_many
def test_further_choices_come_by_cost(size: int) -> None:
    pool = pool_of_size(size)
    balancer = taught(pool, *[0.01 * (size - i) for i in range(size)])
    order = [member.id for member in balancer.order(pool, Context(), Random(0))]
    assert order == [member.id for member in reversed(pool)]


def test_a_server_that_starts_slowly_must_be_as_much_faster() -> None:
    pool = pool_of("ab")
    pool[1].ramp = 0.25
    assert pick(taught(pool, 0.010, 0.004), pool).id == "a"
    assert pick(taught(pool, 0.010, 0.002), pool).id == "b"


# -- in traffic


def test_traffic_goes_to_the_fast_servers() -> None:
    run = Run(
        LeastResponseTime(),
        (Worker("a"), Worker("b"), Worker("slow", seconds=0.05)),
        clients=20,
        pause=0.005,
    )
    shares = run.shares(20.0)
    assert shares["slow"] < 0.03
    assert abs(shares["a"] - shares["b"]) < 0.02


def test_it_follows_a_server_that_becomes_slow_and_fast_again() -> None:
    one, two = Worker("a", seconds=0.01), Worker("b", seconds=0.02)
    run = Run(LeastResponseTime(), (one, two), clients=1, pause=0.01)
    assert run.shares(30.0)["a"] > 0.95
    one.seconds = 0.5
    run.picks(5.0)
    assert run.shares(30.0)["a"] < 0.05
    one.seconds = 0.001
    run.picks(60.0)
    assert run.shares(30.0)["a"] > 0.95


@pytest.mark.parametrize(
    ("normal", "failing", "most"),
    [(0.01, 1.0, 0.001), (0.01, 0.1, 0.002), (5.0, 1.0, 0.08), (5.0, 0.1, 0.25)],
)
def test_a_server_that_fails_fast_attracts_no_traffic(
    normal: float, failing: float, most: float
) -> None:
    """A third would be its share. In a pool of seconds few requests tell of it."""
    pool = (
        Worker("a", seconds=normal),
        Worker("b", seconds=normal),
        Worker("c", seconds=normal, failing=failing),
    )
    run = Run(LeastResponseTime(), pool, clients=20, pause=0.005)
    run.picks(10.0)
    assert run.shares(40.0)["c"] < most


def test_shares_follow_weights_under_load() -> None:
    run = Run(LeastResponseTime(), (Worker("a", 1), Worker("b", 3)), clients=40)
    run.picks(2.0)
    assert run.shares(20.0)["b"] == pytest.approx(0.75, abs=0.02)


# -- laws


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 5)), min_size=1, max_size=24),
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "end", "fail", "wait"]), st.integers(0, 23), st.floats(0.01, 1)
        ),
        max_size=50,
    ),
)
def test_law_the_pick_costs_least_whether_scanned_or_sorted(
    servers: list[tuple[int, int]], steps: list[tuple[str, int, float]]
) -> None:
    """Of the known; an unknown one may be tried instead if it is no busier than that one."""
    pool = tuple(Member(f"s{i}", w, n) for i, (w, n) in enumerate(servers))
    balancer, now = LeastResponseTime(window=20.0), 0.0
    for what, which, amount in steps:
        member, means = pool[which % len(pool)], balancer._times.means
        if what == "wait":
            now += 10 * amount
        elif what != "ask":
            balancer.timed(member, amount, what == "fail", now)
            member.active_connections = max(0, member.active_connections - 1)
            balancer.released(member)
        else:
            picked = pick(balancer, pool, now)
            known = [m for m in pool if m.id in means]
            costs = {m.id: means[m.id] * work(m) for m in known}
            if picked.id in costs:
                assert costs[picked.id] == min(costs.values())
            else:
                assert work(picked) == min(work(m) for m in pool if m.id not in means)
            picked.active_connections += 1
            balancer.leased(picked)


@given(st.integers(1, 30), st.lists(st.floats(0.001, 1), max_size=30))
def test_law_an_order_holds_everybody_once(size: int, seconds: list[float]) -> None:
    pool = pool_of_size(size)
    order = taught(pool, *seconds).order(pool, Context(), Random(0))
    assert sorted(m.id for m in order) == sorted(m.id for m in pool)
