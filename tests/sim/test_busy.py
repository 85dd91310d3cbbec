"""Who is about to run is told by name and line: that is where to look when time stands still."""

import inspect
import itertools
from collections.abc import Awaitable, Callable

import pytest
import trio

from trio_lb.sim import clock
from trio_lb.sim.busy import busy_tasks
from trio_lb.sim.clock import SimulationStuck
from trio_lb.sim.env import SimEnv
from trio_lb.sim.simulation import Simulation


async def spin(env: SimEnv) -> None:
    for _ in itertools.count():
        await trio.lowlevel.checkpoint()


async def idle(env: SimEnv) -> None:
    await trio.sleep_forever()


def stuck(main: Callable[[SimEnv], Awaitable[None]], most_rounds: int = 1000) -> SimulationStuck:
    """Run such a program beside one that is idle; return what is said of it."""
    sim = Simulation()
    sim.clock.most_rounds = most_rounds
    sim.host("calm", idle)
    sim.host("api", main)
    with pytest.raises(SimulationStuck) as caught:
        sim.run(until=5)
    assert len(caught.value.__notes__) == 2
    return caught.value


def test_a_program_that_never_waits_is_named_with_its_line() -> None:
    error = stuck(spin)
    assert str(error) == (
        "time stands still at 0 s: 1,001 rounds of tasks and 1,001 steps, and none of them waits "
        "for time to pass; one that needs more gets it by clock.most_rounds"
    )
    line = inspect.getsourcelines(spin)[1] + 2
    assert error.__notes__[0] == f"about to run: program api: spin ({__file__}, line {line})"


def test_one_that_does_not_even_give_way_is_named_with_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "MOST_LOOKS", 20_000)

    async def ask(env: SimEnv) -> None:
        while not_yet():
            pass

    def not_yet() -> bool:
        return trio.current_time() < 3.0

    error = stuck(ask)
    assert str(error) == ("time stands still at 0 s: 20,000 looks at the clock, and nobody waits")
    line = inspect.getsourcelines(not_yet)[1] + 1
    assert error.__notes__[0].startswith(
        f"about to run: program api: {not_yet.__qualname__} ({__file__}, line {line})"
    )


def test_a_hundred_tasks_that_never_wait_are_found_after_a_tenth_of_the_rounds() -> None:
    async def crowd(env: SimEnv) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(spin, env)

    assert "101 rounds of tasks and 10,100 steps" in str(stuck(crowd))


def test_where_nobody_can_run_nobody_is_named() -> None:
    sim = Simulation()
    sim.clock.call_at(1.0, lambda: sim.clock.call_at(1.0, again))

    def again() -> None:
        sim.clock.call_at(1.0, again)

    with pytest.raises(SimulationStuck, match="calls at 1 s ask for others") as caught:
        sim.run(until=5)
    assert len(caught.value.__notes__) == 1


async def test_those_of_a_kind_are_told_once_and_too_many_are_counted() -> None:
    async with trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(trio.sleep, 0, name=f"task {number // 2 * 2}")
        assert busy_tasks().endswith("; task 0; task 2; task 4")
        for number in range(3):
            nursery.start_soon(trio.sleep, 0, name=f"another {number}")
        assert busy_tasks().endswith("; task 0; task 2; task 4 and 3 more")
