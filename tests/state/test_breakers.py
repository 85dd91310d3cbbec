"""The breakers of a pool: a whole life at exact instants, trials at the door, plans between."""

import attrs

from tests.state.books import (
    ABANDONED,
    ERROR,
    GOOD,
    OK,
    REFUSED,
    brief,
    eject,
    member,
    picks,
    plan,
    pool_of,
    probed_pool,
    server,
    usable,
)
from trio_lb.config.schema import BreakerConfig, OutlierConfig
from trio_lb.model.events import CircuitBreakerOpened
from trio_lb.state.breakers import Breakers
from trio_lb.state.pool import NOTHING, Pool
from trio_lb.state.server import Server

COUNTS = BreakerConfig(threshold=None)
"""The count form at its defaults: five failures, 30 s, one trial at a time, three of them."""
NEVER_EJECTS = OutlierConfig(enabled=False)


def guarded(count: int = 2, breaker: BreakerConfig = COUNTS) -> Pool:
    """A pool with breakers and without outlier detection."""
    return pool_of(plan(count, circuit_breaker=breaker, outlier_detection=NEVER_EJECTS))


def trip(pool: Pool, server_id: str, now: float) -> list[str]:
    """Let five requests in a row fail at one server."""
    victim = member(pool, server_id)
    return [name for _ in range(5) for name in brief(pool.observe(victim, ERROR, now))]


def test_a_whole_life_with_another_server_beside_it() -> None:
    pool = guarded()
    one = member(pool, "s1")
    for second in (1.0, 2.0, 3.0, 4.0):
        assert pool.observe(one, ERROR, second) == NOTHING
    (opened,) = pool.observe(one, REFUSED, 5.0)
    assert opened == CircuitBreakerOpened(
        at=5.0, pool="api", server_id="s1", reason="5 failures in a row", until=35.0
    )
    assert (usable(pool), pool.deadline, one.state) == (["s2"], 35.0, "healthy")
    assert pool.on_deadline(34.999) == NOTHING
    assert brief(pool.on_deadline(35.0)) == ["circuit_breaker_half_opened s1"]
    assert (usable(pool), pool.deadline) == (["s1", "s2"], None)
    told = list[str]()
    for second in (35.0, 36.0, 37.0):
        assert told == []
        with one.lease():
            assert usable(pool) == ["s2"], "one trial at a time"
            told += brief(pool.observe(one, OK, second))
        assert usable(pool) == ["s1", "s2"]
    assert told == ["circuit_breaker_reset s1"]
    assert pool.breaker("s1").state == "closed"


def test_a_failed_trial_opens_it_again_for_twice_as_long() -> None:
    pool = guarded()
    trip(pool, "s1", 0.0)
    pool.on_deadline(30.0)
    one = member(pool, "s1")
    with one.lease():
        assert brief(pool.observe(one, ERROR, 31.0)) == ["circuit_breaker_opened s1"]
    assert (usable(pool), pool.deadline) == (["s2"], 91.0)


def test_a_trial_without_a_verdict_only_gives_its_permit_back() -> None:
    pool = guarded()
    trip(pool, "s1", 0.0)
    pool.on_deadline(30.0)
    one = member(pool, "s1")
    with one.lease():
        assert pool.observe(one, ABANDONED, 31.0) == NOTHING
    assert usable(pool) == ["s1", "s2"]
    assert pool.breaker("s1").state == "half_open"


def test_a_request_that_began_before_the_opening_proves_nothing_after_it() -> None:
    pool = guarded()
    trip(pool, "s1", 2.0)
    pool.on_deadline(32.0)
    one = member(pool, "s1")
    assert pool.observe(one, ERROR, 33.0, began_at=1.0) == NOTHING
    for _ in range(9):
        assert pool.observe(one, OK, 33.0, began_at=1.0) == NOTHING
    assert pool.breaker("s1").state == "half_open"


