"""A world: a stage with a client, a load balancer's host and servers, for one play.

Usually a test takes the ``world`` fixture (virtual) or ``any_world`` (both stages)::

    async def test_answers(world: World, nursery: trio.Nursery) -> None:
        s1 = await world.http_server("s1")
        async with open_load_balancer(config(s1.address), env=world.env) as lb:
            world.front = (await nursery.start(lb.serve))[0]
            client = await world.client()
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.read_response()).body == b"s1"
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import trio

from tests.support.raw import RawClient
from tests.support.servers import HttpServer, RawServer, Script
from tests.support.stage import VIRTUAL, Stage, VirtualStage
from trio_lb.model.address import Address
from trio_lb.net.env import Env, Listener
from trio_lb.sim.env import SimEnv
from trio_lb.sim.link import Link
from trio_lb.sim.network import VirtualNetwork

_LONGEST_PLAY_SECONDS: Final = {VIRTUAL: 6 * 3600.0, "loopback": 30.0}
"""A play that waits longer has come to a halt: it fails instead of hanging."""


class World:
    """The people of a play. Everything it made is closed when the play ends.

    ``front`` is where clients connect when nothing else is said: the proxy's address.
    """

    def __init__(self, stage: Stage, nursery: trio.Nursery) -> None:
        self.stage = stage
        self.front: Address | None = None
        self._nursery = nursery
        self._clients: list[RawClient] = []

    @property
    def env(self) -> Env:
        """The outside world of the load balancer."""
        return self.stage.env("lb")

    @property
    def sim(self) -> SimEnv:
        """The same, with the handles of a simulation; only on the virtual stage."""
        return self._virtual.env("lb")

    @property
    def net(self) -> VirtualNetwork:
        """The virtual network, for its faults; only on the virtual stage."""
        return self._virtual.net

    @property
    def _virtual(self) -> VirtualStage:
        assert isinstance(self.stage, VirtualStage), "the loopback has no switches for faults"
        return self.stage

    def link(self, host: str) -> Link:
        """The link between the load balancer and another host."""
        return self.net.link("lb", host)

    async def server(self, name: str, script: Script, *, port: int = 8000) -> RawServer:
        """Start a server that follows ``script`` in each connection."""
        server = RawServer(name, await self._listen(name, port), script)
        self._start(server)
        return server

    async def http_server(self, name: str, *, port: int = 8000) -> HttpServer:
        """Start a server that answers each request with its name."""
        server = HttpServer(name, await self._listen(name, port))
        self._start(server)
        return server

    async def _listen(self, name: str, port: int) -> Listener:
        return await self.stage.env(name).network.listen(self.stage.bind(name, port))

    def _start(self, server: RawServer) -> None:
        self._nursery.start_soon(server.serve, name=f"server {server.name}")

    async def client(self, address: Address | None = None, *, host: str = "client") -> RawClient:
        """Connect a raw client from ``host`` to ``address``, or else to ``front``."""
        target = address or self.front
        assert target is not None, "world.front was not set"
        stream = await self.stage.env(host).network.connect(target)
        client = RawClient(stream, f"{host}#{len(self._clients) + 1}")
        self._clients.append(client)
        return client

    def close(self) -> None:
        """End the servers' tasks and every client that is still connected."""
        self._nursery.cancel_scope.cancel()
        for client in self._clients:
            client.reset()


@asynccontextmanager
async def open_world(stage: Stage) -> AsyncGenerator[World, None]:
    """Hold a world open for a play; its servers run in a nursery of its own."""
    async with trio.open_nursery() as nursery:
        world = World(stage, nursery)
        nursery.start_soon(_fail_a_play_that_halts, _LONGEST_PLAY_SECONDS[stage.kind])
        try:
            yield world
        finally:
            world.close()


async def _fail_a_play_that_halts(seconds: float) -> None:
    await trio.sleep(seconds)
    raise AssertionError(f"the play has not ended after {seconds:.0f} s: everybody waits")
