"""What tests of connections to servers share: one server, and the connections to it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs
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
    except trio.ClosedResourceError:
        return  # The test itself reset it.


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
