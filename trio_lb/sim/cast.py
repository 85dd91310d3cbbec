"""Who takes part in a simulated world: their names, and what all crowds of clients have."""

from typing import Protocol

import attrs

from trio_lb.sim.host import HostNetwork


@attrs.define(slots=True)
class Cast:
    """The names in a world, in the order in which they were given; a fault's ``Topology``.

    ``clients`` are those who ask by HTTP, ``websockets`` those who talk. ``behind`` maps each
    balancer to whom it has among its servers: modelled ones, then programs of the user's own.
    """

    zones: list[str] = attrs.field(factory=list)
    zone_names: dict[str, str] = attrs.field(factory=dict)
    hosts: list[str] = attrs.field(factory=list)
    servers: list[str] = attrs.field(factory=list)
    clients: list[str] = attrs.field(factory=list)
    websockets: list[str] = attrs.field(factory=list)
    behind: dict[str, list[str]] = attrs.field(factory=dict)

    @property
    def programs(self) -> list[str]:
        """Return the programs that serve, in the order in which hosts were made."""
        serving = [name for names in self.behind.values() for name in names]
        return [name for name in self.hosts if name in serving and name not in self.servers]

    def zone_of(self, name: str) -> str | None:
        """Return the zone of a host or a server."""
        return self.zone_names.get(name)


class Crowd(Protocol):
    """Whoever wants things: clients of any kind behind one name."""

    @property
    def name(self) -> str: ...
    @property
    def host(self) -> HostNetwork: ...
    def start(self) -> None:
        """Begin to want things."""
        ...

    def stop(self) -> None:
        """Want nothing more; what is under way goes on."""
        ...

    async def wait_quiet(self) -> None:
        """Wait, after ``stop``, until nothing is under way."""
        ...

    def leave(self) -> None:
        """Go away in the middle of everything."""
        ...
