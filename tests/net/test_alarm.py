"""The alarm: one that sleeps until an instant that may move, on deadlines and in simulations."""

import math
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_lb.net.alarm import DeadlineAlarm
from trio_lb.net.env import Alarm
from trio_lb.sim.seat import Seat

MAKERS: list[Callable[[], Alarm]] = [DeadlineAlarm, lambda: Seat("asleep")]


class Sleeper:
    """Sleeps until ``at``, and tells when it woke."""

    def __init__(self, alarm: Alarm, at: float) -> None:
        self.alarm = alarm
        self.at = at
        self.woken: list[float] = []

    async def sleep(self) -> None:
        """Sleep once."""
        await self.alarm.wait(lambda: self.at)
        self.woken.append(trio.current_time())

    def move(self, at: float) -> None:
        """Let it be another instant."""
        self.at = at
        self.alarm.tell()


@pytest.fixture(params=MAKERS, ids=["deadline", "seat"])
def sleeper(request: pytest.FixtureRequest) -> Sleeper:
    """One that wants to sleep until the instant 5."""
    return Sleeper(request.param(), 5.0)


async def test_it_sleeps_until_its_instant(sleeper: Sleeper, autojump_clock: MockClock) -> None:
    await sleeper.sleep()
    assert sleeper.woken == [5.0]


@pytest.mark.parametrize(("moved_to", "woken_at"), [(9.0, 9.0), (3.0, 3.0), (1.0, 2.0)])
async def test_an_instant_that_moves_takes_the_sleeper_along(
    sleeper: Sleeper,
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    moved_to: float,
    woken_at: float,
) -> None:
    nursery.start_soon(sleeper.sleep)
    await trio.sleep(2.0)
    sleeper.move(moved_to)
    await wait_all_tasks_blocked()
    assert sleeper.woken == ([2.0] if woken_at == 2.0 else [])
    await trio.sleep(10.0)
    assert sleeper.woken == [woken_at]


async def test_who_sleeps_for_ever_can_still_be_told(
    sleeper: Sleeper, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    sleeper.at = math.inf
    nursery.start_soon(sleeper.sleep)
    await trio.sleep(3600.0)
    sleeper.move(3601.0)
    await trio.sleep(2.0)
    assert sleeper.woken == [3601.0]


async def test_it_may_be_told_while_nobody_sleeps_and_used_again(
    sleeper: Sleeper, autojump_clock: MockClock
) -> None:
    sleeper.move(1.0)
    for at in (1.0, 4.0):
        sleeper.at = at
        await sleeper.sleep()
    sleeper.move(8.0)
    await trio.sleep(10.0)
    assert sleeper.woken == [1.0, 4.0]


async def test_who_is_cancelled_sleeps_no_more(sleeper: Sleeper, autojump_clock: MockClock) -> None:
    with trio.move_on_after(2.0):
        await sleeper.sleep()
    sleeper.move(3.0)
    await trio.sleep(10.0)
    assert sleeper.woken == []
