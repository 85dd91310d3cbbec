"""Reuse: the newest first, never too old for the request, and no connection lost."""

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trio_lb.policy.reuse import (
    CAREFUL_SECONDS,
    FORGET_SECONDS,
    LEAST_LEARNT_SECONDS,
    RACE_SECONDS,
    ReusePlan,
    ReuseStatistics,
)


def parked(conns: str, at: float = 0.0, **options: float) -> ReusePlan[str]:
    plan: ReusePlan[str] = ReusePlan(**options)  # type: ignore[arg-type] # mixed kinds
    for conn in conns:
        assert list(plan.park(conn, at)) == []
    return plan


def take(plan: ReusePlan[str], now: float, *, idempotent: bool = True) -> tuple[str | None, str]:
    conn, closing = plan.take(now, idempotent=idempotent)
    return conn, "".join(closing)


def test_an_empty_plan_has_nothing_to_give_and_nothing_to_wait_for() -> None:
    plan = parked("")
    assert take(plan, 0.0) == (None, "")
    assert (plan.deadline, list(plan.sweep(9.0))) == (None, [])


def test_the_newest_connection_is_taken_first() -> None:
    plan = parked("abc")
    assert [take(plan, 0.1)[0] for _ in range(4)] == ["c", "b", "a", None]


def test_a_connection_is_given_out_for_less_than_four_seconds() -> None:
    assert take(parked("a"), 3.999) == ("a", "")
    assert take(parked("ab"), 4.0) == (None, "ab")


def test_a_request_that_must_not_be_replayed_takes_only_what_was_idle_for_less_than_a_second() -> (
    None
):
    assert take(parked("a"), 0.999, idempotent=False) == ("a", "")
    plan = parked("a")
    assert take(plan, CAREFUL_SECONDS, idempotent=False) == (None, "")
    assert take(plan, CAREFUL_SECONDS) == ("a", ""), "it stayed for one that may be"


def test_a_closed_connection_teaches_how_old_the_others_may_be() -> None:
    plan = parked("ab")
    plan.found_stale(1.5, 0.0)
    assert plan.deadline == 1.5
    assert take(plan, 0.75, idempotent=False) == (None, "")
    assert take(plan, 0.749, idempotent=False) == ("b", "")
    assert take(plan, 1.499) == ("a", "")
    plan.park("c", 2.0)
    assert take(plan, 3.5) == (None, "c")


def test_the_smallest_age_counts_until_sixty_seconds_pass_without_another_find() -> None:
    plan = parked("")
    for age, now in ((3.0, 0.0), (1.5, 10.0), (2.5, 40.0)):
        plan.found_stale(age, now)
    assert plan.statistics() == ReuseStatistics(idle=0, learnt_seconds=1.5, stale_total=3)
    plan.park("a", 40.0 + FORGET_SECONDS - 2.0)
    plan.sweep(40.0 + FORGET_SECONDS - 1.0)
    assert plan.statistics().learnt_seconds == 1.5
    assert take(plan, 40.0 + FORGET_SECONDS) == ("a", "")
    assert plan.statistics().learnt_seconds is None


def test_a_connection_that_died_a_second_after_it_was_taken_is_counted_and_teaches_nothing() -> (
    None
):
    plan = parked("")
    plan.found_stale(1.5, 0.0, used_seconds=RACE_SECONDS)
    assert plan.statistics() == ReuseStatistics(idle=0, learnt_seconds=None, stale_total=1)
    plan.found_stale(1.5, 0.0, used_seconds=0.999)
    assert plan.statistics() == ReuseStatistics(idle=0, learnt_seconds=1.5, stale_total=2)


def test_a_great_age_teaches_a_careful_request_nothing() -> None:
    plan = parked("a")
    plan.found_stale(3.5, 0.0)
    assert take(plan, 0.999, idempotent=False) == ("a", "")


def test_a_restart_of_the_server_does_not_end_reuse_under_load() -> None:
    plan = parked("a")
    plan.found_stale(0.0, 0.0)
    assert plan.statistics().learnt_seconds == LEAST_LEARNT_SECONDS
    assert take(plan, 0.02, idempotent=False) == ("a", "")


def test_where_one_fell_silent_those_that_idle_as_long_are_given_up() -> None:
    plan = parked("ab")
    plan.park("c", 1.0)
    plan.park("d", 1.5)
    assert list(plan.fell_silent(1.0)) == ["a", "b", "c"]
    assert take(plan, 2.0) == ("d", "")
    assert list(plan.fell_silent(1.0)) == []


