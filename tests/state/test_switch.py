"""A person's hand on a breaker: it outlasts time, requests and plans, until a hand takes it back."""

import pytest

from tests.state.books import ERROR, OK, brief, member, plan, pool_of, usable
from trio_lb.config.schema import BreakerConfig
from trio_lb.model.errors import UnknownServer
from trio_lb.model.events import CircuitBreakerOpened
from trio_lb.policy.breaker import BreakerState

COUNTS = BreakerConfig(threshold=None)


def test_a_breaker_opened_by_hand_stays_open_whatever_time_and_requests_say() -> None:
    pool = pool_of(plan(2, circuit_breaker=COUNTS))
    assert pool.breaker("s1").open(1.0) == [
        CircuitBreakerOpened(at=1.0, pool="api", server_id="s1", reason="manual", until=None)
    ]
    for _ in range(9):
        pool.observe(member(pool, "s1"), OK, 2.0)
    pool.on_deadline(1e6)
    assert (usable(pool), pool.breaker("s1").state) == (["s2"], BreakerState.OPEN)
    assert brief(pool.breaker("s1").close(1e6)) == ["circuit_breaker_reset s1"]
    assert usable(pool) == ["s1", "s2"]


def test_works_where_no_breaker_is_configured_and_leaves_nothing_behind() -> None:
    pool = pool_of(plan(2))
    switch = pool.breaker("s1")
    assert (switch.state, switch.statistics()) == (BreakerState.CLOSED, None)
    switch.open(1.0)
    opened = switch.statistics()
    assert opened is not None
    assert (opened.state, opened.since, opened.until) == (BreakerState.OPEN, 1.0, None)
    assert usable(pool) == ["s2"]
    switch.reset(2.0)
    assert (usable(pool), switch.state) == (["s1", "s2"], BreakerState.CLOSED)
    assert member(pool, "s1").breaker is None


def test_to_open_it_again_or_to_close_what_is_closed_tells_nothing() -> None:
    switch = pool_of(plan(2)).breaker("s1")
    assert list(switch.close(0.0)) == list(switch.reset(0.0)) == []
    switch.open(1.0)
    assert list(switch.open(2.0)) == []


def test_to_close_it_forgets_the_counts_and_to_reset_it_does_not_open_it_any_sooner() -> None:
    pool = pool_of(plan(2, circuit_breaker=COUNTS))
    one = member(pool, "s1")
    for _ in range(4):
        pool.observe(one, ERROR, 1.0)
    pool.breaker("s1").close(2.0)
    told = [brief(pool.observe(one, ERROR, 3.0)) for _ in range(5)]
    assert [bool(names) for names in told] == [False] * 4 + [True]


def test_half_open_it_can_be_opened_and_closed_as_well() -> None:
    pool = pool_of(plan(2, circuit_breaker=COUNTS))
    one = member(pool, "s1")
    for verb in ("open", "close"):
        for _ in range(5):
            pool.observe(one, ERROR, 0.0)
        deadline = pool.deadline
        assert deadline is not None
        pool.on_deadline(deadline)
        with one.lease():
            assert usable(pool) == ["s2"]
            getattr(pool.breaker("s1"), verb)(deadline)
        assert usable(pool) == {"open": ["s2"], "close": ["s1", "s2"]}[verb]
        pool.breaker("s1").close(0.0)


def test_everybody_out_by_hand_is_out_by_breaker_without_a_known_end() -> None:
    pool = pool_of(plan(1))
    pool.breaker("s1").open(1.0)
    none = pool.why_none(2.0)
    assert (none.by_breaker, none.retry_after_seconds) == (True, 1)
    assert "circuit breaker open" in none.message


def test_an_unknown_or_leaving_server_has_no_switch() -> None:
    pool = pool_of(plan(2))
    with pytest.raises(UnknownServer, match="pool 'api' has no server 's9'"):
        pool.breaker("s9")
    with member(pool, "s1").lease():
        pool.remove_server("s1", 1.0)
        with pytest.raises(UnknownServer, match="'s1' is leaving"):
            pool.breaker("s1")
