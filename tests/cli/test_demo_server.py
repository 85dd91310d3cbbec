"""The demo's servers: each deed, as a client meets it."""

import trio

from tests.support.world import World
from trio_lb.cli.demo_script import Deed
from trio_lb.cli.demo_server import DemoServer
from trio_lb.cli.demo_traffic import get
from trio_lb.net.env import ConnectError


async def met(world: World, server: DemoServer) -> int | str:
    """What a request meets there."""
    try:
        return await get(world.env, server.address)
    except ConnectError:
        return "refused"
    except Exception as error:
        return type(error).__name__


async def test_each_deed_shows_and_its_end_too(any_world: World, nursery: trio.Nursery) -> None:
    server = DemoServer(any_world.env, "alder", nursery)
    await server.start()
    first = server.address
    seen = []
    for deed in (Deed.ILL, Deed.CURED, Deed.DIES, Deed.RETURNS, Deed.LEAVES, Deed.REPAIRED):
        await server.suffer(deed)
        seen.append(await met(any_world, server))
    assert seen == ["RemoteProtocolError", 200, "refused", 200, 200, 200]
    assert server.address == first
    nursery.cancel_scope.cancel()


async def test_who_falters_answers_one_request_of_four(world: World, nursery: trio.Nursery) -> None:
    server = DemoServer(world.env, "alder", nursery)
    await server.start()
    await server.suffer(Deed.FALTERS)
    answers = [await met(world, server) for _ in range(8)]
    assert [answer == 200 for answer in answers] == [False, False, False, True] * 2
    await server.suffer(Deed.STEADY)
    assert [await met(world, server) for _ in range(4)] == [200] * 4
    nursery.cancel_scope.cancel()


async def test_a_port_that_is_taken_meanwhile_is_waited_for(
    world: World, nursery: trio.Nursery
) -> None:
    server = DemoServer(world.env, "alder", nursery)
    await server.start()
    await server.suffer(Deed.DIES)
    taken = await world.env.network.listen(server.address)
    nursery.start_soon(server.suffer, Deed.RETURNS)
    await trio.sleep(1.25)
    await taken.aclose()
    await trio.sleep(0.5)
    assert await met(world, server) == 200
    nursery.cancel_scope.cancel()
