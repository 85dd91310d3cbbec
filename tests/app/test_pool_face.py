"""A pool's verbs: each is checked whole, applied at once, and noted in the plan."""

import pytest
import trio

from tests.app.balancers import open_lb
from tests.support.world import World
from trio_lb.model.errors import ConfigError, UnknownServer
from trio_lb.model.events import ServerAdded, ServerDrained, ServerRemoved


async def test_a_server_is_added_and_the_plan_knows_it(world: World) -> None:
    async with open_lb(world) as at:
        server = at.lb.add_server(
            id="s3", host="192.168.1.1", port=8080, weight=2, max_connections=100,
            metadata={"region": "us-east-1"},
        )  # fmt: skip
        assert (server.id, server.host, server.port) == ("s3", "192.168.1.1", 8080)
        assert (server.weight, server.max_connections) == (2, 100)
        assert at.lb.get_server("s3") is server
        assert at.lb.config.pools["default"].servers[-1].id == "s3"
        assert [each.server_id for each in at.told(ServerAdded)] == ["s3"]


async def test_a_server_without_an_id_is_called_by_its_address(world: World) -> None:
    async with open_lb(world) as at:
        assert at.lb.add_server(url="http://10.0.9.9:7").id == "10.0.9.9:7"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"id": "s1", "address": "10.0.9.9:9"}, "s1 is already in the pool"),
        ({"id": "s9", "address": "10.0.9.9:1"}, "10.0.9.9:1 is already in the pool"),
        ({"id": "s9", "address": "10.0.9.9:9", "weight": 0}, "weight"),
        ({"id": "s9", "address": "10.0.9.9:9", "wait": 1}, "wait: unknown key"),
        ({"id": "s9"}, "address"),
    ],
)
async def test_a_server_that_is_refused_changes_nothing(
    world: World, given: dict[str, object], message: str
) -> None:
    async with open_lb(world) as at:
        before = at.lb.config
        with pytest.raises(ConfigError, match=message):
            at.lb.add_server(**given)
        assert (at.lb.config, len(at.lb.servers()), at.news) == (before, 2, [])


async def test_an_update_keeps_what_is_not_given(world: World) -> None:
    async with open_lb(world) as at:
        server = at.lb.update_server("s1", weight=7, metadata={"a": 1})
        assert (server.id, str(server.address), server.weight) == ("s1", "10.0.9.9:1", 7)
        assert at.lb.update_server("s1", backup=True).weight == 7
        with pytest.raises(UnknownServer, match="s9"):
            at.lb.update_server("s9", weight=1)


async def test_a_busy_server_is_removed_when_its_last_request_has_ended(world: World) -> None:
    async with open_lb(world) as at, trio.open_nursery() as nursery:
        server = at.lb.get_server("s1")
        assert server is not None
        with server.lease():
            nursery.start_soon(at.lb.remove_server, "s1")
            await trio.sleep(2.0)
            assert server in at.lb.servers()
            assert at.lb.select_server("me") is at.lb.get_server("s2")
        await trio.testing.wait_all_tasks_blocked()
        assert [each.at for each in at.told(ServerRemoved)] == [2.0]
        assert [each.id for each in at.lb.config.pools["default"].servers] == ["s2"]


async def test_a_removal_without_drain_waits_for_nobody(world: World) -> None:
    async with open_lb(world) as at:
        server = at.lb.get_server("s1")
        assert server is not None
        with server.lease():
            await at.lb.remove_server("s1", drain=False)
            assert trio.current_time() == 0.0
        with pytest.raises(UnknownServer):
            await at.lb.remove_server("s1")


@pytest.mark.parametrize(("held_seconds", "clean"), [(1.0, True), (9.0, False)])
async def test_a_drain_says_whether_all_requests_ended_in_time(
    world: World, held_seconds: float, clean: bool
) -> None:
    async with open_lb(world) as at, trio.open_nursery() as nursery:
        server = at.lb.get_server("s1")
        assert server is not None

        async def hold() -> None:
            with server.lease():
                await trio.sleep(held_seconds)

        nursery.start_soon(hold)
        await trio.testing.wait_all_tasks_blocked()
        assert await at.lb.pool().drain("s1", deadline_seconds=3.0) is clean
        assert trio.current_time() == min(held_seconds, 3.0)
        assert [each.clean for each in at.told(ServerDrained)] == [clean]
        at.lb.pool().resume("s1")
        assert server.is_usable


async def test_a_pool_shows_its_own_servers_only(world: World) -> None:
    pools = {"api": {"servers": ["10.0.9.9:8"]}}
    async with open_lb(world, pools=pools) as at:
        api = at.lb.pool("api")
        assert (api.name, api.is_usable, api.config.name) == ("api", True, "api")
        (server,) = api.servers()
        assert api.healthy_servers() == [server]
        assert api.get_server("10.0.9.9:8") is server
        assert api.statistics().servers == 1
