"""Opening and closing: what lives under the root ends with the block, whatever was added."""

import pytest
import trio

from tests.app.balancers import LB, open_lb
from tests.support.world import World
from trio_lb.app import LoadBalancer, open_load_balancer
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
