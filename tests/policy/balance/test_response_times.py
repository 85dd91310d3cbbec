"""Means of what is in the window, exactly, and nothing kept of what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.policy.balance.response_times import ResponseTimes


def test_the_mean_is_of_the_newest_responses() -> None:
    times = ResponseTimes(60.0, 3)
    for seconds in (9.0, 0.1, 0.2, 0.3):
        times.record("a", seconds, False, 1.0)
    assert times.means == {"a": pytest.approx(0.2)}


def test_a_response_counts_until_the_window_has_passed() -> None:
    times = ResponseTimes(60.0, 10)
    times.record("a", 0.1, False, 5.0)
    times.record("a", 0.3, False, 25.0)
    assert times.expire(64.9) == ()
    assert times.means == {"a": pytest.approx(0.2)}
    assert times.expire(65.0) == ["a"]
    assert times.means == {"a": pytest.approx(0.3)}
    assert times.expire(85.0) == ["a"]
    assert times.means == {}


def test_a_response_that_others_have_pushed_out_expires_without_a_trace() -> None:
    times = ResponseTimes(60.0, 1)
    times.record("a", 0.1, False, 0.0)
    times.record("a", 0.2, False, 50.0)
    times.expire(60.0)
    assert times.means == {"a": 0.2}
    times.expire(110.0)
    assert times.means == {}


def test_a_failure_counts_as_slow_and_shows_until_the_next_success() -> None:
    times = ResponseTimes(60.0, 10)
    times.record("a", 0.1, False, 0.0)
    times.record("a", 0.001, True, 1.0)
    assert times.means == {"a": pytest.approx((0.1 + 1.0) / 2)}
    assert times.failing == {"a"}
    times.record("a", 0.1, False, 2.0)
    assert times.failing == set()


def test_a_mean_that_is_new_or_fell_is_told_of() -> None:
    times = ResponseTimes(60.0, 10)
    told = [times.record("a", seconds, False, 0.0) for seconds in (0.2, 0.3, 0.1, 0.2)]
    assert told == [True, False, True, False]


def test_nothing_is_left_of_a_server_that_is_not_heard_of_any_more() -> None:
    times = ResponseTimes(60.0, 10)
    for number in range(1000):
        times.record(f"s{number}", 0.1, number % 2 == 0, float(number))
    times.expire(2000.0)
    assert (times.means, times.failing, times._samples, times._due) == ({}, set(), {}, [])


def test_no_time_at_all_is_more_than_nothing() -> None:
    times = ResponseTimes(60.0, 10)
    times.record("a", 0.0, False, 0.0)
    assert times.means["a"] > 0


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.001, 10), st.floats(0, 9)), max_size=50)
)
def test_law_a_mean_is_that_of_a_plain_list(steps: list[tuple[str, float, float]]) -> None:
    times, said, now = ResponseTimes(20.0, 4), dict[str, list[tuple[float, float]]](), 0.0
    for server_id, seconds, later in steps:
        now += later
        times.expire(now)
        times.record(server_id, seconds, False, now)
        said.setdefault(server_id, []).append((now, seconds))
        expected = {}
        for each, responses in said.items():
            kept = [seconds for at, seconds in responses[-4:] if at + 20.0 > now]
            if kept:
                expected[each] = pytest.approx(sum(kept) / len(kept))
        assert times.means == expected
