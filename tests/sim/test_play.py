"""A world played again: the same run from a trial, smaller ones from a failure, and no noise."""

import logging
import random
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import trio

from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Every
from trio_lb.sim.checks import ErrorRate
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import Partition, at
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.play import Play
from trio_lb.sim.poison import Poisoned
from trio_lb.sim.search.trial import CRASHED
from trio_lb.sim.simulation import Simulation


def world(sim: Simulation) -> None:
    """One server without a second chance, which is lost for a while."""
    sim.server("s1")
    sim.balancer({"retry": {"max_retries": 0}, "timeouts": {"connect": "200ms"}})
    sim.clients("web", OpenLoop(Every(0.1)))
    sim.check(ErrorRate("<1%"))
    sim.faults(at(1, Partition("lb", "s1", for_="2s")))


def cut(name: str) -> Fault:
    return Fault(0.5, "partition", Target(Sort.LINK, ("lb", name)), 0.75)


def test_the_trial_of_an_ending_holds_all_faults_and_is_the_same_run() -> None:
    play = Play(world, "play", until=4.0, settle=1.0)
    ending = play.first(3, [cut("s1")])
    assert (ending.check, ending.trial.seed) == ("error_rate", 3)
    assert [fault.at for fault in ending.trial.faults] == [0.5, 1.0]
    assert str(play.again(ending.trial).first) == ending.says
    shrunk = play.shrink(ending)
    assert shrunk is not None
    assert len(shrunk.trial.faults) == 1


def test_all_is_well_without_a_check_that_is_broken() -> None:
    def calm(sim: Simulation) -> None:
        world(sim)
        sim.schedules.clear()

    play = Play(calm, "calm", until=2.0, settle=0.0)
    ending = play.first(0, [])
    assert (ending.check, ending.trial.faults, ending.cause) == ("", (), None)


def test_a_run_that_raises_is_a_crash_with_its_cause() -> None:
    def broken(sim: Simulation) -> None:
        async def fall(env: SimEnv) -> None:
            raise KeyError("stock")

        sim.host("api", fall)

    ending = Play(broken, "broken", until=1.0, settle=0.0).first(0, [])
    assert (ending.check, ending.says) == (CRASHED, "KeyError: 'stock'")
    assert isinstance(ending.cause, KeyError)


def test_what_is_wrong_with_the_world_itself_is_no_failure_under_faults() -> None:
    def misnamed(sim: Simulation) -> None:
        sim.balancer({"algorithm": "by_dice", "servers": ["s1:80"]})

    def threaded(sim: Simulation) -> None:
        async def look(env: SimEnv) -> None:
            await trio.to_thread.run_sync(print)

        sim.host("api", look)

    with pytest.raises(ConfigError, match="by_dice"):
        Play(misnamed, "misnamed", until=1.0, settle=0.0).first(0, [])
    with pytest.raises(Poisoned, match="no threads"):
        Play(threaded, "threaded", until=1.0, settle=0.0).first(0, [])


def test_a_world_that_would_stay_empty_is_refused() -> None:
    async def later(sim: Simulation) -> None:
        world(sim)

    def piecemeal(sim: Simulation) -> Iterator[None]:
        world(sim)
        yield

    async def both(sim: Simulation) -> AsyncIterator[None]:
        world(sim)
        yield

    for each in (later, piecemeal, both):
        with pytest.raises(TypeError, match="nothing of it was run: fill the simulation in a def"):
            Play(each, "empty", until=1.0, settle=0.0).first(0, [])


def test_a_world_without_clients_and_programs_is_in_vain() -> None:
    async def idle(env: SimEnv) -> None:
        await trio.sleep_forever()

    def server(sim: Simulation) -> None:
        sim.server("s1")
        sim.balancer()

    def silent(sim: Simulation) -> None:
        sim.clients("web", OpenLoop(Every(5.0)))
        server(sim)

    def hosted(sim: Simulation) -> None:
        sim.host("api", idle)

    endings = [Play(each, "?", 2.0, 0.0).first(0, []) for each in (server, silent, hosted, world)]
    assert [ending.vain.partition(",")[0] for ending in endings] == [
        *("the world has no clients and no programs", "nobody asked anything", "", ""),
    ]


def test_programs_draw_chance_and_look_at_clocks_and_get_those_of_the_seed() -> None:
    seen: list[tuple[float, float]] = []

    def gambling(sim: Simulation) -> None:
        async def play(env: SimEnv) -> None:
            await trio.sleep(1.5)
            seen.append((time.monotonic(), random.random()))

        sim.host("casino", play)

    for seed in (1, 1, 2):
        Play(gambling, "gambling", until=2.0, settle=0.0).first(seed, [])
    assert [at for at, _ in seen] == [1.5, 1.5, 1.5]
    assert seen[0] == seen[1] != seen[2]


def test_a_search_is_silent_and_a_single_run_is_not(caplog: pytest.LogCaptureFixture) -> None:
    def talking(sim: Simulation) -> None:
        async def talk(env: SimEnv) -> None:
            logging.getLogger("api").warning("here I am")

        sim.host("api", talk)

    play = Play(talking, "talking", until=1.0, settle=0.0)
    ending = play.first(0, [])
    assert caplog.messages == []
    play.again(ending.trial)
    assert caplog.messages == ["here I am"]


def test_faults_are_drawn_for_programs_behind_the_balancer() -> None:
    async def idle(env: SimEnv) -> None:
        await trio.sleep_forever()

    def own(sim: Simulation) -> None:
        for name in ("api-1", "api-2"):
            sim.host(name, idle)
        sim.balancer({"servers": ["api-1:80", "api-2:80"]})

    play = Play(own, "own", until=60.0, settle=0.0)
    drawn = [fault for seed in range(8) for fault in play.draw(seed, ["pause", "crash"], False)]
    assert {str(fault.target) for fault in drawn} == {"host:api-1", "host:api-2"}


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("partitoin", "partitoin: is no kind of fault; did you mean 'partition'?"),
        ("xyz", "xyz: is no kind of fault; docs/simulation/faults.md has them all"),
        ("dns_nxdomain", "dns_nxdomain: none of these faults finds a target here"),
    ],
)
def test_kinds_that_can_hit_nothing_are_refused(kind: str, says: str) -> None:
    play = Play(world, "play", until=4.0, settle=1.0)
    with pytest.raises(ConfigError) as caught:
        play.draw(0, [kind], False)
    assert str(caught.value) == says
