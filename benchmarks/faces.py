"""What a request costs on each face of the virtual network: the proxy's own, and trio's sockets.

    python -m benchmarks.faces [--requests 4000] [--rounds 5]

Twenty clients and a server, h11 at both ends, the same code on both faces. Figures are
microseconds of CPU time for one request, the fastest round; the faces take turns.
"""

import argparse
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import h11
import trio

from trio_lb.model.address import Address
from trio_lb.net.env import Listener
from trio_lb.net.trio_stream import TrioStream
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.run import run
from trio_lb.sim.shim import install, on_host

CLIENTS: Final = 20
PER_CONNECTION: Final = (100, 4)
"""Requests of one connection: kept for long, and soon made anew."""

Dial = Callable[[], Awaitable[trio.abc.Stream]]
Face = Callable[[int, int], Awaitable[None]]


async def answer(stream: trio.abc.Stream) -> None:
    """Answer each request of a connection at once."""
    machine = h11.Connection(h11.SERVER)
    head = h11.Response(status_code=200, headers=[("Content-Length", "2")])
    async with stream:
        while True:
            event = machine.next_event()
            if event is h11.NEED_DATA:
                machine.receive_data(bytes(await stream.receive_some(65536)))
            elif isinstance(event, h11.Request):
                parts = (head, h11.Data(data=b"ok"), h11.EndOfMessage())
                await stream.send_all(b"".join(machine.send(part) or b"" for part in parts))
            elif isinstance(event, h11.EndOfMessage):
                machine.start_next_cycle()
            elif isinstance(event, h11.ConnectionClosed):
                return


async def ask(dial: Dial, count: int, per_connection: int) -> None:
    """Ask ``count`` times, over a new connection after each ``per_connection``."""
    for done in range(0, count, per_connection):
        machine = h11.Connection(h11.CLIENT)
        async with await dial() as stream:
            for _ in range(min(per_connection, count - done)):
                await ask_once(machine, stream)
                machine.start_next_cycle()


async def ask_once(machine: h11.Connection, stream: trio.abc.Stream) -> None:
    """Send one request and take its answer."""
    parts = (h11.Request(method="GET", target="/", headers=[("Host", "a")]), h11.EndOfMessage())
    await stream.send_all(b"".join(machine.send(part) or b"" for part in parts))
    while not isinstance(event := machine.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            machine.receive_data(bytes(await stream.receive_some(65536)))


async def ask_all(dial: Dial, requests: int, per_connection: int) -> None:
    """Let all clients ask, each its share."""
    async with trio.open_nursery() as clients:
        for _ in range(CLIENTS):
            clients.start_soon(ask, dial, requests // CLIENTS, per_connection)


async def on_own_face(requests: int, per_connection: int) -> None:
    """As the proxy does it: ``net.env.Network``."""
    net = VirtualNetwork()
    target = Address(net.host("api").address, 80)

    async def dial() -> trio.abc.Stream:
        return TrioStream(await net.host("main").connect(target))

    async def accept(listener: Listener) -> None:
        while True:
            for stream in await listener.accept_batch(64):
                nursery.start_soon(answer, TrioStream(stream))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept, await net.host("api").listen(target))
        await ask_all(dial, requests, per_connection)
        nursery.cancel_scope.cancel()


async def on_sockets(requests: int, per_connection: int) -> None:
    """As any trio program does it: ``serve_tcp`` and ``open_tcp_stream``."""
    net = VirtualNetwork()
    with install(net):
        async with trio.open_nursery() as nursery:
            with on_host(net.host("api")):
                await nursery.start(partial(trio.serve_tcp, answer, 80))
            await ask_all(partial(trio.open_tcp_stream, "api", 80), requests, per_connection)
            nursery.cancel_scope.cancel()


def microseconds(face: Face, requests: int, per_connection: int) -> float:
    """Return the CPU time of one request."""
    began = time.process_time()
    run(partial(face, requests, per_connection))
    return (time.process_time() - began) / requests * 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faces")
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    lines = ["| requests of a connection | own face | sockets | ratio |", "|---|---|---|---|"]
    for per_connection in PER_CONNECTION:
        rounds = [
            [microseconds(face, options.requests, per_connection) for face in FACES]
            for _ in range(options.rounds)
        ]
        own, sockets = map(min, zip(*rounds, strict=True))
        lines.append(f"| {per_connection} | {own:.0f} | {sockets:.0f} | {sockets / own:.2f} |")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


FACES: Final[tuple[Face, ...]] = (on_own_face, on_sockets)

if __name__ == "__main__":
    sys.exit(main())
