"""Our own half of a stream goes one way only."""

import pytest

from trio_lb.model.errors import IllegalTransition
from trio_lb.net.half import Act, Half, after


def test_a_half_finishes_and_then_closes() -> None:
    assert after(Half.OPEN, Act.FINISH) is Half.FINISHED
    assert after(Half.FINISHED, Act.CLOSE) is Half.CLOSED


def test_a_half_may_close_without_finishing() -> None:
    assert after(Half.OPEN, Act.CLOSE) is Half.CLOSED


@pytest.mark.parametrize(
    ("half", "act"),
    [(Half.FINISHED, Act.FINISH), (Half.CLOSED, Act.FINISH), (Half.CLOSED, Act.CLOSE)],
)
def test_what_the_table_does_not_draw_is_refused_by_name(half: Half, act: Act) -> None:
    with pytest.raises(IllegalTransition, match=f"a {half.value} half cannot {act.value}"):
        after(half, act)
