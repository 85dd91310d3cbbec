"""A program of one's own lives on its host, dies with it, and comes back."""

import time

import pytest
import trio

from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import Crash, at
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.poison import Poisoned
from trio_lb.sim.simulation import Simulation


def test_it_begins_anew_after_a_crash() -> None:
    begun: list[float] = []

    async def beat(env: SimEnv) -> None:
        begun.append(env.now())
        await trio.sleep_forever()

    sim = Simulation()
    sim.host("worker", beat)
    sim.faults(at(5, Crash("host:worker", for_="2s")))
    sim.run(until=10)
    assert begun == [0.0, 7.0]


def test_it_may_end_by_itself() -> None:
    ended: list[float] = []

    async def once(env: SimEnv) -> None:
        await trio.sleep(1.5)
        ended.append(env.now())

    sim = Simulation()
    sim.host("job", once)
    sim.run(until=10)
    assert ended == [1.5]


def test_one_that_asks_all_the_time_finds_the_balancer_to_the_end() -> None:
    asked: list[float] = []

    async def ask(env: SimEnv) -> None:
        while True:
            await (await trio.open_tcp_stream("lb", 80)).aclose()
            asked.append(env.now())
            await trio.sleep(0.25)

    sim = Simulation()
    sim.server("s1")
    sim.balancer()
    sim.host("cron", ask)
    sim.run(until=2, settle=1).require()
    assert 3.75 < asked[-1] < 4.0, "until the end, a second after the last client would have left"


def test_one_that_raises_ends_the_run_or_is_started_again_by_its_supervisor() -> None:
    begun: list[float] = []

    async def frail(env: SimEnv) -> None:
        begun.append(env.now())
        await trio.sleep(1.0)
        raise KeyError("stock")

    alone = Simulation()
    alone.host("api", frail)
    with pytest.raises(KeyError, match="stock"):
        alone.run(until=10)
    begun.clear()
    watched = Simulation()
    watched.host("api", frail, revived_after=2.0)
    notes: list[Happening] = []
    watched.wire.hear(notes.append, What.NOTE)
    watched.faults(at(4.5, Crash("host:api", for_="1s")))
    watched.run(until=8)
    assert begun == [0.0, 3.0, 5.5, 8.5]
    assert [(note.at, note.entity, *note.values) for note in notes] == [
        (1.0, "api", "died of KeyError"),
        (4.0, "api", "died of KeyError"),
        (6.5, "api", "died of KeyError"),
    ]


@pytest.mark.parametrize("in_a_nursery", [False, True])
def test_no_supervisor_hides_that_the_real_world_was_touched(in_a_nursery: bool) -> None:
    async def look() -> None:
        time.monotonic()

    async def main(env: SimEnv) -> None:
        if not in_a_nursery:
            await look()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(look)

    sim = Simulation()
    sim.host("api", main, revived_after=1.0)
    with pytest.raises(Poisoned):
        sim.run(until=3)
