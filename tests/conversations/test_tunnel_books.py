"""Tunnels in the books: they stand there from their beginning, and skew no response time."""

from typing import Any

import pytest
import trio

from tests.conversations.play import GET, open_play, patient
from tests.conversations.test_tunnels import SWITCH, UPGRADE
from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.model.events import RequestCompleted

HTTP: dict[str, Any] = {}
TCP: dict[str, Any] = {"listener": {"protocol": "tcp"}}


async def switch_slowly(peer: RawPeer) -> None:
    """Take two seconds for the 101, then listen."""
    await peer.expect_until(b"\r\n\r\n")
    await trio.sleep(2.0)
    await peer.send(SWITCH)
    await peer.expect_rest()


async def greet_slowly(peer: RawPeer) -> None:
    await trio.sleep(2.0)
    await peer.send(SWITCH)
    await peer.expect_rest()


@pytest.mark.parametrize(
    ("script", "options", "seconds"), [(switch_slowly, HTTP, 2.0), (greet_slowly, TCP, 0.0)]
)
async def test_a_tunnel_s_response_time_is_what_it_took_until_it_stood(
    world: World, script: Any, options: dict[str, Any], seconds: float
) -> None:
    s1 = await world.server("s1", patient(script))
    async with open_play(world, s1, **options) as play:
        client = await play.client()
        await client.send(UPGRADE)
        await client.expect_until(b"\r\n\r\n")
        await trio.sleep(1000.0)
        await client.close()
        await play.settle()
        counts = play.lb.statistics()
        assert counts.average_response_time_seconds == seconds
        assert counts.server_stats[0].average_response_time_seconds == seconds
        (done,) = play.told(RequestCompleted)
        assert done.response_time_seconds == seconds
        assert done.record.total_seconds == 1002.0, "the access log says how long it lasted"


@pytest.mark.parametrize(("script", "options"), [(switch_slowly, HTTP), (greet_slowly, TCP)])
async def test_a_tunnel_is_counted_while_it_stands(
    world: World, script: Any, options: dict[str, Any]
) -> None:
    s1 = await world.server("s1", patient(script))
    async with open_play(world, s1, **options) as play:
        client = await play.client()
        await client.send(UPGRADE)
        await client.expect_until(b"\r\n\r\n")
        await play.settle()
        counts = play.lb.statistics()
        assert (counts.total_requests, counts.active_connections) == (1, 1)
        (server,) = counts.server_stats
        assert (server.requests, server.failures, server.active_connections) == (1, 0, 1)
        await client.close()


async def test_ordinary_requests_beside_a_tunnel_keep_their_mean(world: World) -> None:
    async def either(peer: RawPeer) -> None:
        head = await peer.expect_until(b"\r\n\r\n")
        if b"Upgrade" in head:
            await peer.send(SWITCH)
        else:
            await trio.sleep(4.0)
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await peer.expect_rest()

    s1 = await world.server("s1", patient(either))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(UPGRADE)
        await client.expect_until(b"\r\n\r\n")
        other = await play.client()
        await other.send(GET)
        assert (await other.read_response()).status == 200
        await trio.sleep(3600.0)
        await client.close()
        await play.settle()
        assert play.lb.statistics().average_response_time_seconds == 2.0, "of 0 and 4"
        await other.close()
