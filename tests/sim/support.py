"""Two hosts, one second apart: what the tests of the virtual network begin with."""

import trio

from trio_lb.model.address import Address
from trio_lb.sim.listener import VirtualListener
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.stream import VirtualStream

LATENCY = 1.0


def far_apart(net: VirtualNetwork) -> None:
    """Put a second between the hosts ``a`` and ``b``, each way."""
    net.host("a", "10.0.0.1")
    net.host("b", "10.0.0.2")
    net.link("a", "b").set_latency(LATENCY)


async def listen_on_b(net: VirtualNetwork, *, backlog: int = 16) -> VirtualListener:
    """A listener of ``b`` at port 80."""
    return await net.host("b").listen(Address("10.0.0.2", 80), backlog=backlog)


async def pair(net: VirtualNetwork) -> tuple[VirtualStream, VirtualStream]:
    """A connection from ``a`` to ``b`` that stands at 3.0 s; the caller closes both ends."""
    listener = await listen_on_b(net)
    near = await net.host("a").connect(listener.address)
    (far,) = await listener.accept_batch(1)
    await listener.aclose()
    assert trio.current_time() == 3.0
    return near, far
