"""Retries keep to the budget of their pool, and to their number each."""

from hypothesis import given
from hypothesis import strategies as st

from tests.sim.checks.support import MS, Play, world
from trio_lb.config.resilience import BudgetConfig, RetryConfig
from trio_lb.policy.budget import RetryBudget
from trio_lb.sim.checks.retries import AttemptsBounded, RetryBudgetKept
from trio_lb.sim.happening import What

STALE = "stale connection"
TIGHT = BudgetConfig(fraction=0.5, min_per_second=0.1, window=10.0)


def start(play: Play, at: float, req: int) -> None:
    play.lb(at, What.START, f"r{req}", req=req)
    play.lb(at, What.SELECT, "s1", "default", 0, req=req)


def retry(play: Play, at: float, req: int, attempt: int = 1, outcome: str = "reset") -> None:
    play.lb(at, What.RETRY, "s1", "default", attempt, outcome, 0, req=req)
    play.lb(at, What.SELECT, "s2", "default", 0, req=req)


def test_retries_within_the_share_and_the_reserve_are_legal() -> None:
    play = Play(RetryBudgetKept(TIGHT))
    for req in range(1, 5):
        start(play, 1.0, req)
    for req in range(1, 4):  # 0.5 * 4 + 0.1 * 10 = 3
        retry(play, 2.0, req)
    assert play.end() == []


def test_one_more_is_a_violation() -> None:
    play = Play(RetryBudgetKept(TIGHT))
    for req in range(1, 5):
        start(play, 1.0, req)
    for req in range(1, 5):
        retry(play, 2.0, req)
    assert play.end() == ["4 retries in 10 s of 4 requests of default, allowed are 3"]


def test_requests_and_retries_leave_the_window_together() -> None:
    play = Play(RetryBudgetKept(TIGHT))
    for req in range(1, 5):
        start(play, 1.0, req)
    for req in range(1, 4):
        retry(play, 2.0, req)
    start(play, 12.0, 5)
    retry(play, 12.0, 5)  # 0.5 * 1 + 1 = 1.5
    assert play.said == []
    start(play, 12.0, 6)
    retry(play, 12.0, 6)
    assert play.said == []
    retry(play, 12.0, 6)
    assert play.said == ["3 retries in 10 s of 2 requests of default, allowed are 2"]


def test_the_budget_is_the_configured_one_and_the_defaults_without() -> None:
    off = world(retry=RetryConfig(budget=BudgetConfig(enabled=False)))
    for small, said in ((off, 0), (None, 1)):
        play = Play(RetryBudgetKept(), small)
        for req in range(1, 32):  # 0.2 * 31 + 3 * 10 = 36.2
            start(play, 1.0, req)
        for number in range(37):
            retry(play, 1.0, number % 31 + 1)
        assert len(play.end()) == said


def test_one_replay_of_a_stale_connection_is_free() -> None:
    play = Play(RetryBudgetKept(BudgetConfig(fraction=0.0, min_per_second=0.1, window=10.0)))
    start(play, 1.0, 1)
    retry(play, 1.0, 1, 1, STALE)
    retry(play, 1.0, 1, 2, STALE)
    assert play.said == []
    retry(play, 1.0, 1, 3, STALE)
    assert len(play.said) == 1


def test_a_request_that_finds_nobody_counts_as_one_too() -> None:
    play = Play(RetryBudgetKept(BudgetConfig(fraction=1.0, min_per_second=0.1, window=1.0)))
    play.lb(1.0, What.START, "r9", req=9)
    play.lb(1.0, What.NO_SERVER, "default")
    play.lb(1.0, What.ERROR, "", "default", 503, 0, 0, "no_healthy_server", req=9)
    start(play, 1.0, 1)
    retry(play, 1.0, 1)
    retry(play, 1.0, 1)
    assert play.end() == []


