"""The faults of connecting: what who dials or accepts sees, and what afterwards."""

import pytest
import trio

from tests.sim.faults.play import LINK, SERVER, Play, play
from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError, OutOfDescriptors


async def failure(world: Play, server: str = "s1") -> tuple[str, float]:
    """What dialling ends in, and after how many seconds."""
    began = trio.current_time()
    with pytest.raises(ConnectError) as caught:
        await world.dial(server)
    return str(caught.value).partition(": ")[2], trio.current_time() - began


async def seconds_to_dial(world: Play, server: str = "s1") -> float:
    began = trio.current_time()
    (await world.dial(server)).close()
    return trio.current_time() - began


@pytest.mark.parametrize("target", [LINK, SERVER])
def test_refusals_and_silence_overlap_and_each_heals_its_own(target: object) -> None:
    async def scene(world: Play) -> None:
        await world.listen()
        refusing = world.inject("refuse", target)
        assert await failure(world) == ("connection refused", 2.0)
        silent = world.inject("blackhole", target)
        assert await failure(world) == ("connection timed out", 127.0)
        silent()
        assert await failure(world) == ("connection refused", 2.0)
        refusing()
        assert await seconds_to_dial(world) == 2.0

    play(scene)


def test_a_server_that_refuses_refuses_everybody() -> None:
    async def scene(world: Play) -> None:
        await world.listen()
        world.inject("refuse", SERVER)
        await world.listen("s2")
        with pytest.raises(ConnectError, match="refused"):
            await world.net.host("web").connect(Address("s1", 80))
        assert await seconds_to_dial(world, "s2") == 2.0

    play(scene)


def test_a_full_backlog_is_silent_or_resets() -> None:
    async def scene(world: Play) -> None:
        listener = await world.listen()
        silent = world.inject("backlog_full", SERVER)
        assert await failure(world) == ("connection timed out", 127.0)
        loud = world.inject("backlog_full", SERVER, overflow="reset")
        assert await failure(world) == ("connection refused", 2.0)
        await listener.aclose()
        await world.listen()
        assert await failure(world) == ("connection refused", 2.0), "a new listener has it, too"
        silent()
        loud()
        assert await seconds_to_dial(world) == 2.0

    play(scene)


def test_each_accept_is_slow_and_slower_with_two_faults() -> None:
    async def scene(world: Play) -> None:
        heals = [world.inject("slow_accept", SERVER, delay=delay) for delay in (4.0, 2.0)]
        listener = await world.listen()
        for _ in range(3):
            await world.dial()
        assert trio.current_time() == 6.0
        await listener.accept_batch(9)
        assert trio.current_time() == 9.0, "it knocked at 3.0 s"
        world.at(10.0, heals[0])
        await listener.accept_batch(9)
        assert trio.current_time() == 11.0, "one knocked at 5.0 s, the last was taken at 9.0 s"
        heals[1]()
        assert len(await listener.accept_batch(9)) == 1
        assert trio.current_time() == 11.0

    play(scene)


def test_ports_run_out_and_the_fewest_that_are_left_count() -> None:
    async def scene(world: Play) -> None:
        await world.listen()
        heals = [world.inject("port_exhaustion", "host:lb", left=left) for left in (1, 2)]
        one = await world.dial()
        assert await failure(world) == ("cannot assign requested address", 0.0)
        heals[0]()
        await world.dial()
        assert await failure(world) == ("cannot assign requested address", 0.0)
        one.close()
        assert await seconds_to_dial(world) == 2.0, "a port came back"
        heals[1]()
        for _ in range(3):
            await world.dial()
        none_left = world.inject("port_exhaustion", "host:lb")
        assert await failure(world) == ("cannot assign requested address", 0.0)
        none_left()

    play(scene)


@pytest.mark.parametrize("where", ["accept", "connect", "both"])
def test_without_descriptors_the_calls_that_are_meant_fail(where: str) -> None:
    async def scene(world: Play) -> None:
        listener = await world.listen()
        heals = [world.inject("out_of_descriptors", SERVER, where=where) for _ in range(2)]
        heals[0]()
        await world.dial()
        await trio.sleep(5)
        if where != "connect":
            with pytest.raises(OutOfDescriptors):
                await listener.accept_batch(1)
        other = await world.listen("s2")
        if where != "accept":
            with pytest.raises(ConnectError, match="too many open files"):
                await world.net.host("s1").connect(other.address)
        heals[1]()
        assert len(await listener.accept_batch(1)) == 1
        await world.net.host("s1").connect(other.address)

    play(scene)
