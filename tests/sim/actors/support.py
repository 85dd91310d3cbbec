"""A small stage: one network with 1 ms each way, and somebody who writes down what happens."""

import random
from collections.abc import Awaitable, Callable

import trio

from trio_lb.model.address import Address
from trio_lb.sim.actors.client import ClientActor, ClosedLoop, OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.server import Dependency, ServerActor, ServerSettings
from trio_lb.sim.actors.stage import Stage
from trio_lb.sim.clock import DesClock
from trio_lb.sim.faults.site import Balancer, Program
from trio_lb.sim.happening import Happening, What, Wire
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.run import run
from trio_lb.sim.stream import VirtualStream

LATENCY = 0.001


class Theatre:
    """A stage, the network under it, and what was told."""

    def __init__(self, *, window_bytes: int = 65536) -> None:
        self.clock = DesClock()
        self.wire = Wire(self.clock.current_time)
        self.net = VirtualNetwork(1, latency_seconds=LATENCY, window_bytes=window_bytes)
        self.stage = Stage(self.clock, self.wire, 1)
        self.servers: dict[str, ServerActor] = {}
        self.clients_by_name: dict[str, ClientActor] = {}
        self.balancers: dict[str, Balancer] = {}
        self.programs: dict[str, Program] = {}
        self.behind: dict[str, list[str]] = {}
        self.heard: list[Happening] = []
        self._count = 0
        self.wire.hear(self.heard.append)

    async def server(
        self,
        name: str = "s1",
        dependency: Dependency | None = None,
        settings: ServerSettings | None = None,
    ) -> ServerActor:
        """A server that listens."""
        host = self.net.host(name)
        actor = ServerActor(
            self.stage, name, host, settings or ServerSettings(), dependency=dependency
        )
        await actor.start()
        self.servers[name] = actor
        return actor

    def client(
        self,
        load: OpenLoop | ClosedLoop,
        policy: ClientPolicy | None = None,
        to: Address | None = None,
    ) -> ClientActor:
        """A client of the server s1, not started."""
        target = to or Address(self.net.host("s1").address, 80)
        actor = ClientActor(
            self.stage,
            "web",
            self.net.host("web"),
            load,
            policy or ClientPolicy(),
            lambda: [target],
            self._next_number,
        )
        self.clients_by_name["web"] = actor
        return actor

    def rng(self, name: str) -> random.Random:
        """See ``faults.site.World``, which a theatre is."""
        return self.stage.rng(name)

    def _next_number(self) -> int:
        self._count += 1
        return self._count

    async def dial(self, name: str = "s1") -> VirtualStream:
        """A connection to a server, as somebody who speaks bytes."""
        return await self.net.host("raw").connect(Address(self.net.host(name).address, 80))

    def told(self, *whats: What) -> list[tuple[float, str, tuple[int | str, ...]]]:
        """What was told of these: when, what, and its values."""
        return [
            (round(each.at, 9), each.what.value, each.values)
            for each in self.heard
            if each.what in whats
        ]


def play(act: Callable[[Theatre], Awaitable[None]], *, window_bytes: int = 65536) -> Theatre:
    """Run an act on a stage of its own, in virtual time, and return the stage."""
    theatre = Theatre(window_bytes=window_bytes)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            theatre.stage.nursery = nursery
            await act(theatre)
            theatre.stage.nursery = None
            nursery.cancel_scope.cancel()

    run(main, clock=theatre.clock)
    return theatre


class _These:
    """Arrivals at given instants, the very first of virtual time among them if it is wanted."""

    def __init__(self, instants: tuple[float, ...]) -> None:
        self._left = list(instants)

    def next_after(self, now: float, rng: random.Random) -> float | None:
        """See ``Arrivals``."""
        return self._left.pop(0) if self._left else None

    def expected(self, begin: float, end: float) -> float:
        """See ``Arrivals``."""
        return float(len(self._left))


def once(*instants: float) -> OpenLoop:
    """Wishes at these instants and at no other."""
    return OpenLoop(_These(instants))


async def read_until_silence(stream: VirtualStream) -> bytes:
    """All that comes until 1 s passes without a byte, or the end."""
    data = b""
    while True:
        with trio.move_on_after(1.0) as scope:
            piece = await stream.receive_some(65536)
        if scope.cancelled_caught or not piece:
            return data
        data += piece


def request(number: int, *, method: str = "GET", body: bytes = b"", more: str = "") -> bytes:
    """A request as a client writes it."""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"{method} / HTTP/1.1\r\nHost: x\r\nUser-Agent: sim/{number}\r\n{length}{more}\r\n"
    return head.encode() + body