def test_what_is_too_old_is_swept_exactly_at_the_deadline() -> None:
    plan = parked("a", at=10.0)
    plan.park("b", 11.0)
    assert plan.deadline == 14.0
    assert list(plan.sweep(13.999)) == []
    assert list(plan.sweep(14.0)) == ["a"]
    assert plan.deadline == 15.0


def test_a_surplus_is_closed_after_it_stayed_idle_for_a_second() -> None:
    plan = parked("abcde", limit=2)
    assert plan.deadline == 1.0
    assert list(plan.sweep(0.999)) == []
    assert list(plan.sweep(1.0)) == ["a", "b", "c"]
    assert (len(plan), plan.deadline) == (2, 4.0)


def test_a_surplus_that_is_wanted_again_in_time_is_never_closed() -> None:
    """A thousand busy clients come and go around a limit of 32."""
    plan: ReusePlan[int] = ReusePlan(limit=32)
    held, opened, now, dice = list(range(1000)), 1000, 0.0, Random(1)
    for _ in range(200):
        now += 0.01
        dice.shuffle(held)
        for conn in held[:500]:
            assert list(plan.park(conn, now)) == []
        del held[:500]
        assert list(plan.sweep(now)) == []
        for _ in range(500):
            conn_or_none, closing = plan.take(now, idempotent=True)
            assert conn_or_none is not None
            assert list(closing) == []
            held.append(conn_or_none)
    assert len(set(held)) == opened


def test_no_burst_parks_more_than_the_hard_limit() -> None:
    plan = parked("abc", limit=1, hard_limit=3)
    assert list(plan.park("d", 0.0)) == ["a"]
    assert len(plan) == 3


@pytest.mark.parametrize("limit", [0, 1])
def test_with_hardly_a_limit_a_connection_still_lives_through_its_linger(limit: int) -> None:
    plan = parked("ab", limit=limit)
    assert list(plan.sweep(1.0)) == ["a", "b"][: 2 - limit]


def test_all_are_returned_when_the_server_goes() -> None:
    plan = parked("abc")
    assert list(plan.clear()) == ["a", "b", "c"]
    assert (len(plan), plan.deadline, take(plan, 0.0)) == (0, None, (None, ""))


class Life(RuleBasedStateMachine):
    """Any use: nothing is lost or given twice, nothing is given out too old."""

    def __init__(self) -> None:
        super().__init__()
        self.plan: ReusePlan[int] = ReusePlan(3, 4.0, surplus_linger_seconds=1.0, hard_limit=6)
        self.parked_at: dict[int, float] = {}
        self.now = 0.0
        self.number = 0

    def close(self, closing: list[int]) -> None:
        for conn in closing:
            del self.parked_at[conn]  # KeyError: it was taken, or returned before

    @rule(count=st.integers(1, 4))
    def park(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.parked_at[self.number] = self.now
            self.close(list(self.plan.park(self.number, self.now)))

    @rule(idempotent=st.booleans())
    def take(self, idempotent: bool) -> None:
        conn, closing = self.plan.take(self.now, idempotent=idempotent)
        self.close(list(closing))
        if conn is not None:
            age = self.now - self.parked_at.pop(conn)
            learnt = self.plan.statistics().learnt_seconds or 1e9
            assert age < (min(4.0, learnt) if idempotent else min(1.0, learnt / 2))
            assert age <= min((self.now - at for at in self.parked_at.values()), default=age)

    @rule(eighths=st.integers(0, 40))
    def time_passes(self, eighths: int) -> None:
        self.now += eighths / 8

    @rule()
    def a_long_time_passes(self) -> None:
        self.now += FORGET_SECONDS

    @rule(eighths=st.integers(0, 40))
    def stale(self, eighths: int) -> None:
        self.plan.found_stale(eighths / 8, self.now)

    @rule(eighths=st.integers(0, 80))
    def silence(self, eighths: int) -> None:
        self.close(list(self.plan.fell_silent(self.now - eighths / 8)))

    @rule()
    def sweep(self) -> None:
        due, before = self.plan.deadline, self.plan.statistics().learnt_seconds
        closing = list(self.plan.sweep(self.now))
        forgot = before != self.plan.statistics().learnt_seconds
        if not forgot:
            assert bool(closing) == (due is not None and due <= self.now)
        self.close(closing)
        deadline = self.plan.deadline
        assert deadline is None or deadline > self.now

    @rule()
    def server_goes(self) -> None:
        self.close(list(self.plan.clear()))
        assert not self.parked_at

    @invariant()
    def the_books_agree(self) -> None:
        assert len(self.plan) == len(self.parked_at) <= 6
        assert (self.plan.deadline is None) == (not self.parked_at)


Life.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
