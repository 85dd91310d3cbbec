"""Draws by weight: every ticket has one owner, pairs never hold the same server twice."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.policy.balance.pool import pool_of, weights
from trio_lb.policy.balance.draw import WeightedDraw, draw_rest
from trio_lb.policy.balance.shares import Share, alike, by_weight


class Tickets(Random):
    """Chance that deals the given fractions, in order."""

    def __init__(self, *fractions: float) -> None:
        super().__init__(0)
        self.fractions = list(fractions)

    def random(self) -> float:
        return self.fractions.pop(0)


@given(weights())
def test_law_each_server_owns_as_many_tickets_as_it_has_weight(given_weights: list[int]) -> None:
    draw, pool, total = WeightedDraw(), pool_of(given_weights), sum(given_weights)
    dealt = Counter(draw.index(pool, Tickets((t + 0.5) / total)) for t in range(total))
    assert dealt == {i: m.weight for i, m in enumerate(pool)}


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5))
def test_law_the_second_of_a_pair_is_drawn_by_weight_among_the_rest(
    given_weights: list[int],
) -> None:
    draw, pool, total = WeightedDraw(), pool_of(given_weights), sum(given_weights)
    begin = 0
    for first, weight in enumerate(given_weights):
        ticket, rest = (begin + 0.5) / total, total - weight
        dealt = Counter(draw.pair(pool, Tickets(ticket, (t + 0.5) / rest)) for t in range(rest))
        assert dealt == {(first, i): w for i, w in enumerate(given_weights) if i != first}
        begin += weight


@given(st.integers(2, 20), st.integers(1, 9), st.data())
def test_law_equal_shares_give_a_pair_its_places_in_order_whatever_the_share(
    count: int, weight: int, data: st.DataObject
) -> None:
    draw, pool = WeightedDraw(), pool_of([weight] * count)
    first = data.draw(st.integers(0, count - 1))
    dealt = [
        draw.pair(pool, Tickets((first + 0.5) / count, (t + 0.5) / (count - 1)))
        for t in range(count - 1)
    ]
    assert dealt == [(first, second) for second in range(count) if second != first]


def test_another_tuple_is_drawn_by_its_own_weights() -> None:
    draw, heavy = WeightedDraw(), pool_of([3, 1, 4])
    assert [draw.index(heavy, Tickets(t / 8)) for t in range(8)] == [0, 0, 0, 1, 2, 2, 2, 2]
    assert [draw.index(pool_of([1, 1]), Tickets(t / 8)) for t in (0, 3, 4, 7)] == [0, 0, 1, 1]
    assert draw.index(heavy, Tickets(0.0)) == 0


@given(weights(), st.sampled_from([alike, by_weight]), st.integers(0, 2**32), st.data())
def test_law_the_rest_is_everybody_who_was_not_taken(
    given_weights: list[int], share: Share, seed: int, data: st.DataObject
) -> None:
    pool = pool_of(given_weights)
    taken = data.draw(st.lists(st.integers(0, len(pool) - 1), unique=True))
    rest = draw_rest(pool, taken, Random(seed), share)
    assert sorted(m.id for m in rest) == [m.id for i, m in enumerate(pool) if i not in taken]


def test_among_the_rest_weight_comes_early() -> None:
    pool, rng = pool_of([1, 1, 98]), Random(2)
    seconds = Counter(next(draw_rest(pool, (0,), rng)).id for _ in range(1000))
    assert seconds["c"] > 970
