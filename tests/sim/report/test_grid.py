"""Buckets are few, of a round width, and cover the run; gauges carry their level on."""

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.report.grid import LEAST_STEP_MS, MOST_BUCKETS, Gauge, Grid, nice_above


def test_steps_are_round_numbers_that_a_reader_can_add_up() -> None:
    steps = {seconds: Grid.over(seconds).step for seconds in (1, 60, 600, 3600, 86400)}
    assert steps == {1: 0.01, 60: 0.2, 600: 2.0, 3600: 10.0, 86400: 300.0}


@given(st.floats(0.001, 1e7))
def test_a_grid_covers_the_run_with_few_buckets(seconds: float) -> None:
    grid = Grid.over(seconds)
    assert 1 <= grid.count <= MOST_BUCKETS
    assert grid.end >= seconds * (1 - 1e-9)
    assert grid.step >= LEAST_STEP_MS / 1e3
    assert grid.index(0.0) == 0
    assert grid.index(seconds * 2 + 1) == grid.count == len(grid.zeros()) - 1


@given(st.floats(1e-6, 1e9))
def test_the_nice_number_above_is_at_most_two_and_a_half_times_as_much(value: float) -> None:
    assert value * (1 - 1e-6) <= nice_above(value) <= value * 2.5 * (1 + 1e-6) + 1e-9


def test_a_gauge_keeps_the_peak_of_each_bucket_and_carries_its_level_over_quiet_ones() -> None:
    gauge = Gauge(Grid(1.0, 5))
    gauge.move(0, 5)
    gauge.move(0, 3)
    gauge.move(3, 1)
    gauge.fill(5)
    assert gauge.peaks == [5, 3, 3, 3, 1, 1]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), max_size=30))
def test_a_gauge_agrees_with_a_walk_over_all_moves(moves: list[tuple[int, int]]) -> None:
    gauge = Gauge(Grid(1.0, 7))
    for bucket, level in sorted(moves, key=lambda move: move[0]):
        gauge.move(bucket, level)
    gauge.fill(7)
    level, wanted = 0, []
    for bucket in range(8):
        here = [each for place, each in moves if place == bucket]
        wanted.append(max([level, *here]) if bucket else max([0, *here]))
        level = here[-1] if here else level
    assert gauge.peaks == wanted
