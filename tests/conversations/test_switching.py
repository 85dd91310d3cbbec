"""The algorithm is changed while requests are under way, and none of them notices."""

import trio

from tests.conversations.play import GET, open_play
from tests.support.world import World
from trio_lb.policy.balance.registry import ALGORITHMS


async def test_every_algorithm_is_switched_to_under_load_and_no_request_is_lost(
    world: World,
) -> None:
    servers = [await world.http_server(f"s{number}") for number in range(3)]
    for server in servers:
        server.think_seconds = 0.03
    async with open_play(world, *servers) as play:
        answers: list[int] = []
        done = trio.Event()

        async def keep_asking() -> None:
            client = await play.client()
            while not done.is_set():
                await client.send(GET)
                answers.append((await client.read_response()).status)
            await client.close()

        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(keep_asking)
            for name in (*ALGORITHMS, *reversed(ALGORITHMS)):
                await trio.sleep(0.25)
                play.lb.update_config(algorithm=name)
                assert play.lb.pool().statistics().algorithm == name
            done.set()
        assert set(answers) == {200}
        counts = play.lb.statistics()
        assert counts.successful_requests == counts.total_requests == len(answers)
        assert sum(each.requests for each in counts.server_stats) == len(answers)
        assert len(answers) > 1000