def test_another_plan_or_another_life_begins_with_empty_books() -> None:
    play = Play(RetryBudgetKept(TIGHT), world())
    start(play, 1.0, 1)
    retry(play, 1.0, 1)
    play.lb(1.0, What.NEWS, "config_updated")
    retry(play, 1.0, 1)
    play.tell(1.0, What.INJECT, "lb", "crash", 1, "{}")
    start(play, 1.0, 2)
    retry(play, 1.0, 2)
    assert play.end() == []


@given(
    st.lists(
        st.tuples(st.floats(0.0, 3.0), st.integers(0, 6)).filter(lambda step: step[0] >= 0.0),
        max_size=40,
    )
)
def test_what_the_products_budget_grants_is_never_a_violation(
    steps: list[tuple[float, int]],
) -> None:
    budget, play, now = RetryBudget(TIGHT), Play(RetryBudgetKept(TIGHT)), 0.0
    for number, (pause, wanted) in enumerate(steps, 1):
        now += pause
        budget.request(now)
        start(play, now, number)
        for _ in range(wanted):
            if budget.try_spend(now):
                retry(play, now, number)
    assert play.end() == []


def test_each_request_is_retried_so_often_and_no_oftener() -> None:
    play = Play(AttemptsBounded(2))
    retry(play, 1.0, 1, 1, STALE)
    retry(play, 1.0, 1, 2)
    retry(play, 1.0, 1, 3)
    assert play.said == []
    retry(play, 1.0, 1, 4)
    assert play.end() == ["retry number 3, max_retries is 2"]


def test_the_right_to_a_free_replay_begins_anew_with_the_clients_next_try() -> None:
    play = Play(AttemptsBounded(), world(retry=RetryConfig(max_retries=1)))
    retry(play, 1.0, 1, 1, STALE)
    retry(play, 1.0, 1, 2)
    retry(play, 2.0, 1, 1)
    assert play.said == []
    retry(play, 2.0, 1, 2)
    assert play.said == ["retry number 2, max_retries is 1"]


def test_a_retry_that_is_not_made_leaves_the_next_request_one() -> None:
    play = Play(RetryBudgetKept(BudgetConfig(fraction=1.0, min_per_second=0.1, window=1.0)))
    start(play, 1.0, 1)
    play.lb(1.0, What.RETRY, "s1", "default", 1, "reset", 0, req=1)
    play.lb(1.0, What.ERROR, "s1", "default", 502, 1, MS, "upstream_reset", req=1)
    start(play, 1.0, 1)
    retry(play, 1.0, 1)
    assert play.end() == []


def test_tries_of_one_request_that_overlap_may_each_have_their_free_replay() -> None:
    """Its client gave up and asked again; the balancer has not noticed yet."""
    budget, bound = Play(RetryBudgetKept(TIGHT)), Play(AttemptsBounded(2))
    for play in (budget, bound):
        start(play, 1.0, 1)
        start(play, 1.1, 1)  # 0.5 * 2 + 1 = 2
        for attempt in (2, 2):
            retry(play, 2.0, 1, attempt, STALE)
        retry(play, 2.5, 1, 3)
        retry(play, 2.6, 1, 3)
        assert play.end() == []


def test_tries_of_one_request_that_follow_each_other_have_one_each() -> None:
    play = Play(AttemptsBounded(2))
    for at in (1.0, 5.0):
        start(play, at, 1)
        retry(play, at, 1, 1, "reset")
        play.lb(at + 1.0, What.ERROR, "s1", "default", 502, 1, 0, "upstream_reset", req=1)
    retry(play, 7.0, 1, 3)
    assert play.said == ["retry number 3, max_retries is 2"]


def test_each_try_of_a_request_counts_for_the_budget_while_another_is_retried() -> None:
    play = Play(RetryBudgetKept(TIGHT))
    start(play, 1.0, 1)
    play.lb(1.0, What.RETRY, "s1", "default", 1, "reset", MS, req=1)
    start(play, 1.0, 1)  # 0.5 * 2 + 1 = 2, though the retry was not yet picked for.
    play.lb(1.0, What.ERROR, "s1", "default", 0, 1, MS, "client_gone", req=1)
    retry(play, 1.0, 1)
    assert play.end() == []
