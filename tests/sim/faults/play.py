"""A small world in which faults are injected for real: a balancer, three servers, a crowd.

Everybody is a second away from everybody else, so that each instant is a whole number.
"""

import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import trio

from tests.support.clock import run_in_virtual_time
from trio_lb.config.nodes import Findings, Node
from trio_lb.model.address import Address
from trio_lb.sim.certificates import Certificates
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.clock import DesClock
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.inject import inject
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.overlay import Heal
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.shape import Lasts
from trio_lb.sim.faults.site import Site
from trio_lb.sim.faults.target import Target, read_aim
from trio_lb.sim.happening import Happening, Wire
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.link import Link, Path
from trio_lb.sim.listener import VirtualListener
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.stream import VirtualStream

T = TypeVar("T")


class Actor:
    """Notes what was done to it, and does it to its host."""

    def __init__(self, name: str, host: HostNetwork) -> None:
        self.name = name
        self.host = host
        self.env = SimEnv(host)
        self.slow_factor = 1.0
        self.speaks_tls = True
        self.is_expired = False
        self.certificates: Certificates | None = None
        self.deeds: list[tuple[float, str]] = []

    def _note(self, deed: str) -> None:
        self.deeds.append((trio.current_time(), deed))

    def crash(self, *, fin: bool = False) -> None:
        self._note("killed" if fin else "crashed")
        self.host.crash(fin=fin)

    def restart(self) -> None:
        self._note("restarted")
        self.host.restart()

    def pause(self) -> None:
        self._note("paused")
        self.host.pause()

    def resume(self) -> None:
        self._note("resumed")
        self.host.resume()

    def reload(self) -> None:
        self._note("reloaded")

    def drain(self, grace_seconds: float) -> None:
        self._note(f"drained for {grace_seconds:g} s")

    def add_servers(self, count: int) -> None:
        self._note(f"{count} more")

    def remove_servers(self, count: int) -> None:
        self._note(f"{count} less")


class Play:
    """The world, with what was told in it."""

    def __init__(self) -> None:
        self.clock = DesClock()
        self.net = VirtualNetwork(7, latency_seconds=1.0)
        self.wire = Wire(self.clock.current_time)
        self.told: list[Happening] = []
        self.wire.hear(self.told.append)
        self.balancers = {"lb": self.actor("lb")}
        self.balancers["lb"].certificates = Certificates()
        self.servers = {
            name: self.actor(name, zone) for name, zone in (("s1", "a"), ("s2", "a"), ("s3", "b"))
        }
        self.programs: dict[str, Actor] = {}
        self.behind = {"lb": [*self.servers]}
        self.clients_by_name: dict[str, object] = {}
        self.net.host("web")
        self.site = Site(self)

    def actor(self, name: str, zone: str = "") -> Actor:
        return Actor(name, self.net.host(name, zone=zone))

    def rng(self, name: str) -> random.Random:
        return derive_rng(7, name)

    # What tests do.

    def link(self, server: str = "s1") -> Link:
        return self.net.link("lb", server)

    def there(self, server: str = "s1") -> Path:
        return self.link(server).path_from("lb")

    def back(self, server: str = "s1") -> Path:
        return self.link(server).path_from(server)

    def inject(self, kind: str, target: object, **args: object) -> Heal:
        """Inject it now; what needs an end and is given none gets one that is far away."""
        until = args.pop("until", None)
        assert until is None or isinstance(until, float)
        what = make_fault(self.clock.current_time(), kind, target, until, args)
        return inject(self.site, what) or nothing_to_heal

    def at(self, instant: float, make: Heal) -> None:
        self.clock.call_at(instant, make)

    async def listen(self, server: str = "s1", **options: int) -> VirtualListener:
        host = self.net.host(server)
        return await host.listen(Address(host.address, 80), **options)

    async def dial(self, server: str = "s1") -> VirtualStream:
        return await self.net.host("lb").connect(Address(server, 80))

    async def pair(self, server: str = "s1") -> tuple[VirtualStream, VirtualStream]:
        """A connection from the balancer to a server, three seconds later."""
        listener = await self.listen(server)
        near = await self.dial(server)
        (far,) = await listener.accept_batch(1)
        await listener.aclose()
        return near, far


def nothing_to_heal() -> None:
    pass


def target_of(data: object) -> Target:
    aim = read_aim(Node(data, (), Findings()))
    assert aim is not None, data
    target = aim.certain()
    assert target is not None, data
    return target


def fault(
    at: float, kind: str, target: object, until: float | None = None, **args: object
) -> Fault:
    return make_fault(at, kind, target, until, args)


def make_fault(
    at: float, kind: str, target: object, until: float | None, args: Mapping[str, object]
) -> Fault:
    if until is None and KINDS[kind].lasts is Lasts.SPAN:
        until = at + 1_000_000.0
    return Fault(at, kind, target_of(target), until, args)


def play(scene: Callable[[Play], Awaitable[T]]) -> T:
    """Act a scene in a new world; what is left open in it is closed."""
    world = Play()

    async def main() -> T:
        result = await scene(world)
        for stream in world.net.open_streams():
            stream.abort()
        for listener in world.net.open_listeners():
            await listener.aclose()
        return result

    result: T = run_in_virtual_time(main, clock=world.clock)
    if world.clock.fault is not None:
        raise world.clock.fault
    return result


LINK = {"link": ["lb", "s1"]}
SERVER = "server:s1"
