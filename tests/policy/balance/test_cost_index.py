"""The index of costs agrees with a look at all of them."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.policy.balance.cost_index import CostIndex


def index_of(costs: list[float], positions: Sequence[int] | None = None) -> CostIndex:
    """An index that reads its costs from the list, with these positions in it, or all."""
    index = CostIndex(costs.__getitem__)
    for position in range(len(costs)) if positions is None else positions:
        index.note(position, costs[position])
    return index


def test_an_empty_one_has_no_least() -> None:
    index = index_of([1.0, 2.0], [])
    assert index.least() is None
    index.note(1, 2.0)
    assert index.least() == 1
    index.drop(1)
    index.drop(0)
    assert index.least() is None


def test_a_cost_that_rose_is_found_without_news_of_it() -> None:
    costs = [1.0, 2.0, 3.0]
    index = index_of(costs)
    costs[0] = 2.5
    assert index.least() == 1
    costs[1] = 9.0
    assert index.least() == 0


def test_a_cost_that_fell_counts_from_the_news_of_it_on() -> None:
    costs = [1.0, 2.0, 3.0]
    index = index_of(costs)
    costs[2] = 0.5
    index.note(2, 0.5)
    assert index.least() == 2


def test_equals_come_in_the_order_in_which_they_came_in() -> None:
    index, seen = index_of([5.0, 5.0, 5.0], [2, 0, 1]), []
    for _ in range(6):
        seen.append(index.least())
        index.turn()
    assert seen == [2, 0, 1, 2, 0, 1]


def test_who_rose_and_falls_back_stands_behind_its_equals() -> None:
    costs = [5.0, 5.0]
    index, seen = index_of(costs), []
    for _ in range(4):
        position = index.least()
        assert position is not None
        costs[position] = 10.0
        costs[position] = 5.0
        index.note(position, 5.0)
        seen.append(position)
    assert seen == [0, 1, 0, 1]


def test_what_is_out_of_date_does_not_pile_up() -> None:
    costs = [0.0] * 4
    index = index_of(costs)
    for turn in range(10_000):
        # Up and down: at the top a bound is replaced, below it one is added.
        costs[turn % 4] = 5.0 if turn % 3 else 1.0
        index.note(turn % 4, costs[turn % 4])
        index.least()
    assert len(index._heap) <= 4 * 4 + 65
    least = index.least()
    assert least is not None
    assert costs[least] == min(costs)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 20))), max_size=100)
)
def test_law_the_least_is_the_least(changes: list[tuple[int, int | None]]) -> None:
    """News come of costs that fell only; None takes a position out."""
    costs, members = [0.0] * 10, set[int]()
    index = index_of(costs, [])
    for position, cost in changes:
        if cost is None:
            index.drop(position)
            members.discard(position)
        else:
            fell = position not in members or cost <= costs[position]
            costs[position] = cost
            members.add(position)
            if fell:
                index.note(position, cost)
        least = index.least()
        assert (least is None) == (not members)
        assert least is None or costs[least] == min(costs[each] for each in members)
