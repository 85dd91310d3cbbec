"""The retry budget: a share of the requests, a reserve, and never overdrawn."""

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.schema import BudgetConfig
from trio_lb.policy.budget import BudgetStatistics, RetryBudget


def spend(budget: RetryBudget, now: float, tries: int) -> int:
    return sum(budget.try_spend(now) for _ in range(tries))


def test_a_new_process_may_retry_thirty_times_at_once() -> None:
    budget = RetryBudget(BudgetConfig())
    assert spend(budget, 0.0, 100) == 30


def test_a_fifth_of_the_requests_comes_on_top_of_the_reserve() -> None:
    budget = RetryBudget(BudgetConfig(fraction=0.2, min_per_second=1.0, window=10.0))
    for _ in range(50):
        budget.request(1.0)
    assert spend(budget, 1.0, 100) == 10 + 10


def test_the_reserve_comes_back_when_its_retries_leave_the_window() -> None:
    budget = RetryBudget(BudgetConfig(min_per_second=1.0, window=10.0))
    assert spend(budget, 0.5, 100) == 10
    assert spend(budget, 10.5, 100) == 0, "still inside, to within a bucket"
    assert spend(budget, 11.0, 100) == 10


def test_a_night_without_traffic_saves_nothing_up() -> None:
    budget = RetryBudget(BudgetConfig())
    assert spend(budget, 36_000.0, 100) == 30


def test_requests_that_left_the_window_pay_for_nothing() -> None:
    budget = RetryBudget(BudgetConfig(min_per_second=0.0))
    for _ in range(100):
        budget.request(0.5)
    assert spend(budget, 9.5, 5) == 5
    assert spend(budget, 10.0, 5) == 0


def test_a_request_whose_body_was_gathered_for_a_while_does_not_undo_the_others() -> None:
    budget = RetryBudget(BudgetConfig(fraction=0.25, min_per_second=0.0))
    for _ in range(998):
        budget.request(10.0)
    for began_at in (9.999, 10.02):
        budget.request(began_at)
    assert spend(budget, 10.03, 1000) == 250


def test_without_a_reserve_and_without_requests_nothing_may_be_retried() -> None:
    assert not RetryBudget(BudgetConfig(min_per_second=0.0)).try_spend(0.0)


def test_a_budget_that_is_off_refuses_nothing_and_still_counts() -> None:
    budget = RetryBudget(BudgetConfig(enabled=False, fraction=0.0, min_per_second=0.0))
    assert spend(budget, 0.0, 500) == 500
    assert budget.statistics(0.0).spent_total == 500


def test_statistics_show_the_window_and_the_totals() -> None:
    budget = RetryBudget(BudgetConfig(fraction=0.5, min_per_second=0.1, window=10.0))
    for _ in range(4):
        budget.request(2.0)
    assert spend(budget, 2.0, 5) == 3
    assert budget.statistics(2.5) == BudgetStatistics(
        requests=4, retries=3, allowed=3.0, spent_total=3, refused_total=2
    )
    assert budget.statistics(60.0) == BudgetStatistics(
        requests=0, retries=0, allowed=1.0, spent_total=3, refused_total=2
    )


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=200),
    st.sampled_from([0.0, 0.25, 1.0]),
    st.sampled_from([0.0, 0.25, 1.0]),
)
def test_law_no_retry_ever_overdraws_the_window_that_ends_with_it(
    steps: list[tuple[int, bool]], fraction: float, min_per_second: float
) -> None:
    """Windows and buckets are dyadic here (20 s, buckets of 2 s), so all sums are exact."""
    config = BudgetConfig(fraction=fraction, min_per_second=min_per_second, window=20.0)
    budget, now = RetryBudget(config), 0.0
    requests: list[float] = []
    retries: list[float] = []
    for quarters, is_request in steps:
        now += quarters / 4
        if is_request:
            budget.request(now)
            requests.append(now)
        elif budget.try_spend(now):
            retries.append(now)
            lately = [sum(now - at < 20.0 for at in times) for times in (requests, retries)]
            assert lately[1] <= fraction * lately[0] + min_per_second * 20.0


@given(st.integers(0, 2000))
def test_law_a_storm_gets_exactly_its_share(requests: int) -> None:
    budget = RetryBudget(BudgetConfig(fraction=0.25, min_per_second=2.0, window=10.0))
    for _ in range(requests):
        budget.request(7.0)
    assert spend(budget, 7.0, 5000) == requests // 4 + 20
