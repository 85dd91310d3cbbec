"""Servers that leave while clients come: their requests end in peace, and nothing is kept of them."""

import trio

from tests.conversations.play import LAST_GET, Play, open_play
from tests.support.world import World
from trio_lb.config.schema import ServerConfig
from trio_lb.model.events import ServerRemoved


def remove(play: Play, name: str, *, patience_seconds: float = 30.0) -> None:
    now = trio.current_time()
    expires_at = now + patience_seconds
    play.lb.publish(
        play.lb.registry.pool("default").remove_server(name, now, expires_at=expires_at)
    )


async def test_a_server_that_leaves_idle_has_its_connections_closed_in_that_instant(
    world: World,
) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2) as play:
        for _ in range(2):
            await play.ask()
        await play.settle()
        assert len(world.link("s2").streams) == 2, "one connection, seen from both sides"
        remove(play, "s2")
        await play.settle()
        assert len(world.link("s1").streams) == 2
        assert world.link("s2").streams == {}
        assert trio.current_time() == 0.0


async def test_a_busy_server_leaves_with_its_last_request_and_keeps_no_connection(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 8.0
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(LAST_GET)
        await trio.sleep(1.0)
        remove(play, "s1")
        assert (await client.read_response()).body == b"s1"
        await play.settle()
        assert [event.at for event in play.told(ServerRemoved)] == [8.0]
        assert (world.link("s1").streams, len(play.lb.context.connections)) == ({}, 0)


async def test_a_request_that_outlives_its_server_s_drain_is_answered_and_leaves_nothing(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 8.0
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(LAST_GET)
        await trio.sleep(1.0)
        remove(play, "s1", patience_seconds=2.0)
        assert (await client.read_response()).body == b"s1"
        await play.settle()
        assert [event.at for event in play.told(ServerRemoved)] == [3.0]
        assert (world.link("s1").streams, len(play.lb.context.connections)) == ({}, 0)


async def test_servers_that_come_and_go_all_day_leave_nothing_behind(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        for number in range(50):
            name = f"guest{number}"
            guest = await world.http_server(name)
            world.net.link("lb", name).set_latency(0.0)
            joining = ServerConfig(id=name, address=guest.address)
            play.lb.publish(
                play.lb.registry.pool("default").add_server(joining, trio.current_time())
            )
            assert {(await play.ask()).body for _ in range(2)} == {b"s1", name.encode()}
            remove(play, name)
        await play.settle()
        assert [server.id for server in play.lb.servers()] == ["s1"]
        assert len(play.lb.context.connections) == 1
        assert len(play.told(ServerRemoved)) == 50
