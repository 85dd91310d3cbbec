"""The line of progress: what it says, what it leaves out, and what it does without a terminal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.search.progress import Counts, ProgressLine, progress_line


def test_the_line_says_share_failures_rate_and_rest() -> None:
    line = progress_line(Counts(250, 1000, 3), seconds=10, columns=80)
    assert line == "[#######-----------------------] 250 of 1000, 3 failed, 25 a second, 30 s left"


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (60, "[###---------] 250 of 1000, 3 failed, 25 a second, 30 s left"),
        (46, "250 of 1000, 3 failed, 25 a second, 30 s left"),
        (36, "250 of 1000, 3 failed, 25 a second"),
        (22, "250 of 1000, 3 failed"),
        (11, "250 of 1000"),
        (5, "250 o"),
    ],
)
def test_what_does_not_fit_is_left_out(columns: int, line: str) -> None:
    assert progress_line(Counts(250, 1000, 3), seconds=10, columns=columns) == line


@pytest.mark.parametrize(
    ("counts", "seconds", "line"),
    [
        (Counts(0, 10), 0.0, "[------------------------------] 0 of 10, all fine"),
        (Counts(10, 10), 5.0, "[##############################] 10 of 10, all fine, 2 a second"),
        (Counts(7), 2.0, "7, all fine, 3.5 a second"),
        (Counts(1, 100), 90.0, "[------] 1 of 100, all fine, 0.0111 a second, 2 h 28 min left"),
        (Counts(1, 2), 61.5, "[###---] 1 of 2, all fine, 0.0163 a second, 1 min 2 s left"),
    ],
)
def test_what_is_not_known_is_not_said(counts: Counts, seconds: float, line: str) -> None:
    said = progress_line(counts, seconds=seconds, columns=80)
    assert said.partition("] ")[2] == line.partition("] ")[2]
    assert len(said) <= 80


def test_a_terminal_has_its_line_redrawn() -> None:
    text = io.StringIO()
    line = ProgressLine(text, is_terminal=True, columns=31)
    line.show(Counts(9, 10, 1))
    line.show(Counts(10, 10, 1))
    line.end()
    assert text.getvalue() == "\r[#########-] 9 of 10, 1 failed\r[#########] 10 of 10, 1 failed\n"


def test_a_file_gets_a_line_each_tenth() -> None:
    text = io.StringIO()
    line = ProgressLine(text, is_terminal=False, columns=30)
    for done in range(1, 1001):
        line.show(Counts(done, 1000))
    line.end()
    assert [each.rpartition("] ")[2] for each in text.getvalue().splitlines()] == [
        f"{done} of 1000, all fine" for done in range(100, 1001, 100)
    ]


def test_a_file_gets_a_line_each_time_twice_as_many_are_done_if_nobody_knows_the_end() -> None:
    text = io.StringIO()
    line = ProgressLine(text, is_terminal=False)
    for done in range(1, 20):
        line.show(Counts(done))
    assert text.getvalue().split() == [
        "1,",
        "all",
        "fine",
        "2,",
        "all",
        "fine",
        "4,",
        "all",
        "fine",
        "8,",
        "all",
        "fine",
        "16,",
        "all",
        "fine",
    ]


@given(
    st.builds(Counts, st.integers(0, 10**9), st.none() | st.integers(1, 10**9), st.integers(0)),
    st.floats(0, 1e9),
    st.integers(1, 200),
)
def test_no_line_is_wider_than_the_terminal(counts: Counts, seconds: float, columns: int) -> None:
    assert 0 < len(progress_line(counts, seconds=seconds, columns=columns)) <= columns
