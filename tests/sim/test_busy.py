"""Who is about to run is told by name and line: that is where to look when time stands still."""

import inspect
import itertools

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


def test_a_program_that_never_waits_is_named_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "MOST_LOOKS", 20_000)

    async def idle(env: SimEnv) -> None:
        await trio.sleep_forever()

    sim = Simulation()
    sim.host("calm", idle)
    sim.host("api", spin)
    with pytest.raises(SimulationStuck, match="time stands still at 0 s") as caught:
        sim.run(until=5)
    line = inspect.getsourcelines(spin)[1] + 2
    assert caught.value.__notes__[0] == f"about to run: program api: spin ({__file__}, line {line})"
    assert len(caught.value.__notes__) == 2


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
