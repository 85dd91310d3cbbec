"""The root: what a program that holds a balancer may rely on."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.conversations.play import GET, LAST_GET, config_of, open_play
from tests.support.stage import VIRTUAL
from tests.support.world import World
from trio_lb.app import LoadBalancer, open_load_balancer
from trio_lb.config.schema import (
    Config,
    HealthCheckConfig,
    ListenerConfig,
    PoolConfig,
    ServerConfig,
)
from trio_lb.model.address import Address
from trio_lb.model.errors import AmbiguousServer, ConfigError
from trio_lb.model.events import (
    Destroyed,
    Event,
    ListenerClosed,
    RequestCompleted,
    ServerAdded,
    ServerHealthChanged,
)


def nothing_served(**config: Any) -> Config:
    """A configuration without listeners: one pool of two servers that nobody asks."""
    servers = tuple(
        ServerConfig(id=f"s{number}", address=Address("10.0.9.9", number)) for number in (1, 2)
    )
    return Config(pools={"default": PoolConfig(servers=servers)}, **config)


async def test_an_exception_of_the_block_leaves_it_as_it_is(world: World) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        async with open_load_balancer(nothing_served(), env=world.env):
            raise ZeroDivisionError("the program's own")
    assert str(caught.value) == "the program's own"


async def test_leaving_the_block_is_told_last(world: World) -> None:
    told: list[Event] = []
    async with open_load_balancer(nothing_served(), env=world.env) as lb:
        lb.on(Event, told.append)
        await trio.sleep(3.0)
    assert told == [Destroyed(at=3.0)]


async def test_a_scope_around_the_block_cancels_it_like_any_other(world: World) -> None:
    with trio.move_on_after(2.0) as scope:
        async with open_load_balancer(nothing_served(), env=world.env):
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert trio.current_time() == 2.0


async def test_it_is_what_it_was_configured_to_be(world: World) -> None:
    plan = nothing_served(name="edge")
    async with open_load_balancer(plan, env=world.env) as lb:
        assert (lb.name, lb.config) == ("edge", plan)
        assert [server.id for server in lb.servers()] == ["s1", "s2"]
        assert lb.healthy_servers() == lb.servers() == list(lb.registry.pool("default").members)
        assert lb.get_server("s2") is lb.get_server("default/s2") is lb.servers()[1]
        assert lb.get_server("s3") is None
        assert (lb.connection_count, lb.is_draining) == (0, False)
        with pytest.raises(LookupError, match="no pool is called 'other'"):
            lb.pool("other")


async def test_a_name_that_two_pools_have_is_ambiguous(world: World) -> None:
    pool = nothing_served().pools["default"]
    plan = Config(pools={"default": pool, "other": PoolConfig(name="other", servers=pool.servers)})
    async with open_load_balancer(plan, env=world.env) as lb:
        with pytest.raises(AmbiguousServer):
            lb.get_server("s1")
        assert lb.get_server("other/s1") is lb.registry.pool("other").members[0]


async def test_a_mapping_or_a_file_will_do(world: World, tmp_path: Path) -> None:
    mapping = {"name": "edge", "servers": ["10.0.9.9:80"]}
    async with open_load_balancer(mapping, env=world.env) as lb:
        assert (lb.name, len(lb.servers())) == ("edge", 1)
    path = tmp_path / "lb.yaml"
    path.write_text("name: edge\nservers: [10.0.9.9:80]\n")
    for spelling in (path, str(path)):
        async with open_load_balancer(spelling, env=world.env) as lb:
            assert (lb.name, len(lb.servers())) == ("edge", 1)


async def test_a_configuration_that_is_refused_starts_nothing(world: World) -> None:
    with pytest.raises(ConfigError, match="drain_timeout"):
        async with open_load_balancer({"drain_timeout": -1}, env=world.env):
            pytest.fail("it started")


async def test_serving_returns_the_bound_addresses_in_configured_order(
    any_world: World, nursery: trio.Nursery
) -> None:
    world = any_world
    binds = [world.stage.bind("lb", port) for port in (81, 80)]
    plan = Config(
        listeners=tuple(ListenerConfig(bind=bind) for bind in binds), pools=nothing_served().pools
    )
    async with open_load_balancer(plan, env=world.env) as lb:
        addresses = await nursery.start(lb.serve)
        assert len({address.port for address in addresses}) == 2
        if world.stage.kind == VIRTUAL:
            assert addresses == binds
        for address in addresses:
            client = await world.client(address)
            await client.close()
        assert await lb.shutdown(deadline_seconds=5.0)


async def test_an_address_that_is_taken_opens_no_listener_at_all(world: World) -> None:
    free, taken = world.stage.bind("lb", 80), world.stage.bind("lb", 81)
    holder = await world.env.network.listen(taken)
    plan = Config(
        listeners=(ListenerConfig(bind=free), ListenerConfig(bind=taken)),
        pools=nothing_served().pools,
    )
    async with open_load_balancer(plan, env=world.env) as lb:
        with pytest.raises(OSError, match=rf"listeners\[1\]: .* {taken}: .*in use"):
            await lb.serve()
        assert world.net.open_listeners() == [holder], "nothing stays bound"
    again = await world.env.network.listen(free)
    await again.aclose()
    await holder.aclose()


async def test_a_stop_waits_for_what_a_second_serve_accepted_after_the_first_had_failed(
    world: World, nursery: trio.Nursery
) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 8.0
    plan = config_of(world, [s1])
    world.net.link("client", "lb").set_latency(0.0)
    world.link("s1").set_latency(0.0)
    async with open_load_balancer(plan, env=world.env) as lb:
        holder = await world.env.network.listen(plan.listeners[0].bind)
        with pytest.raises(OSError, match="in use"):
            await lb.serve()
        await holder.aclose()
        (world.front,) = await nursery.start(lb.serve)
        client = await world.client()
        await client.send(LAST_GET)
        await trio.sleep(0.5)
        assert await lb.shutdown()
        assert (trio.current_time(), lb.statistics().active_connections) == (8.0, 0)
        assert (await client.read_response()).status == 200


async def test_cancelling_serve_closes_its_listeners(world: World) -> None:
    async with open_play(world, await world.http_server("s1")) as play:
        assert (await play.ask()).status == 200
    assert [type(event) for event in play.news[-2:]] == [ListenerClosed, Destroyed]
    assert world.net.open_listeners() == [
        listener for listener in world.net.open_listeners() if listener.address.port == 8000
    ]


async def test_ready_means_that_every_pool_with_servers_has_a_usable_one(world: World) -> None:
    s1 = await world.http_server("s1")
    world.link("s1").set_latency(0.25)
    probes = HealthCheckConfig(jitter_fraction=0.0)
    plan = config_of(world, [s1], health_check=probes)
    async with open_load_balancer(plan, env=world.env) as lb:
        assert not lb.registry.pool("default").is_usable
        await lb.wait_ready()
        assert trio.current_time() == 1.0, "one probe: two round trips"
        await lb.wait_ready()
        assert trio.current_time() == 1.0


async def test_ready_comes_with_a_change_of_the_plan_too(
    world: World, nursery: trio.Nursery
) -> None:
    plan = {"servers": ["10.0.9.9:80"], "health_check": {"interval": 5}}
    async with open_load_balancer(plan, env=world.env) as lb:
        nursery.start_soon(lb.wait_ready)
        await trio.sleep(60.0)
        assert len(nursery.child_tasks) == 1, "its only server is down"
        lb.update_config(health_check=False)
        await trio.testing.wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 0


async def test_news_comes_by_class_and_by_name_until_it_is_no_longer_wanted(world: World) -> None:
    s1 = await world.http_server("s1")
    by_class: list[Event] = []
    by_name: list[Event] = []
    async with open_play(world, s1) as play:
        undo = play.lb.on(RequestCompleted, by_class.append)
        play.lb.on("request_completed", by_name.append)
        await play.ask()
        await play.settle()
        undo()
        await play.ask()
        await play.settle()
    assert [len(by_class), len(by_name)] == [1, 2]
    with pytest.raises(ValueError, match="no event is called"):
        play.lb.on("request_complete", by_name.append)


async def test_news_comes_as_an_iterator_too(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play, play.lb.subscribe(RequestCompleted) as news:
        await play.ask()
        event = await anext(news)
        assert isinstance(event, RequestCompleted)
        assert event.server_id == "s1"


async def test_statistics_count_requests_and_servers(world: World) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 2.0
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(1.0)
        assert play.lb.statistics().active_connections == 1
        assert play.lb.connection_count == 1
        await client.read_response()
        await play.settle()
        counts = play.lb.statistics()
        assert (counts.total_requests, counts.successful_requests) == (1, 1)
        assert counts.average_response_time_seconds == 2.0
        assert [one.responses for one in counts.server_stats] == [1]


class Face:
    """A service that notes its life."""

    def __init__(self, told: list[str], name: str) -> None:
        self.told = told
        self.name = name

    async def __call__(self, lb: LoadBalancer, *, task_status: trio.TaskStatus[None]) -> None:
        self.told.append(f"{self.name} begins with {len(lb.servers())} servers")
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            self.told.append(f"{self.name} ends")


async def test_services_live_as_long_as_the_block(world: World) -> None:
    told: list[str] = []
    services = [Face(told, "one"), Face(told, "other")]
    async with open_load_balancer(nothing_served(), env=world.env, services=services):
        assert told == ["one begins with 2 servers", "other begins with 2 servers"]
    assert sorted(told[2:]) == ["one ends", "other ends"]


class Crash(Face):
    """A service that does not live long."""

    async def __call__(self, lb: LoadBalancer, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await trio.sleep(5.0)
        raise RuntimeError("a bug in a service")


async def test_a_service_that_crashes_ends_the_balancer_loudly(world: World) -> None:
    with pytest.RaisesGroup(
        pytest.RaisesExc(RuntimeError, match="a bug in a service"), flatten_subgroups=True
    ):
        async with open_load_balancer(
            nothing_served(), env=world.env, services=[Crash([], "crash")]
        ):
            await trio.sleep_forever()
    assert trio.current_time() == 5.0


async def test_the_first_plan_is_told_like_every_other(world: World) -> None:
    told: list[Event] = []

    class Listener(Face):
        async def __call__(self, lb: LoadBalancer, *, task_status: trio.TaskStatus[None]) -> None:
            lb.on(Event, told.append)
            task_status.started()

    async with open_load_balancer(
        nothing_served(), env=world.env, services=[Listener([], "listener")]
    ) as lb:
        lb.publish(lb.registry.pool("default").health_override("s1", False, 0.0))
        assert lb.healthy_servers() == [lb.get_server("s2")]
    assert [type(event) for event in told] == [ServerHealthChanged, Destroyed]


@asynccontextmanager
async def serving(world: World, plan: Config) -> AsyncGenerator[LoadBalancer]:
    async with open_load_balancer(plan, env=world.env) as lb, trio.open_nursery() as nursery:
        (world.front,) = await nursery.start(lb.serve)
        yield lb
        nursery.cancel_scope.cancel()


async def test_the_whole_holds_on_both_networks(any_world: World) -> None:
    world = any_world
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with serving(world, config_of(world, [s1, s2], accept_grace=0.0)) as lb:
        bodies = []
        for _ in range(4):
            client = await world.client()
            await client.send(GET + LAST_GET)
            bodies += [(await client.read_response()).body for _ in range(2)]
            await client.eof()
            await client.close()
        assert bodies == [b"s1", b"s2"] * 4
        assert await lb.shutdown()
        counts = lb.statistics()
        assert (counts.total_requests, counts.successful_requests) == (8, 8)


async def test_servers_that_join_later_are_told(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1) as play:
        world.link("s2").set_latency(0.0)
        joined = ServerConfig(id="s2", address=s2.address)
        play.lb.publish(play.lb.registry.pool("default").add_server(joined, trio.current_time()))
        assert [event.server_id for event in play.told(ServerAdded)] == ["s2"]
        assert {(await play.ask()).body for _ in range(4)} == {b"s1", b"s2"}
