"""The index of costs agrees with a look at all of them."""

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.policy.balance.cost_index import CostIndex


def test_an_empty_one_has_no_least() -> None:
    index = CostIndex()
    assert index.least() is None
    index.put(3, 1.0)
    index.drop(3)
    index.drop(4)
    assert index.least() is None


def test_equals_come_in_the_order_in_which_they_were_put() -> None:
    index, seen = CostIndex(), []
    for position in (2, 0, 1):
        index.put(position, 5.0)
    for _ in range(6):
        least = index.least()
        assert least is not None
        seen.append(least)
        index.put(least, 5.0)
    assert seen == [2, 0, 1, 2, 0, 1]


def test_what_is_out_of_date_does_not_pile_up() -> None:
    index = CostIndex()
    for turn in range(10_000):
        index.put(turn % 4, 1e6 - turn)
    assert len(index._heap) <= 4 * 4 + 65
    assert index.least() == 9999 % 4


@given(
    st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.floats(0, 100))), max_size=100)
)
def test_law_the_least_is_the_least(changes: list[tuple[int, float | None]]) -> None:
    index, costs = CostIndex(), dict[int, float]()
    for position, cost in changes:
        if cost is None:
            index.drop(position)
            costs.pop(position, None)
        else:
            index.put(position, cost)
            costs[position] = cost
        least = index.least()
        assert (least is None) == (not costs)
        assert least is None or costs[least] == min(costs.values())
