"""What an option may be."""

import math

import pytest

from trio_lb.sim.limits import POSITIVE, Limit, at_least, one_of


@pytest.mark.parametrize(
    ("limit", "value"),
    [(POSITIVE, 0.1), (POSITIVE, 3), (at_least(1), 1), (at_least(0), 0), (one_of("a", "b"), "b")],
)
def test_what_is_within_is_not_objected_to(limit: Limit, value: object) -> None:
    assert limit.objection(value) == ""


@pytest.mark.parametrize(
    ("limit", "value", "says"),
    [
        (POSITIVE, 0, "0 is not > 0"),
        (POSITIVE, -5.0, "-5.0 is not > 0"),
        (at_least(1), 0, "0 is not >= 1"),
        (POSITIVE, math.nan, "nan is not a finite number"),
        (POSITIVE, math.inf, "inf is not a finite number"),
        (POSITIVE, "5", "'5' is not a number"),
        (POSITIVE, True, "true is not a number"),
        (
            one_of("both", "there", "back"),
            "sideways",
            "'sideways' is not 'both', 'there' or 'back'",
        ),
        (one_of("both"), "no", "'no' is not 'both'"),
    ],
)
def test_what_is_beyond_is_told_with_what_may_be(limit: Limit, value: object, says: str) -> None:
    assert limit.objection(value) == says


def test_a_list_shows_it_in_brief() -> None:
    assert [each.brief for each in (POSITIVE, at_least(1), one_of("a", "b"))] == [
        "> 0",
        ">= 1",
        "a|b",
    ]
