"""Patience: lost at the very instant, by those only who are not over."""

from functools import partial

import trio
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.actors.patience import Patience
from trio_lb.sim.clock import DesClock


def lost(items: list[tuple[int, int]], seconds: float) -> list[tuple[float, int]]:
    """When who lost patience: items come after a gap and are over after so many seconds."""
    clock, over, seen = DesClock(), dict[int, bool](), list[tuple[float, int]]()
    patience: Patience[int] = Patience(
        clock,
        seconds,
        lambda item: item in over,
        lambda item: seen.append((clock.current_time(), item)),
    )

    async def main() -> None:
        at = 0
        for number, (gap, length) in enumerate(items):
            at += gap
            clock.call_at(at, partial(patience.add, number))
            clock.call_at(at + length, partial(over.setdefault, number, True))
        await trio.sleep(1000.0)

    trio.run(main, clock=clock)
    return seen


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 12)), max_size=20))
def test_those_lose_patience_who_take_longer_each_at_its_own_instant(
    items: list[tuple[int, int]],
) -> None:
    expected, at = [], 0
    for number, (gap, length) in enumerate(items):
        at += gap
        if length > 6.5:
            expected.append((at + 6.5, number))
    assert lost(items, 6.5) == expected


def test_infinite_patience_asks_for_no_call() -> None:
    clock = DesClock()
    patience: Patience[int] = Patience(clock, float("inf"), lambda _: False, lambda _: None)
    patience.add(1)
    assert clock.pending == 0


def test_many_deadlines_are_one_call() -> None:
    clock = DesClock()
    patience: Patience[int] = Patience(clock, 30.0, lambda _: False, lambda _: None)
    for number in range(1000):
        patience.add(number)
    assert clock.pending == 1


def test_who_has_ended_waits_for_nothing_and_may_begin_anew() -> None:
    clock, seen = DesClock(), list[int]()
    patience: Patience[int] = Patience(clock, 30.0, lambda _: False, seen.append)
    patience.add(1)
    patience.end()
    patience.end()
    assert clock.pending == 0
    patience.add(2)
    assert clock.pending == 1
