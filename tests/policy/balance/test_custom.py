"""Somebody else's algorithm: heard, checked, and harmless whatever it does."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.balance.pool import CONTEXT, Member, picks, pool_of, whole_order
from trio_lb.model.errors import ConfigError, NoServerAvailable
from trio_lb.policy.balance.base import Context
from trio_lb.policy.balance.custom import Custom, Metrics
from trio_lb.policy.balance.registry import make_balancer


def last_of(candidates: Sequence[Member], context: Context) -> Member:
    return candidates[-1]


class Fewest:
    """The example of requirement 003: the fewest connections, as it was told of them."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.active: dict[str, int] = {}

    def select(self, candidates: Sequence[Member], context: Context) -> Member:
        return min(candidates, key=lambda each: self.active.get(each.id, 0))

    def record_metrics(self, server: Member, metrics: Metrics) -> None:
        self.told.append((server.id, metrics.active_connections))
        self.active[server.id] = metrics.active_connections


class Sayer:
    """Says what it was given to say: a value is returned, an exception raised."""

    def __init__(self, *says: object) -> None:
        self.says: Iterator[object] = iter(says)

    def select(self, candidates: Sequence[Member], context: Context) -> object:
        said = next(self.says, None)
        if isinstance(said, BaseException):
            raise said
        return said


def test_a_callable_picks() -> None:
    assert picks(make_balancer(last_of), pool_of("abc"), 4) == "cccc"


