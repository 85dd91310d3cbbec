"""The plain settings of a breaker."""

from trio_lb.policy.breaker import Breaker, BreakerState
from trio_lb.policy.breaker_settings import MANUAL_ONLY, BreakerSettings, BreakerThresholds


def test_as_they_stand_they_never_trip() -> None:
    settings: BreakerSettings = MANUAL_ONLY
    breaker = Breaker("api", "a", settings)
    for second in range(1000):
        assert breaker.observe(True, second, second) == ()
    assert breaker.state is BreakerState.CLOSED


def test_the_times_and_counts_are_the_documented_ones() -> None:
    settings = BreakerThresholds()
    assert (settings.timeout, settings.max_timeout, settings.interval) == (30.0, 300.0, 60.0)
    assert (settings.success_threshold, settings.max_half_open) == (3, 1)
    assert (settings.backoff, settings.jitter, settings.min_requests) == (2.0, 0.0, 100)
