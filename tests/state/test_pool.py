"""A pool: one answer a server from all verdicts, exact counts, and deadlines to the instant."""

from collections.abc import Iterator, Sequence
from random import Random

import pytest

from tests.state.books import (
    ABANDONED,
    BAD,
    ERROR,
    GOOD,
    NOT_FOUND,
    OK,
    REFUSED,
    STALE,
    TIMEOUT,
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
from trio_lb.model.address import Address
from trio_lb.model.events import ServerDrained, ServerHealthChanged, ServerReadmitted
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.indifferent import Indifferent
from trio_lb.policy.balance.registry import ALGORITHMS
from trio_lb.state.pool import NOTHING, Pool
from trio_lb.state.server import Server


def test_without_probes_every_server_is_usable_at_once() -> None:
    pool = pool_of(plan())
    assert usable(pool) == ["s1", "s2", "s3"]
    assert [each.id for each in pool.healthy_servers()] == ["s1", "s2", "s3"]


def test_with_probes_nobody_is_usable_before_a_good_check() -> None:
    pool = pool_of(plan(probes=True))
    assert (usable(pool), pool.is_usable, picks(pool)) == ([], False, [])
    told = pool.checked(member(pool, "s2"), GOOD, 0.5)
    assert brief(told) == ["server_health_changed s2"]
    assert usable(pool) == ["s2"]


def test_order_yields_each_usable_server_once_beginning_with_the_first() -> None:
    pool = pool_of(plan())
    first = [next(pool.order(Context(), Random(0))).id for _ in range(4)]
    assert first == ["s1", "s2", "s3", "s1"]
    assert sorted(picks(pool)) == ["s1", "s2", "s3"]


def test_a_full_server_is_skipped_until_it_has_room() -> None:
    pool = pool_of(plan(servers=(server(1, max_connections=1), server(2))))
    with member(pool, "s1").lease():
        assert picks(pool) == ["s2"]
    assert sorted(picks(pool)) == ["s1", "s2"]


def test_a_server_that_went_out_while_a_retry_waited_is_not_tried() -> None:
    pool = pool_of(plan())
    order = pool.order(Context(), Random(0))
    assert next(order).id == "s1"
    pool.drain_server("s2", 1.0, expires_at=None)
    assert [each.id for each in order] == ["s3"]


# -- outcomes


def test_attempts_and_failures_are_counted_exactly() -> None:
    pool = pool_of(plan())
    one = member(pool, "s1")
    for outcome in (OK, NOT_FOUND, ERROR, REFUSED, ABANDONED, STALE):
        pool.observe(one, outcome, 1.0)
    assert (one.requests, one.failures) == (5, 2)


def test_a_success_tells_nothing_and_shares_the_nothing() -> None:
    pool = pool_of(plan())
    assert pool.observe(member(pool, "s1"), OK, 1.0) is NOTHING


def test_five_failures_in_a_row_eject_a_server_and_it_is_back_after_five_seconds() -> None:
    pool = pool_of(plan())
    assert brief(eject(pool, "s2", 7.0)) == ["server_ejected s2"]
    assert (usable(pool), pool.deadline) == (["s1", "s3"], 12.0)
    assert pool.on_deadline(11.999) == NOTHING
    assert pool.on_deadline(12.0) == [ServerReadmitted(at=12.0, pool="api", server_id="s2")]
    assert (usable(pool), pool.deadline) == (["s1", "s2", "s3"], None)


def test_an_ejected_server_is_still_healthy_by_its_probes() -> None:
    pool = probed_pool()
    eject(pool, "s2", 7.0)
    assert [each.id for each in pool.healthy_servers()] == ["s1", "s2", "s3"]
    assert member(pool, "s2").state == "healthy"


def test_chance_lengthens_an_ejection_when_it_is_at_hand() -> None:
    pool = pool_of(plan())
    one, two = pool.servers()[:2]
    pool.observe(one, ERROR, 1.0)
    pool.observe(two, OK, 1.0)
    for _ in range(4):
        pool.observe(one, ERROR, 1.0, Random(1))
    assert pool.deadline is not None
    assert 6.0 < pool.deadline <= 6.5


def test_what_a_server_that_left_does_with_its_last_requests_ejects_nobody() -> None:
    pool = pool_of(plan())
    gone = member(pool, "s2")
    with gone.lease():
        pool.remove_server("s2", 1.0)
        pool.observe(member(pool, "s1"), OK, 1.0)
        assert [pool.observe(gone, ERROR, 1.0) for _ in range(9)] == [NOTHING] * 9
    assert gone.failures == 9
    assert pool.outlier.statistics().ejections_total == 0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (OutcomeKind.CONNECT_REFUSED, True),
        (OutcomeKind.CONNECT_TIMEOUT, True),
        (OutcomeKind.RESET, True),
        (OutcomeKind.CLOSED, True),
        (OutcomeKind.TIMEOUT, True),
        (OutcomeKind.STALE, False),
        (OutcomeKind.ABANDONED, False),
    ],
)
def test_an_attempt_without_an_answer_makes_the_server_a_suspect_at_once(
    kind: OutcomeKind, expected: bool
) -> None:
    pool, suspects = pool_of(plan()), list[Server]()
    pool.on_suspect = suspects.append
    one = member(pool, "s1")
    pool.observe(one, Outcome(kind), 1.0)
    assert suspects == ([one] if expected else [])