def test_for_a_retry_it_is_asked_again_without_those_that_were_taken() -> None:
    seen: list[str] = []

    def middle(candidates: Sequence[Member], context: Context) -> Member:
        seen.append("".join(each.id for each in candidates))
        return candidates[len(candidates) // 2]

    assert whole_order(make_balancer(middle), pool_of("abcd")) == "cbda"
    assert seen == ["abcd", "abd", "ad", "a"]


def test_it_sees_the_pool_s_own_tuple_and_who_asks() -> None:
    seen: list[object] = []

    def first(candidates: Sequence[Member], context: Context) -> Member:
        seen.extend((candidates, context))
        return candidates[0]

    pool, context = pool_of("ab"), Context(client="10.0.0.7", key="cart-9")
    next(make_balancer(first).order(pool, context, Random(0)))
    assert seen[0] is pool
    assert seen[1] is context


def test_an_object_picks_and_hears_of_each_request_s_start_and_end() -> None:
    algorithm = Fewest()
    balancer, pool = make_balancer(algorithm), pool_of("ab")
    assert balancer.tracks
    pool[0].active_connections = 1
    balancer.leased(pool[0])
    assert picks(balancer, pool, 2) == "bb"
    pool[0].active_connections = 0
    balancer.released(pool[0])
    assert picks(balancer, pool, 1) == "a"
    assert algorithm.told == [("a", 1), ("a", 0)]


def test_without_record_metrics_it_hears_of_nothing() -> None:
    balancer = make_balancer(last_of)
    assert (balancer.tracks, balancer.times) == (False, False)
    balancer.leased(Member("a"))
    balancer.released(Member("a"))


def test_a_class_is_made_anew_for_each_pool() -> None:
    one, two = make_balancer(Fewest), make_balancer(Fewest)
    pool = (Member("a", active_connections=5), Member("b"))
    one.leased(pool[0])
    assert (picks(one, pool, 1), picks(two, pool, 1)) == ("b", "a")


NONSENSE: dict[str, object] = {
    "nothing": None,
    "an id": "a",
    "a number": 7,
    "an equal of a server": Member("a"),
    "a stranger": Member("stranger"),
    "an exception": ValueError("boom"),
    "the whole list": [],
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_costs_the_algorithm_the_pick_which_goes_by_turns(said: object) -> None:
    pool = pool_of("abc")
    balancer = Custom(Sayer(said, said, pool[2], said))
    assert picks(balancer, pool, 4) == "abcc"
    assert balancer.faults == 3


def test_a_fault_is_told_with_what_was_wrong() -> None:
    told: list[str] = []
    balancer = Custom(Sayer(None, ZeroDivisionError("x")), "mine")
    balancer.on_fault = told.append
    picks(balancer, pool_of("ab"), 2)
    assert told == [
        "algorithm 'mine': select returned None, which is not one of the candidates (fault 1)",
        "algorithm 'mine': select raised ZeroDivisionError('x') (fault 2)",
    ]
    assert balancer.last_fault == "select raised ZeroDivisionError('x')"


def test_a_broken_algorithm_is_told_of_ever_more_rarely() -> None:
    told: list[str] = []
    balancer = Custom(Sayer())
    balancer.on_fault = told.append
    picks(balancer, pool_of("ab"), 1000)
    assert balancer.faults == 1000
    assert [text.rpartition("fault ")[2] for text in told] == [f"{2**i})" for i in range(10)]


def test_a_fault_at_a_retry_takes_one_of_those_left() -> None:
    pool = pool_of("abc")
    balancer = Custom(Sayer(pool[1], pool[1], None))
    assert whole_order(balancer, pool) == "bac"
    assert balancer.faults == 2, "the second time it named a server that was taken"


def test_news_that_make_it_raise_are_faults_too() -> None:
    class Touchy(Fewest):
        def record_metrics(self, server: Member, metrics: Metrics) -> None:
            raise RuntimeError("no news, please")

    balancer, pool = Custom(Touchy()), pool_of("ab")
    balancer.leased(pool[0])
    assert balancer.last_fault == "record_metrics raised RuntimeError('no news, please')"
    assert picks(balancer, pool, 1) == "a"


def test_one_that_finds_nobody_fit_ends_the_order_without_a_fault() -> None:
    pool = pool_of("abc")
    balancer = Custom(Sayer(pool[1], NoServerAvailable("all too old")))
    assert whole_order(balancer, pool) == "b"
    assert balancer.faults == 0


def test_an_order_to_stop_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        picks(Custom(Sayer(KeyboardInterrupt())), pool_of("ab"), 1)


def test_a_coroutine_is_nonsense_and_is_not_left_unawaited() -> None:
    async def later(candidates: Sequence[Member]) -> Member:
        return candidates[0]

    balancer = Custom(lambda candidates, context: later(candidates))
    assert picks(balancer, pool_of("ab"), 1) == "a"
    assert balancer.last_fault.startswith("select returned a coroutine")


async def waits(candidates: Sequence[Member], context: Context) -> Member:
    return candidates[0]


class Demanding:
    def __init__(self, size: int) -> None:
        self.size = size

    def select(self, candidates: Sequence[Member], context: Context) -> Member:
        return candidates[self.size]


@pytest.mark.parametrize(
    ("algorithm", "text"),
    [
        (7, "'int' is neither a name, a callable, nor an object with select"),
        (None, "'NoneType' is neither"),
        (waits, "'waits' is async; a choice is made without waiting"),
        (Demanding, "'Demanding' cannot be made: TypeError"),
    ],
)
def test_what_can_not_be_asked_is_refused_at_once(algorithm: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make_balancer(algorithm)


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [(last_of, "last_of"), (Fewest, "Fewest"), (Fewest(), "Fewest")],
)
def test_it_is_called_as_its_author_called_it(algorithm: Any, name: str) -> None:
    assert make_balancer(algorithm).name == name


@given(st.lists(st.integers(-1, 6), max_size=30), st.integers(1, 5))
def test_law_whatever_it_says_an_order_holds_everybody_once(says: list[int], size: int) -> None:
    """It says any of the candidates, also one that is taken already, strangers and None."""
    pool = pool_of("abcde"[:size])
    words: list[object] = [None, *pool, *(Member("stranger") for _ in range(8))]
    balancer = Custom(Sayer(*(words[number + 1] for number in says)))
    assert sorted(whole_order(balancer, pool)) == [member.id for member in pool]
    assert {m.id for m in balancer.order(pool, CONTEXT, Random(0))} == {m.id for m in pool}
