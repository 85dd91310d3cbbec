"""Ejection, breaker and retries: the documented defaults, and the breaker's two forms."""

import pytest

from trio_lb.config.load import load_mapping
from trio_lb.config.resilience import (
    BreakerConfig,
    BudgetConfig,
    FallbackConfig,
    OutlierConfig,
    RetryConfig,
)


def breaker(written: object) -> BreakerConfig:
    pools = load_mapping({"servers": ["h:1"], "circuit_breaker": written}).pools
    return pools["default"].circuit_breaker


def test_ejection_is_the_documented_one() -> None:
    outlier = OutlierConfig()
    assert (outlier.consecutive_failures, outlier.max_ejection_fraction) == (5, 0.5)
    assert (outlier.success_rate, outlier.min_requests, outlier.interval) == (0.5, 20, 10.0)
    assert (outlier.base_ejection_time, outlier.max_ejection_time) == (5.0, 300.0)


def test_retries_are_the_documented_ones() -> None:
    retry = RetryConfig()
    assert (retry.max_retries, retry.base_delay, retry.max_delay) == (2, 0.025, 1.0)
    assert retry.budget == BudgetConfig(enabled=True, fraction=0.2, min_per_second=3.0, window=10.0)


def test_the_breaker_is_the_documented_one_and_true_means_both_forms() -> None:
    assert breaker(True) == BreakerConfig(
        enabled=True,
        failure_threshold=5,
        threshold=0.5,
        min_requests=100,
        interval=60.0,
        timeout=30.0,
        success_threshold=3,
        max_half_open=1,
        backoff=2.0,
        jitter=0.0,
        max_timeout=300.0,
    )


def test_without_a_word_there_is_no_breaker() -> None:
    pool = load_mapping({"servers": ["h:1"]}).pools["default"]
    assert not pool.circuit_breaker.enabled


@pytest.mark.parametrize(
    ("written", "count", "share"),
    [
        ({}, 5, 0.5),
        ({"timeout": "9s"}, 5, 0.5),
        ({"failure_threshold": 3}, 3, None),
        ({"threshold": 0.2}, None, 0.2),
        ({"min_requests": 7}, None, 0.5),
        ({"failure_threshold": 3, "threshold": 0.2}, 3, 0.2),
        ({"failure_threshold": 3, "min_requests": 7}, 3, 0.5),
    ],
)
def test_writing_one_form_alone_turns_the_other_off(
    written: object, count: int | None, share: float | None
) -> None:
    made = breaker(written)
    assert (made.enabled, made.failure_threshold, made.threshold) == (True, count, share)


@pytest.mark.parametrize(
    ("older", "field"),
    [
        ("recovery_timeout", "timeout"),
        ("half_open_timeout", "timeout"),
        ("monitoring_period", "interval"),
    ],
)
def test_the_older_names_of_a_breaker_s_times_are_understood(older: str, field: str) -> None:
    assert getattr(breaker({older: "7s"}), field) == 7.0


def test_the_answer_of_open_breakers_is_a_section_or_none() -> None:
    assert breaker({"fallback_response": False}).fallback_response is None
    assert breaker({"fallback_response": {"body": "soon"}}).fallback_response == FallbackConfig(
        status=503, body="soon", headers={}
    )


def test_a_pool_has_a_breaker_and_retries_of_its_own() -> None:
    own = {"servers": ["h:2"], "circuit_breaker": {"timeout": "9s"}, "retry": {"max_retries": 0}}
    mapping = {"servers": ["h:1"], "circuit_breaker": {"success_threshold": 1}}
    pools = load_mapping({**mapping, "pools": {"api": own}}).pools
    assert pools["default"].circuit_breaker == BreakerConfig(success_threshold=1)
    assert pools["api"].circuit_breaker == BreakerConfig(success_threshold=1, timeout=9.0)
    assert (pools["default"].retry.max_retries, pools["api"].retry.max_retries) == (2, 0)
