"""Faults on the clock: their instants, what is told of them, and the end of all of them."""

import json

import pytest
import trio

from tests.sim.faults.play import LINK, SERVER, Play, fault, play
from trio_lb.model.errors import ConfigError
from trio_lb.sim.faults.agenda import Agenda
from trio_lb.sim.happening import What


def told(world: Play) -> list[tuple[float, What, str, object, object]]:
    return [(each.at, each.what, each.entity, *each.values[:2]) for each in world.told]  # type: ignore[misc] # A number and a kind.


def test_each_begins_and_ends_at_its_instant_and_is_told_of() -> None:
    async def scene(world: Play) -> None:
        agenda = Agenda(
            world,
            [
                fault(5.0, "latency", LINK, 7.5, shift=0.5),
                fault(5.0, "reset", SERVER),
                fault(6.0, "crash", SERVER),
            ],
        )
        agenda.start()
        seen = []
        for at in (4.9, 5.1, 7.4, 7.6):
            await trio.sleep_until(at)
            seen.append((world.there().latency_seconds, len(agenda.in_force)))
        assert seen == [(1.0, 0), (1.5, 1), (1.5, 2), (1.0, 1)]
        await trio.sleep_until(20)
        agenda.stop()
        assert told(world) == [
            (5.0, What.INJECT, "link:lb~s1", "latency", 0),
            (5.0, What.INJECT, "server:s1", "reset", 1),
            (6.0, What.INJECT, "server:s1", "crash", 2),
            (7.5, What.HEALED, "link:lb~s1", "latency", 0),
            (20.0, What.HEALED, "server:s1", "crash", 2),
        ]
        args = world.told[0].values[2]
        assert json.loads(str(args)) == {"shift": 0.5, "way": "both"}

    play(scene)


def test_of_a_deployment_is_told_of_how_many_servers_it_is() -> None:
    async def scene(world: Play) -> None:
        Agenda(world, [fault(1.0, "deploy_wave", "lb:lb", share=0.5)]).start()
        await trio.sleep(2)
        args = json.loads(str(world.told[0].values[2]))
        assert args == {"every": 30.0, "servers": 3, "share": 0.5}

    play(scene)


def test_who_ends_when_another_begins_has_ended_then() -> None:
    async def scene(world: Play) -> None:
        faults = [fault(3.0, "crash", SERVER, 6.0), fault(0.0, "crash", SERVER, 3.0)]
        Agenda(world, faults).start()
        await trio.sleep(10)
        assert world.servers["s1"].deeds == [
            (0.0, "crashed"),
            (3.0, "restarted"),
            (3.0, "crashed"),
            (6.0, "restarted"),
        ]

    play(scene)


def test_after_the_stop_nothing_begins_any_more() -> None:
    async def scene(world: Play) -> None:
        agenda = Agenda(world, [fault(5.0, "crash", SERVER), fault(50.0, "crash", SERVER)])
        agenda.start()
        await trio.sleep(10)
        agenda.stop()
        agenda.stop()
        await trio.sleep(100)
        assert world.servers["s1"].deeds == [(5.0, "crashed"), (10.0, "restarted")]

    play(scene)


def test_an_agenda_that_starts_late_leaves_out_what_is_over() -> None:
    async def scene(world: Play) -> None:
        await trio.sleep(10)
        faults = [fault(1.0, "crash", SERVER, 10.0), fault(1.0, "crash", "host:s2", 11.0)]
        Agenda(world, faults).start()
        await trio.sleep(10)
        assert world.servers["s1"].deeds == []
        assert world.servers["s2"].deeds == [(10.0, "crashed"), (11.0, "restarted")]

    play(scene)


def test_a_target_that_is_not_there_ends_the_run_with_the_fault_s_number() -> None:
    async def scene(world: Play) -> None:
        Agenda(world, [fault(5.0, "crash", SERVER), fault(6.0, "crash", "host:s9")]).start()
        await trio.sleep(100)

    with pytest.raises(ConfigError, match=r"\[1\].*there is no host 's9'"):
        play(scene)
