"""Where faults are injected: the world, and the ways from a fault's target to what it hits."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from trio_lb.config.kinds import suggestion
from trio_lb.model.errors import ConfigError
from trio_lb.sim.certificates import Certificates
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.clock import Call, DesClock
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.overlay import Blend, Heal, Overlays, all_of
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort
from trio_lb.sim.happening import Wire
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.link import Link, Path
from trio_lb.sim.network import VirtualNetwork


class Machine(Protocol):
    """What can die, stand still and come back: a server, a balancer, a program, a bare host."""

    def crash(self, *, fin: bool = False) -> None:
        """Die; ``fin``: only the process, whose kernel closes the connections."""
        ...

    def restart(self) -> None:
        """Come up again, and do what it does."""
        ...

    def pause(self) -> None:
        """Stand still (SIGSTOP)."""
        ...

    def resume(self) -> None:
        """Go on (SIGCONT)."""
        ...


class Housed(Machine, Protocol):
    """A machine that lives on a host of its own."""

    @property
    def host(self) -> HostNetwork: ...


class Server(Housed, Protocol):
    """A server; ``slow_factor`` multiplies the time that each answer takes.

    ``is_expired``: the days of the certificate are over that it shows, if it ``speaks_tls``.
    """

    slow_factor: float
    speaks_tls: bool
    is_expired: bool


class Program(Housed, Protocol):
    """Whatever runs in an ``Env``."""

    @property
    def env(self) -> SimEnv: ...


class Balancer(Program, Protocol):
    """A balancer. None of its methods waits: what takes time goes on by itself."""

    @property
    def certificates(self) -> Certificates | None:
        """What it shows; None: it speaks no TLS."""
        ...

    def reload(self) -> None:
        """Read the configuration again, as on SIGHUP; what is refused changes nothing."""
        ...

    def drain(self, grace_seconds: float) -> None:
        """Begin to stop gracefully; what is left after that time is cut. Down until ``restart``."""
        ...

    def add_servers(self, count: int) -> None:
        """Let so many new servers start, and balance them, too."""
        ...

    def remove_servers(self, count: int) -> None:
        """Drain so many of its servers and let them go; the last to come go first."""
        ...


class World(Protocol):
    """The simulated world, as faults need it; a ``Simulation`` is one."""

    @property
    def net(self) -> VirtualNetwork: ...
    @property
    def clock(self) -> DesClock: ...
    @property
    def wire(self) -> Wire: ...
    @property
    def servers(self) -> Mapping[str, Server]: ...
    @property
    def balancers(self) -> Mapping[str, Balancer]: ...
    @property
    def programs(self) -> Mapping[str, Program]: ...
    @property
    def clients_by_name(self) -> Mapping[str, object]: ...
    @property
    def behind(self) -> Mapping[str, Sequence[str]]:
        """Return whom each balancer has among its servers, programs too."""
        ...

    def rng(self, name: str) -> random.Random:
        """Return the stream of chance of that name."""
        ...


class Site:
    """One world under faults: its overlays, and whom a target means.

    All look-ups raise ConfigError for names that the world has not.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.net = world.net
        self.overlays = Overlays()
        self._seed = world.rng("faults injected").getrandbits(64)

    # Time and chance.

    @property
    def now(self) -> float:
        """The virtual second that it is."""
        return self.world.clock.current_time()

    def at(self, instant: float, make: Callable[[], object]) -> Call:
        """Call ``make()`` at an instant; one that has passed: at once."""
        return self.world.clock.call_at(instant, make)

    def after(self, seconds: float, make: Callable[[], object]) -> Call:
        """Call ``make()`` so much later."""
        return self.at(self.now + seconds, make)

    def rng(self, fault: Fault) -> random.Random:
        """Return this fault's own chance: others may come and go without moving its draws."""
        return derive_rng(self._seed, f"{fault.kind} {fault.target} {fault.at!r}")

    # Hosts and machines.

    def host(self, name: str) -> HostNetwork:
        """Return the host of a server, a balancer, a program, or of that name."""
        world = self.world
        for housed in (world.servers, world.balancers, world.programs):
            if name in housed:
                return housed[name].host
        known = {host.name: host for host in self.net.hosts}
        if name not in known:
            raise _unknown("host", name, tuple(known))
        return known[name]

    def machine(self, name: str) -> Machine:
        """Return what dies when that host dies: who lives on it, or the bare host."""
        world = self.world
        for housed in (world.servers, world.balancers, world.programs):
            if name in housed:
                return housed[name]
        return self.host(name)

    def balancer(self, fault: Fault) -> Balancer:
        """Return the balancer that a fault is about."""
        (name,) = fault.target.names
        if name not in self.world.balancers:
            raise _unknown("balancer", name, tuple(self.world.balancers))
        return self.world.balancers[name]

    def env(self, name: str) -> SimEnv:
        """Return the surroundings of a program; servers have none that could be wrong."""
        for housed in (self.world.balancers, self.world.programs):
            if name in housed:
                return housed[name].env
        raise ConfigError(
            f"nothing runs on '{name}' that asks for the time; only balancers and programs do"
        )

    # Links.

    def pairs(self, fault: Fault) -> list[tuple[HostNetwork, HostNetwork]]:
        """Return who is at either end of the links that a fault is about; a zone is all in it."""
        near, far = (self._end(name) for name in fault.target.names)
        return [(one, other) for one in near for other in far if one is not other]

    def _end(self, name: str) -> list[HostNetwork]:
        if not name.startswith("zone:"):
            return [self.host(name)]
        zone = name.removeprefix("zone:")
        hosts = [host for host in self.net.hosts if host.zone == zone]
        if not hosts:
            raise _unknown("zone with a host", zone, tuple(host.zone for host in self.net.hosts))
        return hosts

    def links(self, fault: Fault) -> list[Link]:
        """Return the links that a fault is about: those between two ends, or all to a server."""
        if fault.target.sort is Sort.LINK:
            pairs = self.pairs(fault)
        else:
            hit = self.host(fault.target.names[0])
            pairs = [(other, hit) for other in self.net.hosts if other is not hit]
        return [self.net.link(one.name, other.name) for one, other in pairs]

    def paths(self, fault: Fault) -> list[tuple[Link, Path]]:
        """Return the directions that are hit: both, unless the fault says which ``way``."""
        way = fault.args.get("way", "both")
        hit: list[tuple[Link, Path]] = []
        for one, other in self.pairs(fault):
            link = self.net.link(one.name, other.name)
            senders = {"there": (one,), "back": (other,)}.get(str(way), (one, other))
            hit += [(link, link.path_from(sender.name)) for sender in senders]
        return hit

    def lay_on_paths(self, fault: Fault, attribute: str, value: object, blend: Blend) -> Heal:
        """Let a value count on all paths that are hit."""
        lay = self.overlays.lay
        return all_of([lay(path, attribute, value, blend) for _, path in self.paths(fault)])

    def hold_cut(self, link: Link, path: Path) -> Heal:
        """Hold what is sent on a path and lose SYNs, as in a partition."""

        def end() -> None:
            path.mend(self.now)
            link.wake()

        return self.overlays.hold(path, "cut", lambda: path.stall(self.now), end)

    def hold_jam(self, link: Link, path: Path) -> Heal:
        """Hold what is sent on a path, SYNs too."""

        def end() -> None:
            path.clear(self.now)
            link.wake()

        return self.overlays.hold(path, "jam", lambda: path.jam(self.now), end)


Injector: TypeAlias = Callable[[Site, Fault], Heal | None]
"""Does what a fault says, at once; returns what ends it, None when nothing can."""


def number(fault: Fault, name: str) -> float:
    """Return an argument that is a number."""
    value = fault.args[name]
    assert isinstance(value, int | float), f"{fault.kind}.{name} was checked when it was read"
    return value


def count(fault: Fault, name: str) -> int:
    """Return an argument that is a whole number."""
    return int(number(fault, name))


def _unknown(noun: str, name: str, known: tuple[str, ...]) -> ConfigError:
    hint = suggestion(name, known) or f"; there are: {', '.join(dict.fromkeys(known)) or 'none'}"
    return ConfigError(f"there is no {noun} '{name}'{hint}")
