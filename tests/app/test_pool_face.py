"""A pool's verbs: each is checked whole, applied at once, and noted in the plan."""

import random

import pytest
import trio

from tests.app.balancers import LB, open_lb
from tests.support.world import World
from trio_lb.config.load import load_mapping
from trio_lb.model.errors import ConfigError, UnknownServer
from trio_lb.model.events import ServerAdded, ServerDrained, ServerRemoved, ServerResumed


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


async def test_a_drain_that_was_made_before_is_told_at_once(world: World) -> None:
    async with open_lb(world) as at:
        assert await at.lb.drain("s1")
        with trio.fail_after(1.0):
            assert await at.lb.drain("s1")
        server = at.lb.get_server("s1")
        assert server is not None
        with server.lease():
            assert not await at.lb.drain("s1"), "somebody is there all the same"
        assert len(at.told(ServerDrained)) == 1


async def test_a_drain_that_is_called_off_ends_the_wait_for_it(world: World) -> None:
    async with open_lb(world) as at, trio.open_nursery() as nursery:
        server = at.lb.get_server("s1")
        assert server is not None
        ended: list[tuple[bool, float]] = []

        async def drain() -> None:
            ended.append((await at.lb.drain("s1"), trio.current_time()))

        with server.lease():
            nursery.start_soon(drain)
            await trio.sleep(2.0)
            at.lb.resume("s1")
            await trio.testing.wait_all_tasks_blocked()
            assert ended == [(False, 2.0)]
            assert server.is_usable
        assert [each.at for each in at.told(ServerResumed)] == [2.0]


async def test_to_resume_who_serves_changes_nothing_and_is_no_news(world: World) -> None:
    async with open_lb(world) as at:
        at.lb.pool().resume("s1")
        assert at.news == []
        with pytest.raises(UnknownServer, match="s9"):
            at.lb.pool().resume("s9")


async def test_two_drains_of_one_server_end_together_at_the_later_word_s_limit(
    world: World,
) -> None:
    async with open_lb(world) as at, trio.open_nursery() as nursery:
        server = at.lb.get_server("s1")
        assert server is not None
        ended: list[tuple[bool, float]] = []

        async def drain(seconds: float) -> None:
            clean = await at.lb.drain("s1", deadline_seconds=seconds)
            ended.append((clean, trio.current_time()))

        with server.lease():
            for seconds in (9.0, 3.0):
                nursery.start_soon(drain, seconds)
                await trio.testing.wait_all_tasks_blocked()
            await trio.sleep(20.0)
        assert ended == [(False, 3.0), (False, 3.0)]


async def test_a_server_that_is_taken_back_while_it_leaves_ends_the_wait_for_its_leaving(
    world: World,
) -> None:
    async with open_lb(world) as at, trio.open_nursery() as nursery:
        server = at.lb.get_server("s1")
        assert server is not None
        with server.lease():
            nursery.start_soon(at.lb.remove_server, "s1")
            await trio.sleep(2.0)
            assert at.lb.add_server(id="s1", address="10.0.9.9:1") is server
            await trio.testing.wait_all_tasks_blocked()
            assert nursery.child_tasks == set()
            assert server.is_usable
        assert at.told(ServerRemoved) == []


async def test_a_removal_while_another_one_waits_hurries_both(world: World) -> None:
    async with open_lb(world) as at, trio.open_nursery() as nursery:
        server = at.lb.get_server("s1")
        assert server is not None
        with server.lease():
            nursery.start_soon(at.lb.remove_server, "s1")
            await trio.sleep(1.0)
            with pytest.raises(UnknownServer, match="leaving"):
                await at.lb.remove_server("s1", drain=False)
        await trio.testing.wait_all_tasks_blocked()
        assert [each.at for each in at.told(ServerRemoved)] == [1.0]


async def test_a_server_that_is_disabled_and_enabled_takes_turns_again(world: World) -> None:
    async with open_lb(world) as at:
        at.lb.update_server("s1", disabled=True)
        assert {at.lb.select_server("me") for _ in range(4)} == {at.lb.get_server("s2")}
        at.lb.update_server("s1", disabled=False)
        assert {at.lb.select_server("me") for _ in range(4)} == set(at.lb.servers())


async def test_a_cancelled_removal_has_been_made_all_the_same(world: World) -> None:
    async with open_lb(world) as at:
        server = at.lb.get_server("s1")
        assert server is not None
        with server.lease():
            with trio.move_on_after(1.0) as scope:
                await at.lb.remove_server("s1")
            assert scope.cancelled_caught
            assert at.lb.select_server("me") is at.lb.get_server("s2")
        await trio.testing.wait_all_tasks_blocked()
        assert [each.server_id for each in at.told(ServerRemoved)] == ["s1"]


async def test_a_whole_life_of_random_verbs_keeps_plan_and_servers_the_same(world: World) -> None:
    rng = random.Random(7)
    async with open_lb(world) as at:
        for step in range(200):
            ids = [each.id for each in at.lb.config.pools["default"].servers]
            verb = rng.choice(["add", "update", "remove", "disable"])
            if verb == "add":
                at.lb.add_server(id=f"n{step}", address=f"10.0.9.9:{100 + step}")
            elif ids and verb == "update":
                at.lb.update_server(rng.choice(ids), weight=rng.randint(1, 9))
            elif ids and verb == "disable":
                at.lb.update_server(rng.choice(ids), disabled=rng.random() < 0.5)
            elif ids:
                await at.lb.remove_server(rng.choice(ids), drain=rng.random() < 0.5)
            pool = at.lb.config.pools["default"]
            assert [each.id for each in pool.servers] == [each.id for each in at.lb.servers()]
            assert [each.weight for each in pool.servers] == [
                each.weight for each in at.lb.servers()
            ]
            assert (at.lb.select_server("me") is None) is all(
                each.disabled for each in pool.servers
            )


async def test_a_pool_that_a_plan_has_left_out_can_be_looked_at_and_not_be_changed(
    world: World,
) -> None:
    async with open_lb(world, pools={"api": {"servers": ["10.0.9.9:8"]}}) as at:
        api = at.lb.pool("api")
        server = api.servers()[0]
        with server.lease():
            at.lb.apply(load_mapping(LB))
            assert api.servers() == [server], "its last request has not ended"
            for verb in (
                lambda: api.add_server(address="10.0.9.9:9"),
                lambda: api.update_server("10.0.9.9:8", weight=2),
                lambda: api.resume("10.0.9.9:8"),
            ):
                with pytest.raises(LookupError, match="'api' has left"):
                    verb()
            for wait in (api.remove_server, api.drain):
                with pytest.raises(LookupError, match="'api' has left"):
                    await wait("10.0.9.9:8")
        assert list(at.lb.config.pools) == ["default"]
