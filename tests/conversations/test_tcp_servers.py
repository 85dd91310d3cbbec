"""Which server a TCP client gets, and what it sees when there is none: a reset and no byte."""

import pytest
import trio

from tests.conversations.play import open_play, quick_retries, until
from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.config.schema import ServerConfig
from trio_lb.model.address import Address
from trio_lb.model.events import NoHealthyServers, ServerDrained, ServerEjected

TCP = {"protocol": "tcp"}


async def name_itself(peer: RawPeer) -> None:
    await peer.send(peer.name.partition("#")[0].encode())
    await peer.expect_rest()


def closed(world: World, host: str) -> ServerConfig:
    """A server on a port where nobody listens."""
    return ServerConfig(id=host, address=Address(world.net.host(host).address, 9))


async def test_clients_are_shared_out_as_the_algorithm_says(world: World) -> None:
    servers = [await world.server(name, name_itself) for name in ("s1", "s2", "s3")]
    async with open_play(world, *servers, listener=TCP) as play:
        for name in (b"s1", b"s2", b"s3", b"s1"):
            client = await play.client()
            await client.expect(name)
            await client.close()


async def test_least_connections_sees_tcp_connections(world: World) -> None:
    servers = [await world.server(name, name_itself) for name in ("s1", "s2")]
    async with open_play(world, *servers, listener=TCP, algorithm="least_connections") as play:
        clients = [await play.client() for _ in range(4)]
        await play.settle()
        assert [one.active_connections for one in play.lb.servers()] == [2, 2]
        for client in clients:
            await client.expect_bytes(2)
            await client.close()


async def test_who_meets_a_closed_port_gets_the_other_server_and_never_knows(
    world: World,
) -> None:
    s2 = await world.server("s2", name_itself)
    async with open_play(world, closed(world, "s1"), s2, listener=TCP) as play:
        for _ in range(8):
            client = await play.client()
            await client.expect(b"s2")
            await client.close()
        await play.settle()
        assert play.errors() == [None] * 8
        assert [event.server_id for event in play.told(ServerEjected)] == ["s1"]


@pytest.mark.parametrize("speaks_first", [True, False])
async def test_where_all_ports_are_closed_the_client_is_reset_without_a_byte(
    world: World, speaks_first: bool
) -> None:
    servers = [closed(world, name) for name in ("s1", "s2", "s3")]
    async with open_play(world, *servers, listener=TCP, retry=quick_retries()) as play:
        client = await play.client()
        if speaks_first:
            await client.send(b"hello")
        await client.expect_reset()
        assert client.received == b""
        await play.settle()
        (record,) = play.records()
        assert (record.error, record.attempts) == ("upstream_connect_refused", 3)


async def test_where_no_server_is_usable_the_client_is_reset_and_it_is_told(
    world: World,
) -> None:
    s1 = await world.server("s1", name_itself)
    disabled = ServerConfig(id="s1", address=s1.address, disabled=True)
    async with open_play(world, disabled, listener=TCP) as play:
        client = await play.client()
        await client.expect_reset()
        assert client.received == b""
        await play.settle()
        assert [event.pool for event in play.told(NoHealthyServers)] == ["default"]
        assert (play.errors(), s1.peers) == (["no_healthy_server"], [])


async def test_a_draining_server_keeps_its_connections_and_gets_no_new_one(
    world: World,
) -> None:
    servers = [await world.server(name, name_itself) for name in ("s1", "s2")]
    async with open_play(world, *servers, listener=TCP) as play:
        old = await play.client()
        await old.expect(b"s1")
        play.lb.publish(play.lb.registry.pool("default").drain_server("s1", 0.0, expires_at=None))
        for _ in range(2):
            client = await play.client()
            await client.expect(b"s2")
            await client.close()
        await trio.sleep(5.0)
        assert play.told(ServerDrained) == []
        await old.close()
        await until(lambda: bool(play.told(ServerDrained)))
        assert play.errors() == [None] * 3