def test_a_long_tunnel_holds_no_permit_once_it_is_judged() -> None:
    pool = guarded()
    trip(pool, "s1", 0.0)
    pool.on_deadline(30.0)
    one = member(pool, "s1")
    tunnel = one.lease()
    with tunnel:
        pool.observe(one, OK, 30.0)
        tunnel.judged()
        assert usable(pool) == ["s1", "s2"]
        for _ in range(2):
            with one.lease():
                pool.observe(one, OK, 30.0)
        assert pool.breaker("s1").state == "closed"
    assert one.active_connections == 0


def test_an_answer_below_500_ends_a_streak_of_failures() -> None:
    pool = guarded()
    one = member(pool, "s1")
    for _ in range(3):
        for _ in range(4):
            assert pool.observe(one, ERROR, 1.0) == NOTHING
        pool.observe(one, OK, 1.0)
    assert usable(pool) == ["s1", "s2"]


def test_a_share_of_failures_trips_too() -> None:
    pool = guarded(2, BreakerConfig(failure_threshold=None, threshold=0.5, min_requests=4))
    one = member(pool, "s1")
    told = [brief(pool.observe(one, each, 1.0)) for each in (OK, ERROR, OK, ERROR)]
    assert told == [[], [], [], ["circuit_breaker_opened s1"]]


def test_when_breakers_alone_keep_everybody_out_it_is_said_so_and_until_when() -> None:
    pool = guarded()
    for server_id in ("s1", "s2"):
        trip(pool, server_id, 4.0)
    none = pool.why_none(7.5)
    assert (none.by_breaker, none.retry_after_seconds) == (True, 27)
    assert none.message == "pool 'api': no healthy server of 2 (2 circuit breaker open)"
    pool.on_deadline(34.0)
    with member(pool, "s1").lease(), member(pool, "s2").lease():
        assert picks(pool) == []
        none = pool.why_none(34.0)
    assert (none.by_breaker, none.retry_after_seconds) == (True, 1)
    assert none.message.endswith("of 2 (2 circuit breaker open but for trials)")


def test_a_breaker_is_not_the_reason_while_somebody_is_merely_full() -> None:
    servers = (server(1), server(2, max_connections=1))
    pool = pool_of(plan(servers=servers, circuit_breaker=COUNTS, outlier_detection=NEVER_EJECTS))
    trip(pool, "s1", 0.0)
    with member(pool, "s2").lease():
        assert (picks(pool), pool.why_none(1.0).by_breaker) == ([], False)


def test_who_is_drained_does_not_hide_that_breakers_keep_the_others_out() -> None:
    pool = guarded(3)
    pool.drain_server("s3", 0.0, expires_at=None)
    for server_id in ("s1", "s2"):
        trip(pool, server_id, 1.0)
    none = pool.why_none(1.0)
    assert none.by_breaker
    assert none.message.endswith("of 3 (2 circuit breaker open, 1 draining)")


def test_ejected_servers_come_back_when_breakers_leave_nobody_in_service() -> None:
    pool = pool_of(plan(2, circuit_breaker=BreakerConfig(failure_threshold=9, threshold=None)))
    assert brief(eject(pool, "s1", 1.0)) == ["server_ejected s1"]
    two = member(pool, "s2")
    told = [brief(pool.observe(two, ERROR, 2.0)) for _ in range(9)][-1]
    assert told == ["circuit_breaker_opened s2", "server_readmitted s1"]
    assert usable(pool) == ["s1"]


def test_nobody_is_ejected_in_the_hope_of_a_trial() -> None:
    breaker = BreakerConfig(failure_threshold=9, threshold=None, success_threshold=2)
    pool = pool_of(plan(2, circuit_breaker=breaker))
    one, two = pool.servers()
    for _ in range(9):
        pool.observe(one, ERROR, 0.0)
    pool.on_deadline(30.0)
    pool.observe(two, ERROR, 31.0)
    with one.lease():
        pool.observe(one, OK, 31.0)
    for _ in range(5):
        assert pool.observe(two, ERROR, 31.0) == NOTHING, "only a trial has gone better"
    with one.lease():
        assert brief(pool.observe(one, OK, 31.0)) == ["circuit_breaker_reset s1"]
    assert brief(pool.observe(two, ERROR, 31.0)) == ["server_ejected s2"]


