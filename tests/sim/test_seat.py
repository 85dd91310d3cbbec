"""The seat: one task waits for news or an instant."""

import math

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_lb.sim.clock import DesClock
from trio_lb.sim.run import run
from trio_lb.sim.seat import Seat


class Turns(trio.abc.Instrument):
    """Counts the turns of the task that makes it."""

    def __init__(self) -> None:
        self.count = 0
        self._task = trio.lowlevel.current_task()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += task is self._task


async def test_waits_until_its_instant(autojump_clock: MockClock) -> None:
    await Seat("waiting").wait(lambda: 5.0)
    assert trio.current_time() == 5.0


async def test_an_instant_that_has_passed_is_not_waited_for(autojump_clock: MockClock) -> None:
    await trio.sleep(5.0)
    await Seat("waiting").wait(lambda: 2.0)
    assert trio.current_time() == 5.0


async def test_news_end_the_wait_before_its_instant(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    seat, woken_at = Seat("waiting"), []

    async def wait() -> None:
        await seat.wait(lambda: math.inf)
        woken_at.append(trio.current_time())

    nursery.start_soon(wait)
    await trio.sleep(2.0)
    seat.wake()
    await wait_all_tasks_blocked()
    assert woken_at == [2.0]


async def test_news_that_nobody_waits_for_are_lost(autojump_clock: MockClock) -> None:
    seat = Seat("waiting")
    seat.wake()
    await seat.wait(lambda: 1.0)
    assert trio.current_time() == 1.0


def test_one_task_has_it_at_a_time_and_gives_it_free() -> None:
    seat = Seat("reading the paper")
    with seat:
        with pytest.raises(trio.BusyResourceError, match="already reading the paper"):
            seat.__enter__()
    with seat:
        pass


# ---------------------------------------------------------------------- on a clock of calls


def test_on_a_clock_of_calls_it_waits_until_the_same_instants() -> None:
    async def main() -> list[float]:
        seat, told = Seat("waiting here"), []
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, DesClock)
        clock.call_at(2.0, seat.wake)
        with seat:
            for until in (1.0, 5.0, 7.0):
                await seat.wait(lambda until=until: until)  # type: ignore[misc] # A default binds it.
                told.append(trio.current_time())
        return told

    assert run(main) == [1.0, 2.0, 7.0]


def test_a_wait_that_was_cancelled_there_leaves_no_call_behind() -> None:
    async def main() -> float:
        seat = Seat("waiting here")
        with trio.move_on_after(1.0), seat:
            await seat.wait(lambda: 1000.0)
        await trio.sleep(1.0)
        return trio.current_time()

    clock = DesClock()
    assert run(main, clock=clock) == 2.0
    assert clock.pending == 0


def test_news_that_are_under_way_wake_nobody_before_they_arrive() -> None:
    async def main() -> None:
        seat, turns, due = Seat("waiting here"), Turns(), [math.inf]
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, DesClock)

        def sent(at: float) -> None:
            due[0] = at
            seat.tell()

        clock.call_at(1.0, lambda: sent(9.0))
        clock.call_at(2.0, lambda: sent(5.0))  # Sooner than it seemed.
        clock.call_at(4.0, lambda: sent(7.0))  # Held up.
        trio.lowlevel.add_instrument(turns)
        await seat.wait(lambda: due[0])
        assert (trio.current_time(), turns.count) == (7.0, 1)

    run(main)


def test_news_that_are_there_already_are_had_at_once() -> None:
    async def main() -> None:
        seat = Seat("waiting here")
        await seat.wait(lambda: -1.0)
        assert trio.current_time() == 0.0

    run(main)


def test_who_is_told_though_nobody_waits_sets_no_alarm() -> None:
    clock = DesClock()

    async def main() -> None:
        seat = Seat("waiting here")
        await seat.wait(lambda: 1.0)
        seat.tell()
        assert clock.pending == 0

    run(main, clock=clock)
