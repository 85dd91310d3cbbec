"""Connections to servers: reused while they are quiet, closed when they are due."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio

from tests.support.raw import RawPeer
from tests.support.servers import RawServer
from tests.support.world import World
from trio_lb.control.timers import open_timers
from trio_lb.model.events import Event
from trio_lb.net.connection_pool import ConnectionPools, ServerConnections, UpstreamConnection


async def listen(peer: RawPeer) -> None:
    """A server that waits for the end."""
    try:
        await peer.expect_rest()
    except trio.BrokenResourceError:
        peer.received += b"(reset)"


@attrs.frozen
class Home:
    """The connections to the one server of a test, served by a timer."""

    world: World
    server: RawServer
    pools: ConnectionPools
    connections: ServerConnections

    async def idle_connection(self) -> UpstreamConnection:
        """Open a connection and park it."""
        connection = await self.connections.connect()
        self.exchange(connection)
        return connection

    def exchange(self, connection: UpstreamConnection) -> None:
        """Use a connection once, cleanly."""
        with connection:
            connection.is_reusable = connection.is_complete = True

    @property
    def open_count(self) -> int:
        """How many connections are open, seen from our side."""
        return len(self.world.link("s1").streams) // 2


@asynccontextmanager
async def home(world: World, *, idle_limit: int = 3) -> AsyncGenerator[Home]:
    server = await world.server("s1", listen)
    world.link("s1").set_latency(0.0)

    def no_news(event: Event) -> None:
        raise AssertionError(event)

    async with open_timers(world.env, no_news) as timers:
        pools = ConnectionPools(
            world.env, idle_limit=idle_limit, idle_seconds=4.0, first_read=1024,
            on_due=timers.touch,
        )  # fmt: skip
        async with pools:
            yield Home(world, server, pools, pools.of("s1", server.address))


async def test_a_clean_connection_is_used_again_the_newest_first(world: World) -> None:
    async with home(world) as at:
        first, second = await at.idle_connection(), await at.idle_connection()
        assert not first.is_fresh
        now = trio.current_time()
        assert at.connections.take(now, idempotent=True) is second
        assert at.connections.take(now, idempotent=True) is first
        assert at.connections.take(now, idempotent=True) is None
        for connection in (first, second):
            connection.stream.close()


@pytest.mark.parametrize(("complete", "ending"), [(True, b""), (False, b"(reset)")])
async def test_a_spoiled_connection_is_closed_with_a_reset_unless_its_exchange_was_complete(
    world: World, complete: bool, ending: bytes
) -> None:
    async with home(world) as at:
        with await at.connections.connect() as connection:
            connection.is_complete = complete
        await trio.testing.wait_all_tasks_blocked()
        assert [bytes(peer.received) for peer in at.server.peers] == [ending]
        assert at.connections.take(trio.current_time(), idempotent=True) is None


async def test_an_exchange_that_raised_spoils_its_connection(world: World) -> None:
    async with home(world) as at:
        connection = await at.idle_connection()
        at.connections.take(trio.current_time(), idempotent=True)
        with pytest.raises(ZeroDivisionError), connection:
            raise ZeroDivisionError
        await trio.testing.wait_all_tasks_blocked()
        assert bytes(at.server.peers[0].received) == b"(reset)"


@pytest.mark.parametrize("act", ["bytes", "end", "reset"])
async def test_a_connection_on_which_anything_happened_is_not_used_again(
    world: World, act: str
) -> None:
    async with home(world) as at:
        await at.idle_connection()
        await trio.testing.wait_all_tasks_blocked()
        peer = at.server.peers[0]
        if act == "bytes":
            await peer.send(b"x")
        elif act == "end":
            await peer.send_eof()
        else:
            peer.reset()
        assert at.connections.take(trio.current_time(), idempotent=True) is None
        assert at.open_count <= 1


async def test_an_idle_connection_is_closed_when_it_is_due(world: World) -> None:
    async with home(world) as at:
        await at.idle_connection()
        await trio.sleep(1.0)
        await at.idle_connection()
        await trio.sleep(2.999)
        assert at.open_count == 2
        await trio.sleep(0.002)
        assert at.open_count == 1
        await trio.sleep(1.0)
        assert at.open_count == 0


async def test_use_puts_off_the_closing(world: World) -> None:
    async with home(world) as at:
        connection = await at.idle_connection()
        for _ in range(5):
            await trio.sleep(3.0)
            assert at.connections.take(trio.current_time(), idempotent=True) is connection
            at.exchange(connection)
        await trio.sleep(3.999)
        assert at.open_count == 1
        await trio.sleep(0.002)
        assert at.open_count == 0


async def test_a_surplus_is_closed_after_a_second_even_if_the_timer_was_aimed_later(
    world: World,
) -> None:
    async with home(world, idle_limit=3) as at:
        busy = [await at.connections.connect() for _ in range(8)]
        for connection in busy:
            at.exchange(connection)
        await trio.sleep(0.999)
        assert at.open_count == 8
        await trio.sleep(0.002)
        assert at.open_count == 3


async def test_a_server_that_leaves_has_its_idle_connections_closed(world: World) -> None:
    async with home(world) as at:
        await at.idle_connection()
        at.pools.forget("s1")
        at.pools.forget("never known")
        await trio.testing.wait_all_tasks_blocked()
        assert at.open_count == 0
        assert at.pools.of("s1", at.server.address) is not at.connections


async def test_the_end_of_the_block_closes_what_idles(world: World) -> None:
    async with home(world) as at:
        await at.idle_connection()
    await trio.testing.wait_all_tasks_blocked()
    assert at.open_count == 0


async def test_a_server_s_own_timeout_is_learnt_from_one_that_died(world: World) -> None:
    async with home(world) as at:
        await at.idle_connection()
        await trio.sleep(2.0)
        stale = at.connections.take(trio.current_time(), idempotent=True)
        assert stale is not None
        stale.was_stale()
        stale.stream.abort()
        await at.idle_connection()
        await trio.sleep(1.999)
        assert at.open_count == 1
        await trio.sleep(0.002)
        assert at.open_count == 0