def test_a_renamed_server_keeps_its_breaker_and_its_news_have_the_new_name() -> None:
    pool = guarded()
    trip(pool, "s1", 0.0)
    renamed = (server(1, id="one"), server(2))
    pool.apply(attrs.evolve(pool.config, servers=renamed), 1.0)
    assert (usable(pool), pool.deadline) == (["s2"], 30.0)
    assert brief(pool.on_deadline(30.0)) == ["circuit_breaker_half_opened one"]


def test_a_leaver_s_breaker_tells_nothing_and_is_as_it_was_when_it_comes_back() -> None:
    pool = guarded()
    trip(pool, "s1", 0.0)
    one = member(pool, "s1")
    with one.lease():
        pool.remove_server("s1", 1.0)
        assert pool.deadline is None, "nobody asks for its breaker any more"
        assert pool.observe(one, OK, 2.0) == NOTHING
        pool.add_server(server(1), 3.0)
        assert usable(pool) == ["s2"]
        assert brief(pool.on_deadline(30.0)) == ["circuit_breaker_half_opened s1"]


def test_other_settings_keep_the_state_and_the_end_of_an_opening() -> None:
    pool = guarded()
    trip(pool, "s1", 0.0)
    faster = attrs.evolve(COUNTS, timeout=10.0, success_threshold=1)
    pool.apply(attrs.evolve(pool.config, circuit_breaker=faster), 5.0)
    assert (usable(pool), pool.deadline) == (["s2"], 30.0)
    pool.on_deadline(30.0)
    one = member(pool, "s1")
    with one.lease():
        assert brief(pool.observe(one, OK, 30.0)) == ["circuit_breaker_reset s1"]


def test_switched_off_it_lets_everybody_in_but_whom_a_person_keeps_out() -> None:
    pool = guarded(3)
    trip(pool, "s1", 0.0)
    pool.breaker("s2").open(0.0)
    off = attrs.evolve(pool.config, circuit_breaker=BreakerConfig(enabled=False))
    pool.apply(off, 1.0)
    assert (usable(pool), pool.deadline) == (["s1", "s3"], None)
    assert [each.breaker is None for each in pool.members] == [True, False, True]
    pool.breaker("s2").close(2.0)
    assert usable(pool) == ["s1", "s2", "s3"]
    assert member(pool, "s2").breaker is None


def test_switched_on_it_guards_the_servers_that_are_there() -> None:
    pool = pool_of(plan(2, outlier_detection=NEVER_EJECTS))
    assert trip(pool, "s1", 0.0) == []
    pool.apply(attrs.evolve(pool.config, circuit_breaker=COUNTS), 1.0)
    assert trip(pool, "s1", 2.0) == ["circuit_breaker_opened s1"]


def test_checks_have_no_say_in_it() -> None:
    pool = probed_pool(2, circuit_breaker=COUNTS, outlier_detection=NEVER_EJECTS)
    trip(pool, "s1", 0.0)
    for second in (1.0, 2.0, 3.0):
        pool.checked(member(pool, "s1"), GOOD, second)
    assert usable(pool) == ["s2"]


def test_half_opens_in_the_order_of_opening_and_knows_the_next_instant() -> None:
    books = Breakers(COUNTS)
    servers = [Server("api", server(number), None) for number in (1, 2)]
    books.take(COUNTS, servers)
    for at, each in enumerate(servers):
        for _ in range(5):
            books.of(each).observe(True, float(at), float(at))
        books.note(each)
    assert (books.deadline, books.on_trial) == (30.0, 0)
    assert brief(books.on_deadline(31.0)) == [
        "circuit_breaker_half_opened s1",
        "circuit_breaker_half_opened s2",
    ]
    for each in servers:
        books.note(each)
    assert (books.deadline, books.on_trial) == (None, 2)
