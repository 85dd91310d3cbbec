"""Our proxy between the client and the scripted server, on either network.

One configuration for both, so that a case means the same: one server, no probes, no
ejection, and no retry budget, because a corpus is all failures. The loopback has
short timeouts, the virtual network the product's own: virtual seconds cost nothing.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import attrs
import trio

from tests.conformance.server import ScriptedServer
from tests.conformance.stage import Stage
from tests.conformance.wire import Serve, StreamWire, Wire
from trio_lb.app import open_load_balancer
from trio_lb.app.middleware import Middleware
from trio_lb.config.schema import (
    BudgetConfig,
    Config,
    ListenerConfig,
    OutlierConfig,
    PoolConfig,
    RetryConfig,
    ServerConfig,
    TimeoutsConfig,
)
from trio_lb.model.address import Address
from trio_lb.net.env import Listener, Stream
from trio_lb.net.real import RealEnv
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork

SHORT = TimeoutsConfig(client_head=1.0, client_body_idle=1.0, first_byte=1.0, idle=1.0, total=2.0)
"""For real seconds; only cases about timeouts ever see them pass."""


def config(front: Address, server: Address, timeouts: TimeoutsConfig) -> Config:
    """One listener, one server, nothing that remembers failures."""
    pool = PoolConfig(
        servers=(ServerConfig(id="one", address=server),),
        outlier_detection=OutlierConfig(enabled=False),
        retry=RetryConfig(budget=BudgetConfig(enabled=False)),
    )
    return Config(
        listeners=(ListenerConfig(bind=front),), pools={pool.name: pool}, timeouts=timeouts
    )


@asynccontextmanager
async def open_ours(server: int) -> AsyncIterator[int]:
    """The proxy on the loopback, in front of the server's port; gives its own port."""
    home = Address("127.0.0.1", 0)
    plan = config(home, attrs.evolve(home, port=server), SHORT)
    async with open_load_balancer(plan, env=RealEnv()) as lb, trio.open_nursery() as nursery:
        (front,) = await nursery.start(lb.serve)
        yield front.port
        nursery.cancel_scope.cancel()


class Dress(Protocol):
    """What the client and the scripted server put on over their streams: TLS, or nothing."""

    async def client(self, stream: Stream) -> Stream:
        """The client's end, ready to speak HTTP."""
        ...

    async def server(self, stream: Stream) -> Stream | None:
        """The server's end; None when nothing came of it."""
        ...


class Bare:
    """Satisfies ``Dress``: plain streams."""

    async def client(self, stream: Stream) -> Stream:
        return stream

    async def server(self, stream: Stream) -> Stream | None:
        return stream


async def _accept(listener: Listener, serve: Serve, dress: Dress) -> None:
    async def welcome(stream: Stream) -> None:
        dressed = await dress.server(stream)
        if dressed is not None:
            await serve(StreamWire(dressed))

    async with trio.open_nursery() as nursery:
        try:
            while True:
                for stream in await listener.accept_batch(64):
                    nursery.start_soon(welcome, stream)
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await listener.aclose()


async def _virtual_pause() -> None:
    await trio.sleep(0.01)  # several times the way from end to end


@asynccontextmanager
async def open_virtual_stage(
    net: VirtualNetwork,
    change: Callable[[Config], Config] = lambda plan: plan,
    middleware: Sequence[Middleware] = (),
    dress: Dress | None = None,
) -> AsyncIterator[Stage]:
    """The whole proxy on a virtual network, with its own timeouts, in virtual time.

    ``change`` makes another configuration of the usual one; ``dress`` has to fit it.
    """
    wear = dress or Bare()
    home, far, client = net.host("lb"), net.host("server"), net.host("client")
    front, back = Address(home.address, 80), Address(far.address, 8000)
    server = ScriptedServer(_virtual_pause)

    async def connect() -> Wire:
        return StreamWire(await wear.client(await client.connect(front)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_accept, await far.listen(back), server.serve, wear)
        plan = change(config(front, back, TimeoutsConfig()))
        async with (
            open_load_balancer(plan, env=SimEnv(home, seed=0), middleware=middleware) as lb,
            trio.open_nursery() as inner,
        ):
            await inner.start(lb.serve)
            yield Stage(
                connect=connect,
                server=server,
                pause=_virtual_pause,
                patience=900.0,
                closing=5.0,
                client_host=client.address.encode(),
            )
            inner.cancel_scope.cancel()
        nursery.cancel_scope.cancel()
