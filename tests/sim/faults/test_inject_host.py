"""The faults of hosts: who is told, when, and how overlapping ones end."""

import pytest
import trio

from tests.sim.faults.play import SERVER, Play, play
from trio_lb.model.errors import ConfigError
from trio_lb.sim.cpu import CpuNetwork
from trio_lb.sim.faults.inject_host import WARM_UP_STEPS
from trio_lb.sim.link import Connects


def test_a_host_is_down_until_the_last_crash_is_healed() -> None:
    async def scene(world: Play) -> None:
        heals = [world.inject("crash", SERVER), world.inject("crash", "host:s1", fin=True)]
        world.at(5.0, heals[0])
        world.at(8.0, heals[1])
        await trio.sleep(10)
        heals[0]()
        assert world.servers["s1"].deeds == [(0.0, "crashed"), (8.0, "restarted")]
        assert not world.net.host("s1").is_down

    play(scene)


def test_a_restart_kills_and_starts_again() -> None:
    async def scene(world: Play) -> None:
        world.inject("restart", SERVER, down=2.5)
        at_once = world.inject("restart", "server:s2", down=100.0)
        await trio.sleep(5)
        at_once()
        assert world.servers["s1"].deeds == [(0.0, "killed"), (2.5, "restarted")]
        await trio.sleep(200)
        assert world.servers["s2"].deeds == [(0.0, "killed"), (5.0, "restarted")]

    play(scene)


def test_a_bare_host_crashes_as_well() -> None:
    async def scene(world: Play) -> None:
        heal = world.inject("crash", "host:web")
        assert world.net.host("web").is_down
        heal()
        assert not world.net.host("web").is_down

    play(scene)


def test_a_pause_of_two_ends_with_the_second() -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        heals = [world.inject("pause", SERVER) for _ in range(2)]
        near.send_nowait(b"x")
        world.at(20.0, heals[1])
        world.at(30.0, heals[0])
        await far.receive_some(1)
        assert trio.current_time() == 30.0
        assert world.servers["s1"].deeds == [(3.0, "paused"), (30.0, "resumed")]

    play(scene)


def test_a_server_that_drains_refuses_and_exits_when_its_grace_is_over() -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        host = world.net.host("s1")
        heal = world.inject("drain", SERVER, grace=30.0)
        assert [host.connects] == [Connects.REFUSE]
        near.send_nowait(b"x")
        assert await far.receive_some(1) == b"x", "it goes on with what it has"
        await trio.sleep(100)
        heal()
        assert world.servers["s1"].deeds == [(33.0, "killed"), (104.0, "restarted")]
        assert [host.connects] == [Connects.PASS]

    play(scene)


def test_a_drain_that_is_called_off_in_time_kills_nobody() -> None:
    async def scene(world: Play) -> None:
        world.at(29.0, world.inject("drain", SERVER, grace=30.0))
        await trio.sleep(100)
        assert world.servers["s1"].deeds == []
        assert world.net.host("s1").connects is Connects.PASS

    play(scene)


def test_a_balancer_drains_by_itself() -> None:
    async def scene(world: Play) -> None:
        heal = world.inject("drain", "host:lb", grace=30.0)
        await trio.sleep(50)
        heal()
        assert world.balancers["lb"].deeds == [(0.0, "drained for 30 s"), (50.0, "restarted")]

    play(scene)


def test_factors_multiply_and_each_is_taken_out() -> None:
    async def scene(world: Play) -> None:
        server = world.servers["s1"]
        heals = [world.inject("slow_cpu", SERVER, x=x) for x in (3.0, 7.0)]
        assert server.slow_factor == 21.0
        heals[0]()
        assert server.slow_factor == 7.0
        heals[1]()
        assert server.slow_factor == 1.0

    play(scene)


def test_what_runs_without_a_processor_is_not_slowed_and_what_else_there_is_is_told() -> None:
    async def scene(world: Play) -> None:
        world.programs["app"] = world.actor("app")
        for name, why in (
            ("app", "sim.host gives a program no processor; a program of yours is"),
            ("web", "it has no processor"),
        ):
            with pytest.raises(ConfigError, match=f"'{name}' cannot be slow.*: {why}"):
                world.inject("slow_cpu", f"host:{name}")

    play(scene)


def test_a_balancer_is_slow_where_its_work_costs_time() -> None:
    async def scene(world: Play) -> None:
        with pytest.raises(
            ConfigError, match=r"costs no time: give the balancer a processor, sim\.bala"
        ):
            world.inject("slow_cpu", "host:lb")
        cpu = CpuNetwork(world.net.host("lb")).cpu
        heal = world.inject("slow_cpu", "host:lb", x=4.0)
        assert cpu.factor == 4.0
        heal()
        assert cpu.factor == 1.0

    play(scene)


def test_a_server_warms_up_in_a_straight_line() -> None:
    async def scene(world: Play) -> None:
        server = world.servers["s1"]
        world.inject("warm_up", SERVER, x=11.0, ramp=20.0)
        seen = []
        for _ in range(WARM_UP_STEPS + 2):
            seen.append(round(server.slow_factor, 9))
            await trio.sleep(1)
        assert seen == [11.0 - 0.5 * step for step in range(WARM_UP_STEPS)] + [1.0, 1.0]
        heal = world.inject("warm_up", SERVER)
        assert server.slow_factor == 10.0
        heal()
        await trio.sleep(100)
        assert server.slow_factor == 1.0

    play(scene)


def test_a_jump_stays_and_a_skew_that_overlaps_it_goes() -> None:
    async def scene(world: Play) -> None:
        env = world.balancers["lb"].env
        before = env.wall()
        skew = world.inject("clock_skew", "host:lb", shift=60.0)
        world.inject("clock_jump", "host:lb", shift=-3600.0)
        assert env.wall() == before + 60.0 - 3600.0
        skew()
        assert env.wall() == before - 3600.0
        with pytest.raises(ConfigError, match="nothing runs on 's1' that asks for the time"):
            world.inject("clock_jump", SERVER)

    play(scene)
