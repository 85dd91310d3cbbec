"""Happenings by hand, told to one check; and a world small enough to be written down."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from trio_lb.config.bounds import TimeoutsConfig
from trio_lb.config.schema import PoolConfig, ServerConfig
from trio_lb.model.address import Address
from trio_lb.sim.checks.board import Board
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.plain import Judge
from trio_lb.sim.checks.world import Nowhere, SeenBalancer, SeenClock, Standstill, World
from trio_lb.sim.happening import Value, What, Wire
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.network import VirtualNetwork

SECOND = 1_000_000_000
MS = 1_000_000


class Play:
    """Tells happenings at the instants that it is given. ``lb`` tells in a balancer's name."""

    def __init__(self, check: Check | Judge, world: World | None = None) -> None:
        self.now = 0.0
        self.wire = Wire(lambda: self.now)
        self.board = Board([check])
        self.world: World = Nowhere(clock=self) if world is None else world
        self.board.begin(self.world, self.wire)

    def current_time(self) -> float:
        return self.now

    def tell(
        self, at: float, what: What, entity: str, *values: Value, req: int = 0, conn: int = 0
    ) -> None:
        assert at >= self.now, "time does not go back"
        self.now = at
        self.wire.tell(what, entity, conn, req, *values)

    def lb(self, at: float, what: What, *values: Value, req: int = 0) -> None:
        self.tell(at, what, "lb", *values, req=req)

    @property
    def said(self) -> list[str]:
        """What was objected to so far."""
        (check,) = self.board.checks
        return [violation.text for violation in check.violations]

    @property
    def instants(self) -> list[float]:
        """When it was."""
        (check,) = self.board.checks
        return [violation.at for violation in check.violations]

    def end(self) -> list[str]:
        """Let all clients go and all balancers stop; return everything that was objected to."""
        self.board.quiet(self.world)
        self.board.finish(self.world)
        return self.said


@attrs.define
class SmallServer:
    """A server as a balancer holds it."""

    id: str
    pool: str = "default"
    active_connections: int = 0


@attrs.define
class SmallConfig:
    """A configuration that has pools."""

    pools: Mapping[str, PoolConfig]
    timeouts: TimeoutsConfig = TimeoutsConfig()


@attrs.define
class SmallLb:
    """A balancer that runs, as far as checks look."""

    config: SmallConfig
    held: list[SmallServer]

    def servers(self) -> Sequence[SmallServer]:
        return self.held


@attrs.define
class SmallBalancer:
    """A balancer on a host."""

    host: HostNetwork
    lb: SmallLb | None
    names: dict[tuple[str, str], str] = attrs.field(factory=dict)
    lives: int = 1
    ended_at: float = 0.0


@attrs.define
class SmallWorld:
    """One balancer, ``lb``; it looks at its clock only when all is over."""

    net: VirtualNetwork
    balancers: dict[str, SeenBalancer]
    clock: SeenClock = Standstill(100.0)


def world(*held: SmallServer, **pool: Any) -> SmallWorld:
    """Return a world whose balancer has one pool, of which this is said."""
    net = VirtualNetwork()
    plan = PoolConfig(name="default", **pool)
    lb = SmallLb(SmallConfig({"default": plan}), list(held))
    return SmallWorld(net, {"lb": SmallBalancer(net.host("lb"), lb)})


def servers(count: int, **more: Any) -> tuple[ServerConfig, ...]:
    """s1, s2, ..."""
    return tuple(
        ServerConfig(id=f"s{n}", address=Address(f"10.0.0.{n}", 80), **more)
        for n in range(1, count + 1)
    )
