"""Delta debugging: what is left fails, nothing more can be left out, nothing is asked twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.search.ddmin import NothingToFind, ddmin

causes = st.lists(st.sets(st.integers(0, 19), max_size=4), min_size=1, max_size=3)


def test_two_culprits_among_forty_are_found_in_few_runs() -> None:
    found = ddmin(range(40), lambda part: {3, 31} <= {*part})
    assert (found.items, found.runs, found.minimal) == ((3, 31), 15, True)


def test_one_culprit_among_sixty_four_is_found_by_halving() -> None:
    found = ddmin(range(64), lambda part: 5 in part)
    assert (found.items, found.runs) == ((5,), 9)


def test_what_fails_with_nothing_at_all_takes_two_runs() -> None:
    found = ddmin("abcdefgh", lambda part: True)
    assert (found.items, found.runs, found.minimal) == ((), 2, True)


def test_an_empty_list_that_fails_is_minimal() -> None:
    assert ddmin([], lambda part: True).items == ()


def test_of_few_that_are_left_every_choice_is_tried() -> None:
    """Two of these would do, if the others did not undo it one by one."""
    fail = [{0, 1, 2, 3}, {0, 2}]
    found = ddmin(range(4), lambda part: {*part} in fail)
    assert (found.items, found.minimal) == ((0, 2), True)
    assert found.runs <= 2**4


def test_of_more_only_what_one_by_one_can_be_left_out_is_known() -> None:
    fail = [{*range(6)}, {0, 2}]
    assert ddmin(range(6), lambda part: {*part} in fail).items == (0, 1, 2, 3, 4, 5)


def test_what_does_not_fail_is_refused() -> None:
    with pytest.raises(NothingToFind, match="all 3 together do not fail"):
        ddmin([1, 2, 3], lambda part: False)


def test_when_time_is_up_the_best_so_far_is_told_as_not_minimal() -> None:
    left = iter([True] * 4 + [False])
    found = ddmin(range(64), lambda part: 5 in part, may_go_on=lambda: next(left))
    assert (found.items, found.runs, found.minimal) == (tuple(range(8)), 5, False)


@given(causes)
def test_the_rest_fails_and_is_one_minimal_and_nothing_is_asked_twice(
    sets: list[set[int]],
) -> None:
    asked: list[tuple[int, ...]] = []

    def fails(part: list[int]) -> bool:
        asked.append(tuple(part))
        return any(cause <= {*part} for cause in sets)

    found = ddmin(range(20), fails)
    assert len(asked) == len({*asked}) == found.runs
    assert fails(list(found.items))
    assert not any(
        fails([each for each in found.items if each != left_out]) for left_out in found.items
    )


@given(st.lists(st.integers(), max_size=30), st.integers(0, 5))
def test_the_order_stays_and_equal_things_are_told_apart(items: list[int], wanted: int) -> None:
    most = min(wanted, len(items))
    found = ddmin(items, lambda part: len(part) >= most)
    places = iter(items)
    assert len(found.items) == most
    assert all(each in places for each in found.items)
