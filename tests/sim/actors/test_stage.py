"""The stage: chance by names, and tasks only while the simulation runs."""

import trio

from tests.sim.actors.support import Theatre, play


def test_each_name_has_its_own_chance_and_the_same_again() -> None:
    stage = Theatre().stage
    assert stage.rng("a").random() == stage.rng("a").random()
    assert stage.rng("a").random() != stage.rng("b").random()


def test_a_short_task_runs_on_the_stage() -> None:
    ran: list[float] = []

    async def act(theatre: Theatre) -> None:
        async def task() -> None:
            await trio.sleep(1.0)
            ran.append(trio.current_time())

        theatre.stage.start_soon(task)
        await trio.sleep(2.0)

    play(act)
    assert ran == [1.0]


def test_after_the_end_nothing_is_begun() -> None:
    begun: list[int] = []

    async def task() -> None:
        begun.append(1)

    theatre = Theatre()
    theatre.stage.start_soon(task)
    assert begun == []
