"""Many at once, through the whole house: even shares, nothing lost, limits and counts exact."""

from collections import Counter

import pytest
import trio

from tests.conversations.play import GET, LAST_GET, Play, limits, open_play
from tests.support.world import World
from trio_lb.policy.balance.registry import ALGORITHMS


async def test_ten_requests_in_a_row_are_spread_evenly(world: World) -> None:
    servers = [await world.http_server(name) for name in ("s1", "s2")]
    async with open_play(world, *servers, algorithm="least_connections") as play:
        counts = Counter([(await play.ask()).body for _ in range(10)])
        assert counts == {b"s1": 5, b"s2": 5}


@pytest.mark.parametrize(("clients", "requests_each"), [(5, 1), (50, 100)])
async def test_all_of_a_crowd_is_answered_and_counted(
    world: World, clients: int, requests_each: int
) -> None:
    servers = [await world.http_server(name) for name in ("s1", "s2")]
    total = clients * requests_each
    async with open_play(world, *servers, algorithm="least_connections") as play:
        statuses: Counter[int] = Counter()
        async with trio.open_nursery() as nursery:
            for _ in range(clients):
                nursery.start_soon(_ask_again_and_again, play, requests_each, statuses)
        assert statuses == {200: total}
        assert sum(len(server.requests) for server in servers) == total
        await play.settle()
        counts = play.lb.statistics()
        assert (counts.total_requests, counts.successful_requests) == (total, total)
        assert (counts.failed_requests, counts.active_connections) == (0, 0)
        assert [one.requests for one in counts.server_stats] == [
            len(server.requests) for server in servers
        ]


async def _ask_again_and_again(play: Play, times: int, statuses: Counter[int]) -> None:
    client = await play.client()
    for _ in range(times):
        await client.send(GET)
        statuses[(await client.read_response()).status] += 1
    await client.close()


async def test_of_twenty_connections_ten_are_allowed_and_ten_refused(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, limits=limits(max_connections=10)) as play:
        clients = [await play.client() for _ in range(20)]
        await play.settle()
        assert play.lb.connection_count == 10
        for client in clients[:10]:
            await client.send(LAST_GET)
        answers = [(await client.read_response()).status for client in clients]
        assert answers == [200] * 10 + [503] * 10
        for client in clients:
            await client.close()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_requests_in_flight_are_counted_whatever_the_algorithm(
    world: World, algorithm: str
) -> None:
    servers = [await world.http_server(name) for name in ("s1", "s2", "s3")]
    for server in servers:
        server.think_seconds = 5.0
    async with open_play(world, *servers, algorithm=algorithm) as play:
        clients = [await play.client() for _ in range(30)]
        for client in clients:
            await client.send(LAST_GET)
        await trio.sleep(1.0)
        counted = {one.id: one.active_connections for one in play.lb.servers()}
        assert counted == {server.name: len(server.requests) for server in servers}
        assert sum(counted.values()) == 30
        for client in clients:
            await client.read_response()
            await client.close()
        assert {one.active_connections for one in play.lb.servers()} == {0}
