"""The window counts what is younger than its span, to within one bucket."""

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.policy.window import ShareWindow, WindowCounter

# Eighths of a second: exact in binary, so the law below needs no tolerance.
steps = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 5)), max_size=60)


def test_an_event_counts_until_its_bucket_leaves_the_window() -> None:
    window = WindowCounter(10.0, buckets=10)
    window.add(0.5)
    assert [window.total(t) for t in (0.5, 5.0, 9.9, 10.0)] == [1, 1, 1, 0]


def test_buckets_leave_one_after_the_other() -> None:
    window = WindowCounter(4.0, buckets=4)
    for second in range(4):
        window.add(second + 0.5, 10**second)
    assert [window.total(t) for t in (3.9, 4.0, 5.0, 6.0, 7.0)] == [1111, 1110, 1100, 1000, 0]


def test_a_long_silence_empties_it() -> None:
    window = WindowCounter(10.0)
    window.add(3.0, 1000)
    assert window.total(1e9) == 0
    window.add(1e9 + 0.5)
    assert window.total(1e9 + 1.0) == 1


def test_a_clock_that_begins_anywhere_makes_no_difference() -> None:
    window = WindowCounter(10.0)
    window.add(123_456.5)
    window.add(123_457.5)
    assert (window.total(123_457.5), window.total(123_466.5)) == (2, 1)


def test_an_instant_that_comes_late_counts_as_the_last_one() -> None:
    """A request is known by its beginning; another one that began later may be told first."""
    window = WindowCounter(10.0)
    window.add(10.5, 1000)
    window.add(3.25)
    assert (window.total(2.0), window.total(10.75), window.total(19.75)) == (1001, 1001, 1001)
    assert window.total(20.0) == 0


@given(steps, st.sampled_from([1, 2, 8, 16]))
def test_law_it_counts_all_of_the_span_less_a_bucket_and_nothing_older(
    gaps: list[tuple[int, int]], buckets: int
) -> None:
    span, now = 8.0, 0.0
    window = WindowCounter(span, buckets)
    past: list[tuple[float, int]] = []
    for eighths, count in gaps:
        now += eighths / 8
        window.add(now, count)
        past.append((now, count))
        surely = sum(n for at, n in past if now - at <= span - span / buckets)
        at_most = sum(n for at, n in past if now - at < span)
        assert surely <= window.total(now) <= at_most


@given(
    st.lists(st.floats(0.0, 30.0), max_size=60),
    st.sampled_from([0.1, 0.3, 1.0, 7.0]),
    st.sampled_from([0.0, 3.3, 86_400.1, 1e9 / 3]),
    st.booleans(),
)
def test_law_an_instant_belongs_to_the_bucket_that_division_finds(
    gaps: list[float], width: float, begin: float, on_the_border: bool
) -> None:
    """Also at a border, where a product of floats may lie beyond what division says."""
    window, now, past = WindowCounter(10 * width, 10), begin, list[int]()
    for gap in gaps:
        now = (now // width + int(gap)) * width if on_the_border else now + gap
        past.append(max([int(now // window._width_seconds), *past[-1:]]))
        window.add(now)
        assert window.total(now) == sum(tick > past[-1] - 10 for tick in past)


def shares(window: ShareWindow) -> tuple[int, int]:
    return window.failures, window.requests


def test_a_share_counts_results_and_failures_of_the_span() -> None:
    window = ShareWindow(10.0)
    window.count(True, 0.5)
    window.count(False, 1.5)
    window.count(True, 9.9)
    assert shares(window) == (2, 3)
    window.count(False, 10.0)
    assert shares(window) == (1, 3), "the first second is over the span"
    window.count(False, 1e6)
    assert shares(window) == (0, 1)


def test_a_share_that_was_cleared_begins_anew_at_any_time() -> None:
    window = ShareWindow(10.0)
    for second in range(500, 510):
        window.count(True, second)
    window.clear()
    assert shares(window) == (0, 0)
    window.count(True, 3.0)
    window.count(True, 4.0)
    assert shares(window) == (2, 2)


def test_a_snapshot_keeps_what_belongs_to_which_instant() -> None:
    old, new = ShareWindow(10.0), ShareWindow(10.0)
    old.count(True, 503.5)
    old.count(False, 507.5)
    new.restore(old.snapshot())
    assert new.snapshot() == old.snapshot()
    new.count(True, 507.9)
    assert shares(new) == (2, 3)
    new.count(False, 513.0)
    assert shares(new) == (1, 3), "the first one is over the span"
    new.count(False, 517.0)
    assert shares(new) == (0, 2)


def test_a_snapshot_of_another_measure_is_left_alone() -> None:
    old, wider, finer = ShareWindow(10.0), ShareWindow(20.0), ShareWindow(10.0, buckets=20)
    old.count(True, 500.0)
    for other in (wider, finer):
        other.count(False, 1.0)
        other.restore(old.snapshot())
        assert shares(other) == (0, 1)


@given(steps, st.integers(1, 20), st.integers(0, 60))
def test_law_a_share_equals_a_count_by_buckets_also_after_a_snapshot(
    steps: list[tuple[int, int]], buckets: int, cut: int
) -> None:
    window, now, seen = ShareWindow(float(buckets), buckets), 1000.0, list[tuple[float, bool]]()
    for i, (eighths, what) in enumerate(steps):
        now += eighths / 8
        window.count(what > 3, now)
        seen.append((now, what > 3))
        lately = [failed for at, failed in seen if int(at) > int(now) - buckets]
        assert shares(window) == (sum(lately), len(lately))
        if i == cut:
            fresh = ShareWindow(float(buckets), buckets)
            fresh.restore(window.snapshot())
            assert shares(fresh) == shares(window)
            window = fresh
