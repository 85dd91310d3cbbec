"""A balancer whose work costs time: it has a capacity, and above that a queue grows before it."""

import pytest
import trio

from tests.conversations.play import GET, Play, open_play
from tests.support.world import World
from trio_lb.sim.cpu import CpuNetwork

CLIENTS, REQUESTS_EACH = 16, 25


async def ask_again_and_again(play: Play, waits: list[float]) -> None:
    client = await play.client()
    for _ in range(REQUESTS_EACH):
        began = trio.current_time()
        await client.send(GET)
        await client.read_response()
        waits.append(trio.current_time() - began)
    await client.close()


async def test_sixteen_clients_get_what_one_core_can_do_and_wait_for_each_other(
    world: World,
) -> None:
    """75 µs a request: 13,333 a second, as docs/benchmarks.md has it, whoever asks for more."""
    servers = [await world.http_server(name) for name in ("s1", "s2")]
    network = CpuNetwork(world.net.host("lb"))
    world.sim.network = network
    async with open_play(world, *servers) as play:
        waits: list[float] = []
        async with trio.open_nursery() as nursery:
            for _ in range(CLIENTS):
                nursery.start_soon(ask_again_and_again, play, waits)
        took_seconds = trio.current_time()
    steady = sorted(waits)[len(waits) // 2]
    assert len(waits) / took_seconds == pytest.approx(13_333, rel=0.15), "connections cost, too"
    assert steady == pytest.approx(CLIENTS * 75e-6, rel=0.15), "each waits for all others"


async def test_a_core_ten_times_slower_does_a_tenth(world: World) -> None:
    server = await world.http_server("s1")
    network = CpuNetwork(world.net.host("lb"))
    world.sim.network = network
    async with open_play(world, server) as play:
        client = await play.client()
        waits = []
        for factor in (1.0, 1.0, 10.0):
            network.cpu.factor = factor
            began = trio.current_time()
            await client.send(GET)
            await client.read_response()
            waits.append(trio.current_time() - began)
            await trio.sleep(1)
        await client.close()
    _, at_once, slow = waits
    assert at_once == pytest.approx(2 * 25e-6 + 12.5e-6), "its last send leaves before it is paid"
    assert slow == pytest.approx(10 * at_once)
