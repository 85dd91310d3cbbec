"""Coincidences: who fell together, and within which time one fault can show."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.policy.coincidence import DEFAULT_WINDOW, Coincidences, Turn, shared_fault_window


def test_the_default_window_is_an_interval_and_three_timeouts_and_a_tenth() -> None:
    assert pytest.approx(12.1) == DEFAULT_WINDOW
    assert shared_fault_window(5.0, 1.0, 0.5, 3) == 8.0, "quick timeouts: the pauses count"


@given(st.integers(0, 2**32), st.floats(0.1, 60), st.floats(0.1, 10), st.floats(0.1, 10))
def test_law_one_fault_shows_at_every_server_within_the_window(
    seed: int, interval: float, fast: float, timeout: float
) -> None:
    rng, jitter, fall = Random(seed), 0.1, 3

    def verdict_at() -> float:
        """When a server falls whose checks fail from instant 0 on, at any phase and speed."""
        started = rng.uniform(0.0, interval * (1 + jitter))
        for _ in range(fall - 1):
            lasted = rng.uniform(0.0, timeout)
            started += max(lasted, fast * (1 + jitter * rng.uniform(-1, 1)))
        return started + rng.uniform(0.0, timeout)

    verdicts = [verdict_at() for _ in range(10)]
    window = shared_fault_window(interval, fast, timeout, fall, jitter)
    assert max(verdicts) - min(verdicts) <= window + 1e-9


def test_a_check_says_what_it_changed() -> None:
    checks = Coincidences()
    assert checks.note("a", None, False, False, 0.0) is Turn.STAYED, "it was never good"
    assert checks.note("a", None, True, False, 1.0) is Turn.ROSE
    assert checks.note("a", None, True, False, 2.0) is Turn.STAYED
    assert checks.note("a", None, False, False, 3.0) is Turn.FELL
    assert checks.note("a", None, False, False, 4.0) is Turn.STAYED


def fallen_at(instants: dict[str, float], zone: str | None = None) -> Coincidences:
    checks = Coincidences()
    for server_id, at in instants.items():
        checks.note(server_id, zone, True, False, 0.0)
        checks.note(server_id, zone, False, False, at)
    return checks


def test_fallen_are_those_of_the_window_and_whom_the_caller_names() -> None:
    checks = fallen_at({"a": 1.0, "b": 5.0, "c": 9.0})
    assert checks.fallen(None, 5.0) == ["b", "c"]
    assert checks.fallen(None, 5.0, {"a"}) == ["a", "b", "c"]


def test_a_zone_counts_for_itself_and_for_the_pool() -> None:
    checks = fallen_at({"a": 1.0}, "eu")
    checks.note("b", "us", True, False, 0.0)
    assert (checks.scopes_of("a"), checks.scopes_of("nobody")) == ((None, "eu"), ())
    assert [checks.any_healthy(scope) for scope in (None, "eu", "us")] == [True, False, True]
    assert (checks.fallen("eu", 0.0), checks.fallen("us", 0.0)) == (["a"], [])
    assert (checks.has_moved("a", "us"), checks.has_moved("nobody", "us")) == (True, False)


def test_who_refuses_or_is_disproved_did_not_fall_with_the_others() -> None:
    checks = fallen_at({"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0})
    checks.note("a", None, False, True, 2.0)
    checks.disprove("b")
    checks.disprove("c", refused=True)
    assert checks.fallen(None, 0.0) == ["d"]
    assert checks.misjudged() == ["b", "d"]
    checks.note("a", None, False, False, 3.0)
    assert checks.fallen(None, 0.0) == ["d"], "it fell once"
    assert checks.misjudged() == ["a", "b", "d"]


def test_down_is_who_was_checked_and_found_bad() -> None:
    checks = fallen_at({"a": 1.0})
    checks.note("b", None, True, False, 1.0)
    assert [checks.is_down(i) for i in ("a", "b", "nobody")] == [True, False, False]
    assert [checks.is_good(i) for i in ("a", "b", "nobody")] == [False, True, False]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), max_size=60))
def test_law_the_counts_equal_the_books_also_after_a_snapshot(
    steps: list[tuple[str, int]],
) -> None:
    checks, good = Coincidences(), dict[str, bool]()
    for now, (server_id, what) in enumerate(steps):
        zone = "eu" if server_id in "ab" else None
        if what == 3:
            checks.forget(server_id)
            good.pop(server_id, None)
        else:
            checks.note(server_id, zone, what == 0, what == 2, now)
            good[server_id] = what == 0
        assert checks.any_healthy(None) == any(good.values())
        assert checks.any_healthy("eu") == any(good.get(i, False) for i in "ab")
    twin = Coincidences()
    twin.restore(checks.snapshot())
    assert twin.snapshot() == checks.snapshot()
    assert (twin.any_healthy(None), twin.any_healthy("eu")) == (
        checks.any_healthy(None),
        checks.any_healthy("eu"),
    )
