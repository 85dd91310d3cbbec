"""Rare but legal behaviour of the kernel, at points that have names."""

import pytest
import trio

from tests.sim.faults.play import Play, play
from trio_lb.model.errors import ConfigError
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.faults.inject_buggify import Nibble

ALWAYS = {"on": 1.0, "fires": 1.0}


def test_reads_of_the_balancer_give_one_byte_and_those_of_servers_all() -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        heal = world.inject("one_byte_reads", "point:reads", **ALWAYS)
        later, far_of_later = await world.pair()
        for end in (far, far_of_later, near):
            end.send_nowait(b"abc")
        await trio.sleep(2)
        assert [await near.receive_some(100) for _ in range(2)] == [b"a", b"b"]
        assert await later.receive_some(100) == b"a"
        assert await far.receive_some(100) == b"abc"
        heal()
        assert await later.receive_some(100) == b"bc"
        assert trio.current_time() == 8.0, "it costs no time"

    play(scene)


def test_a_point_that_is_not_armed_does_nothing() -> None:
    async def scene(world: Play) -> None:
        world.inject("one_byte_reads", "point:reads", on=0.0, fires=1.0)
        world.inject("shrink", "point:window", on=0.0, fires=1.0)
        near, far = await world.pair()
        far.send_nowait(b"abc")
        assert await near.receive_some(100) == b"abc"

    play(scene)


def test_an_armed_point_acts_now_and_then() -> None:
    nibble = Nibble(derive_rng(7, "nibble"), 0.25)
    few = [nibble.most_bytes(100) for _ in range(400)].count(1)
    assert 70 <= few <= 130


def test_a_shrunk_window_holds_so_many_bytes_and_is_whole_again_after_the_heal() -> None:
    async def scene(world: Play) -> None:
        heal = world.inject("shrink", "point:window", to=8, **ALWAYS)
        near, far = await world.pair()
        assert (near.send_nowait(bytes(100)), far.send_nowait(bytes(100))) == (8, 8)
        heal()
        assert near.send_nowait(bytes(100_000)) == 65536 - 8

    play(scene)


def test_a_shrunk_backlog_has_place_for_one_more_than_it_says() -> None:
    async def scene(world: Play) -> None:
        listener = await world.listen("lb")
        heal = world.inject("shrink", "point:backlog", to=1, **ALWAYS)
        s1 = world.net.host("s1")
        for _ in range(2):
            await s1.connect(listener.address)
        assert listener.is_full(world.net.host("lb").backlog_cap)
        with trio.move_on_after(100) as patience:
            await s1.connect(listener.address)
        assert patience.cancelled_caught
        heal()
        await s1.connect(listener.address)

    play(scene)


def test_an_unknown_point_is_refused_with_those_that_are_known() -> None:
    async def scene(world: Play) -> None:
        with pytest.raises(ConfigError, match="shrink acts at point:window or backlog; there is"):
            world.inject("shrink", "point:pool", **ALWAYS)

    play(scene)


def test_a_spurious_timeout_arms_its_point_in_balancers_and_programs_until_the_heal() -> None:
    async def scene(world: Play) -> None:
        world.programs["cron"] = world.actor("cron")
        heal = world.inject("spurious_timeout", "point:connect", **ALWAYS)
        envs = [world.balancers["lb"].env, world.programs["cron"].env]
        assert [env.buggify("connect") for env in envs] == [True, True]
        assert [env.buggify("probe") for env in envs] == [False, False]
        heal()
        assert [env.buggify("connect") for env in envs] == [False, False]

    play(scene)


def test_two_spurious_timeouts_of_one_point_are_healed_one_by_one() -> None:
    async def scene(world: Play) -> None:
        env = world.balancers["lb"].env
        first = world.inject("spurious_timeout", "point:probe", **ALWAYS)
        second = world.inject("spurious_timeout", "point:probe", **ALWAYS)
        first()
        first()
        assert env.buggify("probe")
        second()
        assert not env.buggify("probe")

    play(scene)


def test_a_spurious_timeout_fires_in_its_share_of_the_passes() -> None:
    async def scene(world: Play) -> None:
        world.inject("spurious_timeout", "point:idle", on=1.0, fires=0.25)
        world.inject("spurious_timeout", "point:connect", on=0.0, fires=1.0)
        env = world.balancers["lb"].env
        assert 70 <= sum(env.buggify("idle") for _ in range(400)) <= 130
        assert not env.buggify("connect"), "not armed"

    play(scene)


def test_each_wait_that_has_a_name_is_a_point() -> None:
    async def scene(world: Play) -> None:
        with pytest.raises(ConfigError, match=r"point:connect, first_byte, .* or tls_handshake;"):
            world.inject("spurious_timeout", "point:lunch", **ALWAYS)

    play(scene)
