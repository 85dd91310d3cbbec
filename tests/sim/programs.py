"""How to run a play of unmodified trio programs in the simulator, and a server for it."""

from collections.abc import Awaitable, Callable
from functools import partial

import trio

from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.run import run
from trio_lb.sim.shim import install, on_host

LATENCY = 0.01
GUESTS = ("httpx", "httpx2", "httpcore", "httpcore2", "http.cookiejar", "hypercorn")
"""They look at the clock: for how long something took, and until when a connection is kept."""

Play = Callable[[VirtualNetwork, trio.Nursery], Awaitable[None]]


def in_simulation(play: Play, seed: int = 7) -> None:
    """Run ``play`` where everything real is poison, on hosts a hundredth of a second apart."""

    async def main() -> None:
        net = VirtualNetwork(seed, latency_seconds=LATENCY)
        with install(net):
            async with trio.open_nursery() as nursery:
                await play(net, nursery)
                nursery.cancel_scope.cancel()
        assert (net.open_streams(), net.open_listeners()) == ([], [])
        assert all(host.descriptors.used == 0 for host in (net.host("main"), net.host("api")))

    run(main, seed=seed, guests=GUESTS)


def now() -> float:
    return round(trio.current_time(), 6)


async def shout(stream: trio.abc.Stream) -> None:
    """Answer in capitals, until the end of file."""
    async with stream:
        async for data in stream:
            await stream.send_all(data.upper())


async def serve(
    net: VirtualNetwork,
    nursery: trio.Nursery,
    handle: Callable[[trio.SocketStream], Awaitable[object]] = shout,
    name: str = "api",
) -> None:
    """Let the host ``name`` serve port 80, by nothing but trio's own means."""
    with on_host(net.host(name)):
        await nursery.start(partial(trio.serve_tcp, handle, 80))
