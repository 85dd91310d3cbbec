"""Ejection by success rate: whoever fails most requests where others do not."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.resilience import OutlierConfig
from trio_lb.model.events import Event, ServerEjected
from trio_lb.policy.outlier import OutlierDetector


class Pool:
    """As much of a pool as the detector sees: who is in, and counts of successes."""

    def __init__(self, servers: str = "abc", **settings: float | None) -> None:
        self.servers = servers
        self.successes = Counter[str]()
        config = OutlierConfig(**settings)  # type: ignore[arg-type] # mixed kinds
        self.outlier = OutlierDetector("api", config, self.successes.__getitem__)
        self.told: list[Event] = []

    def serve(self, now: float, words: str) -> list[Event]:
        """Let requests end: ``aF`` failed at a, ``bS`` succeeded at b."""
        told: list[Event] = []
        for word in words.split():
            server_id, result = word[0], word[1]
            if result == "S":
                self.successes[server_id] += 1
                # As the pool does: a success is told only while it matters.
                if self.outlier.is_alert:
                    self.outlier.observe(server_id, False, now, ())
            else:
                rotation = [i for i in self.servers if not self.outlier.is_ejected(i)]
                told += self.outlier.observe(server_id, True, now, rotation)
        self.told += told
        return told


def test_a_server_that_fails_most_of_twenty_requests_is_ejected() -> None:
    pool = Pool()
    assert pool.serve(1.0, "aF bS aF aS cS " * 6) == [], "18 requests, never five in a row"
    assert pool.serve(2.0, "aF bS") == []
    assert pool.serve(2.0, "aF") == [
        ServerEjected(
            at=2.0, pool="api", server_id="a", reason="6 of 20 requests went well", until=7.0
        )
    ]


def test_half_of_the_requests_going_well_is_enough() -> None:
    pool = Pool()
    for second in range(100):
        assert pool.serve(second, "aF bS aS aF aS cS " * 3) == []


def test_what_went_well_before_the_first_failure_does_not_help() -> None:
    pool = Pool()
    pool.serve(1.0, "aS " * 1000)
    assert len(pool.serve(2.0, "bS aF aF bS aS " * 7)) == 1


def test_failures_of_more_than_an_interval_ago_do_not_count() -> None:
    pool = Pool()
    for tens in range(0, 100, 10):
        assert pool.serve(tens, "aF bS aF aS cS " * 6) == []


@pytest.mark.parametrize("rate", [None, 0.0])
def test_the_form_can_be_switched_off(rate: float | None) -> None:
    pool = Pool(success_rate=rate)
    assert pool.serve(1.0, "aF bS aF aS cS " * 50) == []
    assert len(pool.serve(1.0, "aF bS aF aF aF aF")) == 1, "the other form stays"


def test_it_returns_with_a_clean_rate() -> None:
    pool = Pool()
    pool.serve(1.0, "aF bS aF aS cS " * 7)
    assert pool.outlier.is_ejected("a")
    pool.outlier.on_deadline(6.0)
    assert pool.serve(6.0, "aF bS aF aS cS " * 6) == []
    (again,) = pool.serve(6.0, "aF bS aF")
    assert isinstance(again, ServerEjected)
    assert again.until == 16.0, "the second time is longer, whichever form raised it"


def test_where_all_fail_most_requests_none_is_ejected() -> None:
    pool = Pool()
    assert pool.serve(1.0, "aF bF cF aF bF cF aS bS cS " * 50) == []
    assert pool.outlier.statistics().spared_alike_total > 0


def test_the_unlucky_one_of_an_ailing_pool_is_no_outlier_by_its_streak_either() -> None:
    pool = Pool()
    pool.serve(1.0, "bF cF bF cF bS cS " * 3)
    assert pool.serve(1.0, "aF bS cS aF aF aF aF") == [], "b and c do no better"
    pool.serve(1.0, "bS bS bS")
    assert len(pool.serve(1.0, "aF")) == 1, "now b does"


def test_two_of_three_are_not_out_at_once_and_one_always_stays() -> None:
    pool = Pool()
    pool.serve(1.0, "aF cS aF aS bF bF bS " * 10)
    assert [pool.outlier.is_ejected(i) for i in "abc"] == [True, False, False]
    assert pool.outlier.statistics().spared_share_total > 0


def test_a_pool_that_is_well_again_forgets() -> None:
    pool = Pool()
    pool.serve(1.0, "aF aF aF aS")
    assert pool.outlier.is_alert, "its rate is poor: contrast is of interest"
    pool.serve(1.0, "aS aS")
    assert not pool.outlier.is_alert


def test_a_poor_rate_of_long_ago_is_forgotten_with_the_next_success() -> None:
    pool = Pool()
    pool.serve(1.0, "aF aF aF aF")
    pool.serve(60.0, "aS")
    assert not pool.outlier.is_alert


def test_settings_can_be_replaced() -> None:
    pool = Pool()
    pool.serve(1.0, "aF bS aF aS cS " * 3)
    pool.outlier.config = OutlierConfig(min_requests=10)
    assert len(pool.serve(1.0, "aF")) == 1
    pool = Pool()
    pool.outlier.config = OutlierConfig(consecutive_failures=2)
    assert len(pool.serve(1.0, "aF bS aF")) == 1
    assert pool.outlier.config.consecutive_failures == 2


def test_a_success_from_before_the_streak_is_no_contrast_to_it() -> None:
    pool = Pool()
    pool.serve(1.0, "cF bS")  # c's failure makes b's success of interest
    assert pool.serve(2.0, "aF aF aF aF aF aF") == []
    assert pool.outlier.statistics().spared_alike_total == 2
    assert len(pool.serve(2.0, "bS aF")) == 1
    assert pool.outlier.statistics().ejections_total == 1


def test_a_snapshot_leaves_the_evidence_of_the_moment_behind() -> None:
    pool = Pool()
    pool.serve(1.0, "aF bS aF aS cS " * 6)
    fresh = OutlierDetector("api", OutlierConfig(), pool.successes.__getitem__)
    fresh.restore(pool.outlier.snapshot())
    assert fresh.snapshot() == pool.outlier.snapshot()
    for _ in range(4):
        assert fresh.observe("a", True, 1.0, "abc") == []


@given(st.lists(st.sampled_from(["aF", "aS", "bF", "bS", "cF", "cS", "dS"]), max_size=300))
def test_law_one_stays_and_whoever_goes_did_worse_than_somebody(words: list[str]) -> None:
    pool, results = Pool("abcd", min_requests=5), dict.fromkeys("abcd", "")
    for i, word in enumerate(words):
        results[word[0]] += word[1]
        for event in pool.serve(i / 100, word):
            assert isinstance(event, ServerEjected)
            others = [r for s, r in results.items() if s != event.server_id]
            assert any(result.endswith("S") for result in others)
        assert len(pool.outlier.statistics().ejected) <= 2


@given(st.integers(0, 2**32), st.floats(0.0, 0.25))
def test_law_a_server_that_fails_far_less_than_half_is_never_ejected(
    seed: int, failing: float
) -> None:
    rng, pool = Random(seed), Pool(consecutive_failures=10_000, min_requests=100)
    for i in range(1500):
        word = "aF" if rng.random() < failing else "aS"
        assert pool.serve(i / 50, f"{word} bS") == []


@given(st.integers(0, 2**32))
def test_law_a_server_that_fails_far_more_than_half_goes_within_the_interval(seed: int) -> None:
    rng, pool = Random(seed), Pool(consecutive_failures=10_000)
    for i in range(500):
        pool.serve(i / 50, f"{'aF' if rng.random() < 0.75 else 'aS'} bS cS")
    assert [event.server_id for event in pool.told if isinstance(event, ServerEjected)] == ["a"]
