"""Peak EWMA: a rise counts at once, a fall in time, a failure never as speed."""

from collections import Counter
from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.balance.pool import Member, pool_of
from tests.policy.balance.traffic import Run, Worker
from trio_lb.policy.balance.base import Context
from trio_lb.policy.balance.peak_ewma import UNKNOWN_SECONDS, PeakEwma


def pick(balancer: PeakEwma, pool: tuple[Member, ...], now: float = 0.0, seed: int = 1) -> Member:
    return next(balancer.order(pool, Context(now=now), Random(seed)))


def latency(balancer: PeakEwma, server_id: str, now: float) -> float:
    return balancer._latencies[server_id].now(now, balancer._decay)


def knowing(pool: tuple[Member, ...], *seconds: float) -> PeakEwma:
    """A balancer that has seen one answer of each at instant 0, slower than the unknown's."""
    balancer = PeakEwma()
    pick(balancer, pool)
    for member, took in zip(pool, seconds, strict=True):
        balancer.timed(member, took, False, 0.0)
    return balancer


def test_an_average_sinks_to_1_e_in_the_decay_time() -> None:
    pool = pool_of("ab")
    balancer = knowing(pool, 1.0, 1.0)
    assert latency(balancer, "a", 10.0) == pytest.approx(exp(-1))
    assert latency(balancer, "a", 20.0) == pytest.approx(exp(-2))


def test_a_slower_answer_counts_at_once_and_a_faster_one_by_the_time_since() -> None:
    pool = pool_of("ab")
    balancer = knowing(pool, 0.1, 0.1)
    balancer.timed(pool[0], 0.5, False, 0.0)
    assert latency(balancer, "a", 0.0) == 0.5
    balancer.timed(pool[0], 0.1, False, 5.0)
    kept = exp(-0.5)
    assert latency(balancer, "a", 5.0) == pytest.approx(0.5 * kept + 0.1 * (1 - kept))


def test_who_has_not_answered_yet_counts_as_thirty_milliseconds() -> None:
    pool = pool_of("ab")
    balancer = knowing(pool, 0.031, 0.032)
    larger = (*pool, Member("c"))
    seen = Counter(pick(balancer, larger, seed=seed).id for seed in range(300))
    assert latency(balancer, "c", 0.0) == UNKNOWN_SECONDS == 0.03
    assert seen["c"] > seen["a"] > seen["b"] == 0, "it wins each pair that it is in"


def test_of_two_the_one_that_costs_less_is_picked() -> None:
    pool = pool_of("ab")
    balancer = knowing(pool, 0.1, 0.25)
    assert pick(balancer, pool).id == "a"
    pool[0].active_connections = 1
    assert pick(balancer, pool).id == "a", "0.1 * 2 < 0.25"
    pool[0].active_connections = 2
    assert pick(balancer, pool).id == "b", "0.1 * 3 > 0.25"
    pool[0].weight = 2
    assert pick(balancer, pool).id == "a"
    pool[0].ramp = 0.5
    assert pick(balancer, pool).id == "b"


def test_a_failure_counts_as_ten_times_as_slow() -> None:
    pool = pool_of("ab")
    balancer = knowing(pool, 0.1, 0.1)
    balancer.timed(pool[0], 0.001, True, 0.0)
    assert latency(balancer, "a", 0.0) == pytest.approx(1.0)
    for _ in range(5):
        balancer.timed(pool[0], 0.001, True, 0.0)
    assert latency(balancer, "a", 0.0) == 60.0


def test_who_is_away_keeps_its_average_while_anything_is_left_of_it() -> None:
    pool = pool_of("abc")
    balancer = knowing(pool, 0.1, 0.1, 2.0)
    pick(balancer, pool[:2], 50.0)
    assert latency(balancer, "c", 50.0) == pytest.approx(2 * exp(-5))
    balancer.timed(pool[0], 0.1, False, 120.0)
    pick(balancer, pool[:1], 120.0)
    assert set(balancer._latencies) == {"a"}
    balancer.timed(pool[2], 0.1, False, 121.0)
    assert set(balancer._latencies) == {"a"}, "news of a stranger are not kept"


def test_one_server_needs_no_draw() -> None:
    (alone,) = pool = pool_of("a")
    assert list(PeakEwma().order(pool, Context(), Random(0))) == [alone]


# -- in traffic


def test_traffic_moves_to_the_fast_servers() -> None:
    pool = (Worker("a"), Worker("b"), Worker("slow", seconds=0.1))
    run = Run(PeakEwma(), pool, clients=20, pause=0.005)
    run.picks(10.0)
    shares = run.shares(30.0)
    assert shares["slow"] < 0.03
    assert shares["a"] == pytest.approx(0.5, abs=0.06)


def test_a_server_that_slows_down_loses_its_traffic_in_a_second() -> None:
    pool = (Worker("a"), Worker("b"), Worker("c"))
    run = Run(PeakEwma(), pool, clients=20, pause=0.005)
    run.picks(20.0)
    pool[2].seconds = 0.5
    run.picks(1.0)
    assert run.shares(5.0)["c"] < 0.02
    pool[2].seconds = 0.01
    run.picks(60.0)
    assert run.shares(30.0)["c"] > 0.2


@pytest.mark.parametrize(("normal", "most"), [(0.01, 0.005), (5.0, 0.25)])
@pytest.mark.parametrize("failing", [0.2, 1.0])
def test_a_server_that_fails_fast_attracts_no_traffic(
    normal: float, most: float, failing: float
) -> None:
    """A third would be its share. In a pool of seconds few requests tell of it."""
    pool = (
        Worker("a", seconds=normal),
        Worker("b", seconds=normal),
        Worker("c", seconds=normal, failing=failing),
    )
    run = Run(PeakEwma(), pool, clients=20, pause=0.005)
    run.picks(10.0)
    assert run.shares(40.0)["c"] < most


def test_one_failure_in_a_thousand_leaves_everybody_its_share() -> None:
    pool = tuple(Worker(letter, failing=0.001) for letter in "abc")
    run = Run(PeakEwma(), pool, clients=20, pause=0.005)
    run.picks(20.0)
    assert min(run.shares(60.0).values()) > 0.26


def test_shares_follow_weights_under_load() -> None:
    run = Run(PeakEwma(), (Worker("a", 1), Worker("b", 3)), clients=40)
    run.picks(2.0)
    assert run.shares(20.0)["b"] == pytest.approx(0.75, abs=0.02)


# -- laws


@given(st.lists(st.tuples(st.floats(0.001, 10), st.booleans(), st.floats(0, 30)), max_size=30))
def test_law_an_answer_never_improves_on_silence_and_nothing_exceeds_the_worst(
    answers: list[tuple[float, bool, float]],
) -> None:
    (alone,) = pool = pool_of("a")
    balancer, now, worst = PeakEwma(), 0.0, 60.0
    pick(balancer, pool)
    for seconds, failed, later in answers:
        now += later
        before = latency(balancer, "a", now)
        balancer.timed(alone, seconds, failed, now)
        after = latency(balancer, "a", now)
        worst = max(worst, seconds)
        assert max(before, seconds, 0.3 if failed else 0.0) <= after <= worst


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), min_size=1, max_size=12),
    st.integers(0, 2**32),
)
def test_law_an_order_holds_everybody_once(servers: list[tuple[int, int]], seed: int) -> None:
    pool = tuple(Member(f"s{i}", w, n) for i, (w, n) in enumerate(servers))
    order = PeakEwma().order(pool, Context(), Random(seed))
    assert sorted(m.id for m in order) == sorted(m.id for m in pool)
