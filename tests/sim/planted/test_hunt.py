"""Each planted bug is found again by the small trial that the hunt has left, and by it alone.

The hunt itself takes half an hour: ``python -m tests.sim.planted.hunt``.
"""

import pytest

from tests.sim.planted.bugs import BUGS
from tests.sim.planted.found import BEGIN, END, PAGE, read_found, table
from tests.sim.planted.hunt import MOST_SECONDS, is_clean, run_with, trials

FOUND = read_found()
CAUGHT = [name for name, each in FOUND.items() if each.trial is not None]


def test_nine_in_ten_were_found_and_soon_enough() -> None:
    assert list(FOUND) == list(BUGS)
    assert len(CAUGHT) >= max(28, 0.9 * len(BUGS))
    assert max(FOUND[name].seconds for name in CAUGHT) <= MOST_SECONDS


def test_of_each_trial_little_enough_is_left_to_be_read() -> None:
    left = [len(each.trial.faults) for each in FOUND.values() if each.trial is not None]
    assert max(left) <= 4
    assert sum(count > 3 for count in left) <= 1


@pytest.mark.parametrize("name", CAUGHT)
def test_a_bug_fails_the_check_that_found_it_and_the_product_does_not(name: str) -> None:
    found = FOUND[name]
    assert found.trial is not None
    assert found.check in run_with(BUGS[name], found.trial).violations
    assert is_clean(found.trial)


def test_the_page_tells_what_was_found() -> None:
    assert f"{BEGIN}{table(FOUND)}{END}" in PAGE.read_text("utf-8")


def test_the_hunt_is_the_same_for_every_bug_and_edits_nothing() -> None:
    first, again = trials(), trials()
    for _ in range(4):
        trial = next(first)
        assert trial == next(again)
        assert not trial.options
        assert trial.config is None
