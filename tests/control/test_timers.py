"""Timers: exact instants, whoever moves; no wake-up without cause; crashes stay local."""

import math
from collections.abc import Sequence

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from trio_lb.control.supervisor import Supervisor
from trio_lb.control.timers import Timers, open_timers
from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Destroyed, Event
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork


class Bell:
    """Rings at each of its instants, and says so in an event."""

    def __init__(self, *instants: float) -> None:
        self.instants = list(instants)
        self.rung: list[float] = []

    @property
    def deadline(self) -> float | None:
        return self.instants[0] if self.instants else None

    def on_deadline(self, now: float) -> Sequence[Event]:
        while self.instants and self.instants[0] <= now:
            self.instants.pop(0)
        self.rung.append(now)
        return [Destroyed(at=now)]


def ignore(_: Event) -> None:
    pass


async def test_each_machine_is_called_exactly_when_it_asked_to_be(env: SimEnv) -> None:
    one, two, told = Bell(3.0, 8.5), Bell(5.0), list[Event]()
    async with open_timers(env, told.append) as timers:
        timers.touch(one)
        timers.touch(two)
        await trio.sleep_until(10.0)
    assert (one.rung, two.rung) == ([3.0, 8.5], [5.0])
    assert [event.at for event in told] == [3.0, 5.0, 8.5]


async def test_a_deadline_that_moves_earlier_or_later_is_served_where_it_is(env: SimEnv) -> None:
    bell = Bell(5.0)
    async with open_timers(env, ignore) as timers:
        timers.touch(bell)
        await trio.sleep_until(1.0)
        bell.instants = [2.5]
        timers.touch(bell)
        await trio.sleep_until(2.0)
        bell.instants = [7.25]
        timers.touch(bell)
        await trio.sleep_until(9.0)
    assert bell.rung == [7.25]
    assert timers.statistics().calls == 1


async def test_a_deadline_in_the_past_is_served_at_once(env: SimEnv) -> None:
    bell = Bell(-math.inf)
    async with open_timers(env, ignore) as timers:
        await trio.sleep_until(4.0)
        timers.touch(bell)
        await trio.sleep_until(4.5)
    assert bell.rung == [4.0]


async def test_a_machine_that_wants_nothing_more_or_is_forgotten_is_not_called(
    env: SimEnv,
) -> None:
    content, forgotten = Bell(3.0), Bell(3.0)
    async with open_timers(env, ignore) as timers:
        timers.touch(content)
        timers.touch(forgotten)
        content.instants.clear()
        timers.touch(content)
        timers.forget(forgotten)
        timers.forget(forgotten)
        await trio.sleep_until(5.0)
        assert timers.statistics().machines == 0
    assert (content.rung, forgotten.rung) == ([], [])


async def test_nobody_is_woken_when_nothing_is_due(env: SimEnv) -> None:
    bell, passes = Bell(100.0), list[float]()

    class Watch(trio.abc.Instrument):
        def before_task_step(self, task: trio.lowlevel.Task) -> None:
            if task.name == "timers":
                passes.append(env.now())

    async with open_timers(env, ignore) as timers:
        await trio.testing.wait_all_tasks_blocked()
        watch = Watch()
        trio.lowlevel.add_instrument(watch)
        for later in range(101, 200):
            bell.instants = [float(later)]
            timers.touch(bell)
            await trio.sleep(1.0)
        trio.lowlevel.remove_instrument(watch)
    assert passes == []


async def test_a_callback_may_touch_other_machines_of_the_same_instant(env: SimEnv) -> None:
    one, two = Bell(3.0), Bell()
    timers_seen: list[Timers] = []

    def chain(event: Event) -> None:
        if not two.rung:
            two.instants = [event.at]
            timers_seen[0].touch(two)

    async with open_timers(env, chain) as timers:
        timers_seen.append(timers)
        timers.touch(one)
        await trio.sleep_until(3.0)
        await trio.testing.wait_all_tasks_blocked()
        assert two.rung == [3.0]


class Broken(Bell):
    def on_deadline(self, now: float) -> Sequence[Event]:
        super().on_deadline(now)
        raise OSError("no more paper")


async def test_a_machine_that_crashes_holds_up_the_others_only_for_the_backoff(
    env: SimEnv,
) -> None:
    broken, well, supervisor = Broken(3.0, 4.0), Bell(3.0, 7.0), Supervisor(env)
    async with open_timers(env, ignore, supervisor=supervisor) as timers:
        timers.touch(broken)
        timers.touch(well)
        await trio.sleep_until(10.0)
    assert supervisor.statistics().crashes == {"timers": 1}
    assert broken.rung == [3.0]
    first, second = well.rung
    assert 3.05 <= first <= 3.1
    assert second == 7.0


class Stuck(Bell):
    def on_deadline(self, now: float) -> Sequence[Event]:
        return []


async def test_a_machine_that_leaves_its_deadline_where_it_was_is_a_bug(env: SimEnv) -> None:
    async def play() -> None:
        async with open_timers(env, ignore) as timers:
            timers.touch(Stuck(3.0))
            await trio.sleep_until(5.0)

    bug = pytest.RaisesExc(IllegalTransition, match=r"left its deadline where it was: 3\.0")
    with pytest.RaisesGroup(bug):
        await play()
    assert env.now() == 3.0


async def test_stale_entries_are_swept_out(env: SimEnv) -> None:
    bell = Bell(1.0)
    async with open_timers(env, ignore) as timers:
        for later in range(10_000):
            bell.instants = [2.0 + later]
            timers.touch(bell)
        assert len(timers._heap) < 100


moves = st.lists(
    st.tuples(st.integers(0, 3), st.none() | st.integers(0, 40), st.integers(0, 5)), max_size=30
)


@given(moves)
def test_law_every_machine_is_called_once_at_the_last_deadline_it_had(
    moves: list[tuple[int, int | None, int]],
) -> None:
    bells, wanted = [Bell() for _ in range(4)], list[list[float]]([[], [], [], []])

    async def play() -> None:
        env = SimEnv(VirtualNetwork().host("lb"))
        async with open_timers(env, ignore) as timers:
            for index, delay, pause in moves:
                bells[index].instants = [] if delay is None else [env.now() + delay]
                timers.touch(bells[index])
                due = bells[index].deadline
                wanted[index] = [at for at in wanted[index] if at < env.now() or at in done(index)]
                wanted[index] += [] if due is None else [due]
                await trio.sleep(pause)
                await trio.testing.wait_all_tasks_blocked()
            await trio.sleep(100)

    def done(index: int) -> list[float]:
        return bells[index].rung

    trio.run(play, clock=MockClock(autojump_threshold=0))
    assert [bell.rung for bell in bells] == wanted
