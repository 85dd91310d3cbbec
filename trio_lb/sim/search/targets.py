"""Whom faults of a kind can hit in a topology, as whoever draws faults wants to know."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.shape import FaultKind
from trio_lb.sim.faults.target import Sort, Target, Topology


@attrs.frozen(slots=True)
class Field:
    """What can be hit: a topology, and the names that a topology does not list.

    ``resolvers`` are names that are looked up, with the servers behind each; ``points`` those at
    which our own code tries itself.
    ``programs`` are the hosts whose programs serve: hit as hosts, and spared as servers are.
    ``balancers`` are those that have a name, ``idle`` those of them that have no servers;
    ``secured`` are the balancers and servers that show a
    certificate.
    """

    topology: Topology
    resolvers: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    points: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    balancers: tuple[str, ...] = ("lb",)
    secured: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()

    def targets(self, kind: FaultKind, *, servers_only: bool = False) -> list[Target]:
        """Return all certain targets of a kind, in the order in which things were made.

        Of a machine that is a server, only the server is named. ``servers_only`` leaves out the
        hosts on which nothing serves, the balancer's among them, and whole zones.
        """
        found: list[Target] = []
        if self._lacks_servers(kind, servers_only):
            return found
        for sort in kind.targets:
            if sort is Sort.LINK:
                found += self._links(zones=not servers_only)
            elif not _is_deaf(sort, kind) and not (servers_only and _hits_all(sort, kind)):
                spares = servers_only and sort is Sort.HOST
                names = self.programs if spares else self._names(sort)
                found += [Target(sort, (name,)) for name in names if self._is_felt(kind, name)]
        return found

    def _lacks_servers(self, kind: FaultKind, servers_only: bool) -> bool:
        """Whether there is none to copy, or none to restart while another one serves."""
        if kind.name == "scale_up":
            return not self.topology.servers
        return kind.name == "deploy_wave" and len(self.serving) <= int(servers_only)

    def _is_felt(self, kind: FaultKind, name: str) -> bool:
        """Whether the kind can do something there: at a point that it knows, to a certificate."""
        if kind.name in ("rotate_certificate", "expire_certificate"):
            return name in self.secured
        if kind.name == "deploy_wave" and name in self.idle:
            return False
        return not kind.points or name in kind.points

    @property
    def serving(self) -> list[str]:
        """Return whoever serves: servers, and hosts whose programs do."""
        return [*self.topology.servers, *self.programs]

    def servers_hit(self, target: Target) -> list[str]:
        """Return the servers that feel it; a zone stands for all of its own."""
        if target.sort is Sort.RESOLVER:
            return [*self.resolvers.get(target.names[0], ())]
        topology = self.topology
        names = [name.removeprefix("zone:") for name in target.names if name.startswith("zone:")]
        in_zones = [name for name in self.serving if topology.zone_of(name) in names]
        return [*(name for name in target.names if name in self.serving), *in_zones]

    def _names(self, sort: Sort) -> Sequence[str]:
        match sort:
            case Sort.SERVER:
                return self.topology.servers
            case Sort.HOST:
                return self._other_hosts()
            case Sort.CLIENT:
                return self.topology.clients
            case Sort.RESOLVER:
                return [*self.resolvers]
            case Sort.POINT:
                return self.points
            case Sort.LB:
                return self.balancers
        return []

    def _other_hosts(self) -> list[str]:
        """Return the hosts that are no servers; those that dial them."""
        apart = {*self.topology.servers, *self.topology.clients}
        return [name for name in self.topology.hosts if name not in apart]

    def _links(self, *, zones: bool) -> list[Target]:
        """From hosts that dial to what they dial: between two servers nothing is sent."""
        near = [name for name in self._other_hosts() if name not in self.programs]
        far = [*self.serving, *(f"zone:{zone}" for zone in self._served_zones() if zones)]
        return [Target(Sort.LINK, pair) for pair in itertools.product(near, far)]

    def _served_zones(self) -> list[str]:
        """Return the zones in which somebody serves."""
        topology = self.topology
        served = [topology.zone_of(name) for name in self.serving]
        return [zone for zone in topology.zones if zone in served]


def kinds_that_hit(field: Field, names: Sequence[str] | None = None) -> list[FaultKind]:
    """Return the kinds that find a target here.

    ``names`` are those to choose among, all by default. A kind with an argument that has no
    default (an address) is left out: nobody could guess it.
    """
    chosen = [kind for name, kind in KINDS.items() if names is None or name in names]
    return [kind for kind in chosen if not _needs_words(kind) and field.targets(kind)]


_DEAF: Final[Mapping[Sort, frozenset[str]]] = {
    # Servers are modelled, and ask nobody for the time.
    Sort.SERVER: frozenset({"clock_skew", "clock_jump"}),
    # What a balancer computes costs no time, unless its host was given a processor.
    Sort.HOST: frozenset({"slow_cpu", "warm_up"}),
}


def _is_deaf(sort: Sort, kind: FaultKind) -> bool:
    """Whether a thing of this sort would refuse such a fault, though the kind allows it."""
    return kind.name in _DEAF.get(sort, ())


def _hits_all(sort: Sort, kind: FaultKind) -> bool:
    """Whether it leaves nobody who could serve."""
    return sort is Sort.LB and kind.name == "expire_certificate"


def _needs_words(kind: FaultKind) -> bool:
    return any(arg.default is None for arg in kind.args.values())