def test_an_answer_however_bad_makes_no_suspect() -> None:
    pool, suspects = pool_of(plan()), list[Server]()
    pool.on_suspect = suspects.append
    pool.observe(member(pool, "s1"), ERROR, 1.0)
    assert suspects == []


def test_a_server_shows_when_it_last_answered_and_no_failure_to_connect_is_an_answer() -> None:
    pool = pool_of(plan())
    one = member(pool, "s1")
    seen = []
    for at, outcome in enumerate((OK, REFUSED, ERROR, ABANDONED, TIMEOUT)):
        pool.observe(one, outcome, float(at))
        seen.append(one.last_seen_at)
    assert seen == [0.0, 0.0, 2.0, 2.0, 2.0]


class Clockwork(Indifferent):
    """A balancer that wants instants and times, and notes what it is told."""

    name = "clockwork"
    times = True

    def __init__(self) -> None:
        self.asked_at: list[float] = []
        self.told: list[tuple[str, float, bool, float]] = []

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        self.asked_at.append(context.now)
        return iter(candidates)

    def timed(self, candidate: Candidate, seconds: float, failed: bool, now: float) -> None:
        self.told.append((candidate.id, seconds, failed, now))


def test_a_balancer_with_times_hears_each_attempt_that_says_something_of_its_server() -> None:
    pool, clockwork = pool_of(plan()), Clockwork()
    pool.apply(plan(algorithm="random"), 0.0, balancer=clockwork)
    one = member(pool, "s1")
    for outcome in (OK, ERROR, REFUSED, ABANDONED, STALE, NOT_FOUND):
        pool.observe(one, outcome, 2.0, began_at=1.0, seconds=0.25)
    failed = [each[2] for each in clockwork.told]
    assert failed == [False, True, True, False]
    assert clockwork.told[0] == ("s1", 0.25, False, 2.0)
    assert next(pool.order(Context("c"), Random(0), 7.5)) is one
    assert clockwork.asked_at == [7.5]


def test_a_balancer_without_times_is_told_of_none_and_sees_the_context_as_it_came() -> None:
    pool, clockwork = pool_of(plan()), Clockwork()
    clockwork.times = False
    pool.apply(plan(algorithm="random"), 0.0, balancer=clockwork)
    pool.observe(member(pool, "s1"), OK, 2.0, seconds=0.25)
    next(pool.order(Context("c"), Random(0), 7.5))
    assert (clockwork.told, clockwork.asked_at) == ([], [0.0])


def test_faults_of_a_caller_s_own_algorithm_are_told_with_the_pool_s_name() -> None:
    pool, faults = pool_of(plan(2, algorithm=lambda candidates, context: None)), list[str]()
    pool.on_fault = faults.append
    assert sorted(picks(pool)) == ["s1", "s2"]
    assert [text.partition(": select")[0] for text in faults] == [
        "pool 'api': algorithm '<lambda>'",
        "pool 'api': algorithm '<lambda>'",
    ]


# -- verdicts together


def test_a_person_s_word_outlives_probes_until_it_is_taken_back() -> None:
    pool = probed_pool(2)
    told = pool.health_override("s1", False, 1.0)
    assert told == [
        ServerHealthChanged(at=1.0, pool="api", server_id="s1", is_healthy=False, reason="manual")
    ]
    pool.checked(member(pool, "s1"), GOOD, 2.0)
    assert usable(pool) == ["s2"]
    pool.health_override("s1", None, 3.0)
    assert usable(pool) == ["s1", "s2"]


def test_a_person_s_word_counts_without_probes_as_well() -> None:
    pool = pool_of(plan(2))
    pool.health_override("s1", False, 1.0)
    assert usable(pool) == ["s2"]
    pool.health_override("s1", None, 2.0)
    assert usable(pool) == ["s1", "s2"]
    assert member(pool, "s1").health is None, "nothing is left that nobody would renew"


