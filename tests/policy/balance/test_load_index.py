"""The index agrees with a look at every server, whatever has happened."""

from hypothesis import given
from hypothesis import strategies as st

from tests.policy.balance.pool import Member, busy_pools, pool_of
from trio_lb.policy.balance.load_index import LoadIndex


def test_ties_take_turns_from_the_start_position() -> None:
    index = LoadIndex(pool_of("abcd"), 2)
    assert [index.take() for _ in range(6)] == [2, 3, 0, 1, 2, 3]


def test_a_stranger_s_connections_change_nothing() -> None:
    index = LoadIndex(pool_of("ab"), 0)
    index.update(Member("of another pool", 1, 5))
    assert [index.take() for _ in range(3)] == [0, 1, 0]


def test_news_without_a_change_of_load_keep_the_turn() -> None:
    pool = pool_of("abc")
    index = LoadIndex(pool, 0)
    index.update(pool[0])
    assert index.take() == 0


def test_a_mountain_of_loads_leaves_no_levels_behind() -> None:
    pool = pool_of("abcd")
    index = LoadIndex(pool, 0)
    for active in [*range(5000), *range(5000, -1, -1)]:
        pool[0].active_connections = active
        index.update(pool[0])
    assert len(index._levels) == len(index._heap) <= 2 * 4 + 65
    assert index.take() == 1


@given(busy_pools(), st.lists(st.tuples(st.integers(0, 39), st.integers(-3, 3)), max_size=80))
def test_law_whoever_is_taken_is_least_loaded(
    pool: tuple[Member, ...], changes: list[tuple[int, int]]
) -> None:
    index = LoadIndex(pool, 0)
    for number, change in changes:
        member = pool[number % len(pool)]
        member.active_connections = max(0, member.active_connections + change)
        index.update(member)
        taken = pool[index.take()]
        loads = [m.active_connections / m.weight for m in pool]
        assert taken.active_connections / taken.weight == min(loads)


@given(st.integers(1, 60), st.integers(0, 59))
def test_law_idle_equals_are_taken_once_each_round(size: int, start: int) -> None:
    pool = tuple(Member(f"s{i}") for i in range(size))
    index = LoadIndex(pool, start % size)
    assert sorted(index.take() for _ in range(size)) == list(range(size))


def test_who_does_not_fit_is_passed_over_and_has_had_its_turn() -> None:
    index = LoadIndex(pool_of("abcd"), 0)
    assert index.take_if(lambda position: position >= 2) == 2
    assert [index.take() for _ in range(4)] == [3, 0, 1, 2]


def test_a_busier_one_is_taken_when_no_idler_one_fits() -> None:
    pool = pool_of("abc")
    pool[0].active_connections, pool[1].active_connections = 5, 2
    index = LoadIndex(pool, 0)
    assert index.take_if(lambda position: position == 0) == 0
    assert index.take_if(lambda position: False) is None
    assert index.take() == 2, "the levels that were passed are all there"
