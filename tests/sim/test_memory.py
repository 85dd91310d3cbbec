"""What an open connection costs: a world may hold a hundred thousand of them."""

import tracemalloc

import trio

from trio_lb.model.address import Address
from trio_lb.sim.clock import DesClock
from trio_lb.sim.dialling import Dialling, Outcome
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.run import run
from trio_lb.sim.stream import VirtualStream

MANY = 1000
MOST_KIB = 5.0
"""10,000 connections in 50 MiB; both ends, each with somebody who watches it."""


def test_ten_thousand_connections_fit_into_fifty_mebibytes() -> None:
    async def main() -> float:
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, DesClock)
        net = VirtualNetwork(seed=1)
        a, b = net.host("a"), net.host("b")
        listener = b.listen_nowait(Address(b.address, 80), backlog=MANY)
        near: list[Outcome] = []
        tracemalloc.start()
        for _ in range(MANY):
            Dialling(clock, a, Address(b.address, 80), near.append)
        await trio.sleep(1.0)
        ends = [*near, *listener.accept_nowait(MANY)]
        watches = [
            end.watch_arrivals(lambda: None) for end in ends if isinstance(end, VirtualStream)
        ]
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(watches) == 2 * MANY
        return held / 1024 / MANY

    assert run(main) < MOST_KIB
