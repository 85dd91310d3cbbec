"""Opening and closing: what lives under the root ends with the block, whatever was added."""

import pytest
import trio

from tests.app.balancers import LB, open_lb
from tests.support.world import World
from trio_lb.app import LoadBalancer, open_load_balancer
from trio_lb.app.front import CannotListen
from trio_lb.model.address import Address
from trio_lb.model.events import Destroyed


async def test_services_start_in_their_order_and_end_with_the_block(world: World) -> None:
    told: list[str] = []

    async def service(lb: LoadBalancer, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            told.append(f"{lb.name} ended")

    async with open_load_balancer({**LB, "name": "edge"}, env=world.env, services=[service]):
        assert told == []
    assert told == ["edge ended"]


async def test_a_service_that_fails_at_its_start_is_told_and_nothing_is_left(
    world: World,
) -> None:
    async def broken(lb: LoadBalancer, *, task_status: trio.TaskStatus[None]) -> None:
        await trio.lowlevel.checkpoint()
        raise RuntimeError("no such port")

    with pytest.raises(RuntimeError, match="no such port"):
        async with open_load_balancer(LB, env=world.env, services=[broken]):
            pytest.fail("it started")


async def test_destroyed_is_the_last_word_also_after_changes(world: World) -> None:
    async with open_lb(world) as at:
        at.lb.add_server(address="10.0.9.9:3")
        await at.lb.remove_server("s1")
    assert isinstance(at.news[-1], Destroyed)


FRONT = Address("127.0.0.1", 8000)
LISTENING = {**LB, "listeners": [{"bind": str(FRONT)}], "health_check": {"interval": 1}}


async def test_who_listens_first_has_its_addresses_before_any_server_is_told_of(
    world: World,
) -> None:
    told: list[str] = []

    async def service(lb: LoadBalancer, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        stream = await world.env.network.connect(FRONT)  # It waits to be accepted.
        await stream.aclose()
        told.append("connected")
        await trio.sleep_forever()

    opened = open_load_balancer(LISTENING, env=world.env, services=[service], listen_first=True)
    async with opened as lb, trio.open_nursery() as nursery:
        await trio.sleep(0.1)
        assert told == ["connected"]
        assert await nursery.start(lb.serve) == [FRONT]
        assert await lb.shutdown()
        await (await world.env.network.listen(FRONT)).aclose()  # They ended with ``serve``.


async def test_addresses_that_nobody_served_are_free_when_the_block_ends(world: World) -> None:
    async with open_load_balancer(LISTENING, env=world.env, listen_first=True):
        with pytest.raises(OSError, match="in use"):
            await world.env.network.listen(FRONT)
    await (await world.env.network.listen(FRONT)).aclose()


async def test_who_cannot_listen_first_is_told_so_and_no_server_is(world: World) -> None:
    taken = await world.env.network.listen(FRONT)
    services: list[LoadBalancer] = []

    async def service(lb: LoadBalancer, *, task_status: trio.TaskStatus[None]) -> None:
        services.append(lb)

    with pytest.raises(CannotListen, match=r"listeners\[0\]: cannot listen on 127.0.0.1:8000"):
        async with open_load_balancer(
            LISTENING, env=world.env, services=[service], listen_first=True
        ):
            pytest.fail("it listens")
    assert services == []
    await taken.aclose()
