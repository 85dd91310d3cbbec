"""A play for two processes: prints when twenty unmodified clients got their answers.

``python -m tests.sim.shim_play SEED``: each dials a name with three addresses, of which one is
silent and one refuses, over a link that shakes.
"""

import sys

import trio

from tests.sim.programs import in_simulation, serve
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.link import Connects
from trio_lb.sim.network import VirtualNetwork


def timeline(seed: int) -> list[tuple[str, float]]:
    """Return each client with its instant, in the order of the answers."""
    told: list[tuple[str, float]] = []

    async def ask(name: str, delay_seconds: float) -> None:
        await trio.sleep(delay_seconds)
        async with await trio.open_tcp_stream("both", 80) as stream:
            await stream.send_all(name.encode())
            told.append(((await stream.receive_some()).decode(), trio.current_time()))

    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery)
        silent, refusing = net.host("silent"), net.host("refusing")
        net.link("main", "silent").connects = Connects.BLACKHOLE
        net.link("main", "api").path_from("main").jitter_seconds = 0.005
        hosts = [silent, refusing, net.host("api")]
        net.set_name("both", [host.address for host in hosts])
        rng = derive_rng(seed, "clients")
        async with trio.open_nursery() as clients:
            for number in range(20):
                clients.start_soon(ask, f"client {number}", rng.random())

    in_simulation(play, seed)
    return told


if __name__ == "__main__":
    sys.stdout.write(f"{timeline(int(sys.argv[1]))}\n")