def test_checks_of_a_server_without_probes_or_that_left_tell_nothing() -> None:
    pool = pool_of(plan(2))
    assert pool.checked(member(pool, "s1"), BAD, 1.0) == NOTHING
    probed = probed_pool(2)
    one = member(probed, "s1")
    probed.remove_server("s1", 1.0)
    assert probed.checked(one, BAD, 2.0) == NOTHING


# -- drains


def test_a_drained_member_stays_out_until_it_is_resumed() -> None:
    pool = pool_of(plan(2))
    assert brief(pool.drain_server("s1", 1.0, expires_at=31.0)) == [
        "server_draining s1",
        "server_drained s1",
    ]
    assert (usable(pool), member(pool, "s1").state) == (["s2"], "draining")
    pool.resume_server("s1", 2.0)
    assert usable(pool) == ["s1", "s2"]


def test_a_drain_ends_in_the_instant_of_its_last_release() -> None:
    pool, moved = pool_of(plan(2)), list[float | None]()
    pool.on_deadline_moved = lambda each: moved.append(each.deadline)
    with member(pool, "s1").lease():
        pool.drain_server("s1", 1.0, expires_at=31.0)
        assert moved == [31.0]
    assert moved == [31.0, float("-inf")]
    assert pool.on_deadline(3.5) == [ServerDrained(at=3.5, pool="api", server_id="s1")]
    assert moved == [31.0, float("-inf"), None]


def test_a_drain_out_of_patience_ends_unclean_exactly_at_its_limit() -> None:
    pool = pool_of(plan(2))
    with member(pool, "s1").lease():
        pool.drain_server("s1", 1.0, expires_at=31.0)
        assert pool.on_deadline(30.999) == NOTHING
        told = pool.on_deadline(31.0)
    assert told == [ServerDrained(at=31.0, pool="api", server_id="s1", clean=False)]
    assert pool.deadline is None


def test_a_drain_that_is_called_off_has_no_end() -> None:
    pool = pool_of(plan(2))
    with member(pool, "s1").lease():
        pool.drain_server("s1", 1.0, expires_at=31.0)
        pool.resume_server("s1", 2.0)
    assert (pool.deadline, pool.on_deadline(40.0)) == (None, NOTHING)
    assert usable(pool) == ["s1", "s2"]


# -- hooks and words


def test_says_that_it_changed_when_servers_or_its_usability_did_and_only_then() -> None:
    pool, changes = probed_pool(2), list[Pool]()
    pool.on_changed = changes.append
    for at in (1.0, 2.0, 3.0):
        pool.checked(member(pool, "s1"), BAD, at)
    assert changes == []
    for at in (1.0, 2.0, 3.0):
        pool.checked(member(pool, "s2"), BAD, at)
    assert changes == [pool]
    pool.add_server(server(3), 4.0)
    assert len(changes) == 2


def test_why_none_gives_reasons_and_no_address() -> None:
    pool = probed_pool()
    pool.drain_server("s1", 1.0, expires_at=None)
    for each in pool.servers()[1:]:
        for at in (1.0, 2.0, 3.0):
            pool.checked(each, BAD, at)
        each.next_check_at = 10.2
    none = pool.why_none(7.0)
    assert none.message == "pool 'api': no healthy server of 3 (1 draining, 2 unhealthy)"
    assert none.retry_after_seconds == 4


def test_statistics_count_members_usable_healthy_and_leavers() -> None:
    pool = probed_pool()
    eject(pool, "s2", 1.0)
    with member(pool, "s3").lease():
        pool.remove_server("s3", 2.0)
        now = pool.statistics()
    assert (now.name, now.algorithm) == ("api", "round_robin")
    assert (now.servers, now.usable, now.healthy, now.leaving) == (2, 1, 2, 1)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_fifteen_hundred_servers_are_a_pool_like_any_other(algorithm: str) -> None:
    everybody = tuple(
        server(n, address=Address(f"10.0.{n // 250}.{n % 250}", 80)) for n in range(1500)
    )
    pool = pool_of(plan(servers=everybody, algorithm=algorithm))
    assert sorted(picks(pool)) == sorted(each.id for each in everybody)
    if algorithm in {"round_robin", "weighted_round_robin", "least_connections"}:
        order = [next(pool.order(Context(), Random(0))).id for _ in range(1500)]
        assert sorted(order) == sorted(each.id for each in everybody)
    pool.remove_server("s700", 1.0)
    assert "s700" not in picks(pool)
    assert len(usable(pool)) == 1499
