"""Retries: what is safe to send again, where, when, and how often."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.schema import BudgetConfig, RetryConfig
from trio_lb.model.outcome import CONNECT_KINDS, Outcome, OutcomeKind
from trio_lb.policy.budget import RetryBudget
from trio_lb.policy.retry import IDEMPOTENT_METHODS, GiveUp, Retry, RetryPolicy

DEFAULTS = RetryConfig()
FINAL = {
    OutcomeKind.ANSWERED,
    OutcomeKind.BAD_RESPONSE,
    OutcomeKind.TRUNCATED,
    OutcomeKind.ABANDONED,
}
LOST = set(OutcomeKind) - FINAL - CONNECT_KINDS - {OutcomeKind.STALE}


class Top(Random):
    """Chance that always draws the upper end."""

    def uniform(self, a: float, b: float) -> float:
        return b


def decide(
    kind: OutcomeKind,
    *,
    sent: bool = True,
    attempts: int = 1,
    stale_replays: int = 0,
    idempotent: bool = True,
    replayable: bool = True,
    another_server: bool = True,
    look: Callable[[], bool] | None = None,
    now: float = 0.0,
    deadline: float | None = None,
    budget: RetryBudget | None = None,
    rng: Random | None = None,
    config: RetryConfig = DEFAULTS,
    status: int | None = None,
) -> Retry | GiveUp:
    return RetryPolicy(config).decide(
        Outcome(kind, status, sent),
        attempts=attempts,
        stale_replays=stale_replays,
        idempotent=idempotent,
        replayable=replayable,
        another_server=look or (lambda: another_server),
        now=now,
        deadline=deadline,
        budget=budget,
        rng=rng or Top(),
    )


@pytest.mark.parametrize("kind", sorted(CONNECT_KINDS, key=str))
@pytest.mark.parametrize("idempotent", [True, False])
def test_what_was_never_sent_goes_to_another_server_at_once_whatever_the_method(
    kind: OutcomeKind, idempotent: bool
) -> None:
    assert decide(kind, idempotent=idempotent, sent=False) == Retry(0.0, False, False, kind.value)


@pytest.mark.parametrize("kind", sorted(CONNECT_KINDS, key=str))
def test_with_one_server_left_it_is_tried_again_after_the_backoff(kind: OutcomeKind) -> None:
    assert decide(kind, another_server=False) == Retry(0.025, True, True, kind.value)


@pytest.mark.parametrize("kind", sorted(LOST - {OutcomeKind.TIMEOUT}, key=str))
def test_a_lost_answer_is_asked_for_elsewhere_after_the_backoff_if_that_is_safe(
    kind: OutcomeKind,
) -> None:
    assert decide(kind) == Retry(0.025, False, False, kind.value)
    assert decide(kind, idempotent=False) == GiveUp(
        f"{kind.value}, and the method is not idempotent"
    )


def test_after_silence_no_idle_connection_is_trusted_of_another_server_either() -> None:
    assert decide(OutcomeKind.TIMEOUT) == Retry(0.025, True, False, "no answer in time")
    assert isinstance(decide(OutcomeKind.TIMEOUT, idempotent=False), GiveUp)


@pytest.mark.parametrize("kind", sorted(LOST, key=str))
def test_of_a_post_that_was_not_begun_nothing_can_happen_twice(kind: OutcomeKind) -> None:
    assert isinstance(decide(kind, idempotent=False, sent=False), Retry)


@pytest.mark.parametrize("status", [200, 404, 500, 502, 503, 504])
def test_an_answer_is_never_asked_for_again_whatever_its_status(status: int) -> None:
    assert decide(OutcomeKind.ANSWERED, status=status) == GiveUp("answered")


def test_what_the_client_has_begun_to_see_is_never_begun_again() -> None:
    assert decide(OutcomeKind.TRUNCATED) == GiveUp("the answer had begun")


def test_for_a_client_that_left_nothing_is_tried() -> None:
    assert decide(OutcomeKind.ABANDONED, sent=False) == GiveUp("abandoned")


def test_a_stale_connection_is_replaced_at_once_by_a_fresh_one_to_the_same_server() -> None:
    nothing_left = RetryBudget(BudgetConfig(fraction=0.0, min_per_second=0.0))
    assert decide(
        OutcomeKind.STALE, attempts=3, budget=nothing_left, config=RetryConfig(max_retries=0)
    ) == Retry(0.0, True, True, "stale connection", is_replay=True)
    assert nothing_left.statistics(0.0).refused_total == 0, "nobody asked it"


def test_a_second_stale_connection_counts_like_any_loss() -> None:
    again = decide(OutcomeKind.STALE, attempts=2, stale_replays=1)
    assert again == Retry(0.025, False, False, "stale connection")


def test_a_stale_connection_costs_an_unsafe_request_unless_nothing_was_sent() -> None:
    assert isinstance(decide(OutcomeKind.STALE, idempotent=False), GiveUp)
    assert isinstance(decide(OutcomeKind.STALE, idempotent=False, sent=False), Retry)


@pytest.mark.parametrize("kind", sorted(set(OutcomeKind) - FINAL, key=str))
def test_without_its_body_nothing_can_be_sent_again(kind: OutcomeKind) -> None:
    assert decide(kind, replayable=False) == GiveUp(f"{kind.value}, and the body is gone")


def test_after_two_retries_no_third_one_follows() -> None:
    verdicts = [decide(OutcomeKind.CONNECT_REFUSED, attempts=n) for n in (1, 2, 3)]
    assert [type(v) for v in verdicts] == [Retry, Retry, GiveUp]
    assert verdicts[2] == GiveUp("connect refused, and no retry is left")


def test_a_stale_replay_does_not_use_up_a_retry() -> None:
    assert isinstance(decide(OutcomeKind.RESET, attempts=3, stale_replays=1), Retry)
    assert isinstance(decide(OutcomeKind.RESET, attempts=4, stale_replays=1), GiveUp)


def test_the_longest_wait_doubles_up_to_the_maximum() -> None:
    config = RetryConfig(max_retries=10)
    waits = [decide(OutcomeKind.RESET, attempts=n, config=config) for n in range(1, 9)]
    assert [w.delay_seconds for w in waits if isinstance(w, Retry)] == [
        0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0,
    ]  # fmt: skip


@pytest.mark.parametrize("base_delay", [0.01, 0.5, 1.0])
def test_the_longest_first_wait_is_the_base_delay(base_delay: float) -> None:
    first = decide(OutcomeKind.RESET, attempts=1, config=RetryConfig(base_delay=base_delay))
    assert isinstance(first, Retry)
    assert first.delay_seconds == base_delay


def test_a_retry_must_begin_before_the_deadline() -> None:
    late = GiveUp("connection reset, and no time is left")
    assert isinstance(decide(OutcomeKind.RESET, now=1.0, deadline=1.026), Retry)
    assert decide(OutcomeKind.RESET, now=1.0, deadline=1.025) == late
    assert isinstance(decide(OutcomeKind.CONNECT_REFUSED, now=1.0, deadline=1.001), Retry)
    assert isinstance(decide(OutcomeKind.CONNECT_REFUSED, now=1.0, deadline=1.0), GiveUp)
    assert isinstance(decide(OutcomeKind.STALE, now=1.0, deadline=1.0), GiveUp)


def test_a_spent_budget_ends_it() -> None:
    budget = RetryBudget(BudgetConfig(fraction=0.0, min_per_second=0.1, window=10.0))
    assert isinstance(decide(OutcomeKind.RESET, budget=budget), Retry)
    assert decide(OutcomeKind.RESET, budget=budget) == GiveUp(
        "connection reset, and the retry budget is spent"
    )


def test_nothing_is_spent_on_a_retry_that_something_else_forbids() -> None:
    budget = RetryBudget(BudgetConfig())
    decide(OutcomeKind.RESET, budget=budget, attempts=3)
    decide(OutcomeKind.RESET, budget=budget, idempotent=False)
    decide(OutcomeKind.RESET, budget=budget, now=5.0, deadline=5.0)
    assert budget.statistics(5.0).spent_total == 0


def test_the_idempotent_methods_are_those_of_the_rfc() -> None:
    assert {b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"} == IDEMPOTENT_METHODS


kinds = st.sampled_from(OutcomeKind)


@given(kinds, st.booleans(), st.booleans(), st.booleans(), st.integers(1, 9), st.integers(0, 1))
def test_law_what_may_have_acted_is_never_sent_twice(
    kind: OutcomeKind, sent: bool, replayable: bool, another: bool, attempts: int, stale: int
) -> None:
    verdict = decide(
        kind,
        sent=sent,
        idempotent=False,
        replayable=replayable,
        another_server=another,
        attempts=attempts + stale,
        stale_replays=stale,
    )
    if isinstance(verdict, Retry):
        assert kind in CONNECT_KINDS or not sent


@given(st.lists(kinds, min_size=20, max_size=20), st.integers(0, 5), st.integers(0, 2**32))
def test_law_a_request_reaches_servers_once_and_its_retries_and_one_replay(
    outcomes: list[OutcomeKind], max_retries: int, seed: int
) -> None:
    attempts, stale_replays, rng = 0, 0, Random(seed)
    for kind in outcomes:
        attempts += 1
        verdict = decide(
            kind,
            attempts=attempts,
            stale_replays=stale_replays,
            rng=rng,
            config=RetryConfig(max_retries=max_retries),
        )
        if isinstance(verdict, GiveUp):
            break
        stale_replays += verdict.is_replay
    assert attempts <= 1 + max_retries + 1
    assert stale_replays <= 1


@given(
    kinds,
    st.floats(0.001, 5),
    st.floats(0.001, 5),
    st.integers(1, 101),
    st.floats(0, 10),
    st.integers(0, 2**32),
)
def test_law_waits_are_never_negative_too_long_or_too_late(
    kind: OutcomeKind,
    base: float,
    most: float,
    attempts: int,
    left: float,
    seed: int,
) -> None:
    config = RetryConfig(max_retries=100, base_delay=base, max_delay=most)
    verdict = decide(
        kind, attempts=attempts, config=config, now=7.0, deadline=7.0 + left, rng=Random(seed)
    )
    if isinstance(verdict, Retry):
        assert 0 <= verdict.delay_seconds <= most
        assert 7.0 + verdict.delay_seconds < 7.0 + left


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (OutcomeKind.RESET, {"idempotent": False}),
        (OutcomeKind.RESET, {"replayable": False}),
        (OutcomeKind.RESET, {"attempts": 3}),
        (OutcomeKind.STALE, {}),
        (OutcomeKind.ANSWERED, {}),
    ],
)
def test_another_server_is_not_looked_for_in_vain(
    kind: OutcomeKind, options: dict[str, Any]
) -> None:
    def look() -> bool:
        raise AssertionError("a look takes a turn of the rotation")

    decide(kind, **options, look=look)
