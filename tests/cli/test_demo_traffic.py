"""The demo's client: a steady pace, and an honest count of what went wrong."""

import trio

from tests.support.servers import answer_of
from tests.support.world import World
from trio_lb.cli.demo_traffic import PATIENCE_SECONDS, USER_AGENT, ask_steadily, get


async def test_a_get_returns_the_status_of_the_whole_answer(any_world: World) -> None:
    server = await any_world.http_server("s1")
    server.answer = lambda request: answer_of(418, b"tea")
    assert await get(any_world.env, server.address) == 418
    (request,) = server.requests
    assert (request.method, request.header("user-agent")) == ("GET", USER_AGENT)


async def test_asks_exactly_twenty_times_a_second(world: World) -> None:
    server = await world.http_server("s1")
    failures: list[float] = []
    with trio.move_on_after(2.49):
        await ask_steadily(world.env, server.address, 20, lambda: failures.append(world.env.now()))
    assert (len(server.requests), failures) == (50, [])


async def test_counts_refusals_bad_statuses_and_silence(world: World) -> None:
    server = await world.http_server("s1")
    failures: list[float] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            ask_steadily, world.env, server.address, 1, lambda: failures.append(world.env.now())
        )
        await trio.sleep(0.5)
        server.answer = lambda request: answer_of(503)
        await trio.sleep(1)
        server.answer = lambda request: b""
        await trio.sleep(1)
        server.think_seconds = 1000.0
        await trio.sleep(1)
        await server.stop_listening()
        await trio.sleep(PATIENCE_SECONDS)
        nursery.cancel_scope.cancel()
    # One bad status, one end without an answer, five refusals, one that never came.
    assert len(failures) == 8
