"""A program of one's own lives on its host, dies with it, and comes back."""

import trio

from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import Crash, at
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
