"""A play for two processes: prints a hash of everything that a balancer told, and when.

``python -m tests.sim.twin_play SEED [SCHEDULE]``: three servers, one of which resets, one that
hangs for a while; twenty clients with pauses drawn from the seed; probes, retries and ejections.
"""

import hashlib
import random
import sys

import trio

from trio_lb.app import open_load_balancer
from trio_lb.model.address import Address
from trio_lb.model.events import Event
from trio_lb.net.env import Listener, Stream
from trio_lb.net.relay import send_all
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.run import run

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def answer(stream: Stream, rng: random.Random) -> None:
    """Answer each request of a connection after a while; one in twenty gets a reset."""
    async with stream:
        while await stream.receive_some(65536):
            await trio.sleep(rng.expovariate(100.0))
            if rng.random() < 0.05:
                stream.abort()
                return
            await send_all(stream, ANSWER, 10.0)


async def serve(listener: Listener, rng: random.Random, nursery: trio.Nursery) -> None:
    """Accept for ever."""
    while True:
        for stream in await listener.accept_batch(64):
            nursery.start_soon(_in_peace, stream, rng)


async def _in_peace(stream: Stream, rng: random.Random) -> None:
    try:
        await answer(stream, rng)
    except trio.BrokenResourceError:
        return


async def ask(net: VirtualNetwork, front: Address, rng: random.Random) -> None:
    """Ask twenty times over one connection, or until it is cut."""
    stream = await net.host("client").connect(front)
    async with stream:
        for _ in range(20):
            await trio.sleep(rng.expovariate(2.0))
            try:
                await send_all(stream, REQUEST, 10.0)
                if not await stream.receive_some(65536):
                    return
            except trio.BrokenResourceError:
                return


async def play(seed: int) -> str:
    """Return the hash of all news."""
    net = VirtualNetwork(seed)
    trace = hashlib.blake2b(digest_size=16)
    names = ["s1", "s2", "s3"]
    config = {
        "listeners": [{"bind": f"{net.host('lb').address}:80"}],
        "servers": [{"id": each, "address": f"{net.host(each).address}:80"} for each in names],
        "health_check": {"interval": "1s"},
        "algorithm": "power_of_two",
    }
    hosts = [net.host(each) for each in names]
    listeners = [await host.listen(Address(host.address, 80)) for host in hosts]
    async with (
        open_load_balancer(config, env=SimEnv(net.host("lb"), seed)) as lb,
        trio.open_nursery() as nursery,
    ):
        for host, listener in zip(hosts, listeners, strict=True):
            nursery.start_soon(serve, listener, derive_rng(seed, host.name), nursery)
        lb.on(Event, lambda event: trace.update(repr((event.name, event.at)).encode()))
        (front,) = await nursery.start(lb.serve)
        async with trio.open_nursery() as clients:
            for number in range(20):
                clients.start_soon(ask, net, front, derive_rng(seed, f"client {number}"))
            await trio.sleep(3.0)
            net.link("lb", "s2").stall()
            await trio.sleep(4.0)
            net.link("lb", "s2").heal()
        counts = lb.statistics()
        nursery.cancel_scope.cancel()
    return f"{trace.hexdigest()} {counts.total_requests} {counts.failed_requests}"


def main() -> None:
    """The command."""
    seed, *schedule = sys.argv[1:]
    told = run(lambda: play(int(seed)), schedule=schedule[0] if schedule else "fifo")
    sys.stdout.write(f"{told}\n")


if __name__ == "__main__":
    main()
