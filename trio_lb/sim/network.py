"""The virtual network: hosts, names, the links between hosts, and what is open on them.

It works in any trio program, but is meant for a clock that jumps
(``trio.testing.MockClock(autojump_threshold=0)``): every wait is a deadline of the
task that waits, so the next arrival is also the clock's next jump.

The same seed and the same program give the same instants in the same order. What
is iterated here are lists and dicts, in the order in which things were made.
"""

import itertools
from collections.abc import Container, Iterable, Sequence
from typing import Final

from trio_lb.sim.host import HostNetwork
from trio_lb.sim.link import Link
from trio_lb.sim.listener import VirtualListener
from trio_lb.sim.names import Names
from trio_lb.sim.outages import Outages
from trio_lb.sim.stream import VirtualStream

DEFAULT_LATENCY_SECONDS: Final = 0.001
DEFAULT_WINDOW_BYTES: Final = 65536


class VirtualNetwork:
    """Holds the hosts and links of one simulated world.

    ``latency_seconds`` is one way, between two hosts that have no other said; a host
    reaches itself at once. ``window_bytes`` bounds what each direction of a
    connection may hold unread.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        latency_seconds: float = DEFAULT_LATENCY_SECONDS,
        window_bytes: int = DEFAULT_WINDOW_BYTES,
    ) -> None:
        self.window_bytes = window_bytes
        self.names = Names()
        self._seed = seed
        self._latency_seconds = latency_seconds
        self._hosts: dict[str, HostNetwork] = {}
        self._reserved: dict[str, None] = {}
        self._links: dict[tuple[str, str], Link] = {}
        self._outages: dict[str, Outages] = {}
        self._zone_latencies: dict[tuple[str, str], float] = {}
        self._serials = itertools.count(1)

    def host(
        self, name: str, address: str | None = None, *, zone: str | None = None
    ) -> HostNetwork:
        """Return the host of that name, made at first use; then its name resolves, too.

        Without an ``address`` it gets the next free one of 10.0.0.0/16. Without a ``zone`` it
        is in the zone "", as everybody is who says nothing.
        """
        if name not in self._hosts:
            host = HostNetwork(self, name, address or self._free_address(), zone or "")
            self._hosts[name] = host
            entry = self.names.entry(name)
            entry.addresses = entry.addresses or (host.address,)
        host = self._hosts[name]
        if address not in (None, host.address):
            raise ValueError(f"host {name} is at {host.address}, not at {address}")
        if zone not in (None, host.zone):
            raise ValueError(f"host {name} is in zone {host.zone!r}, not in {zone!r}")
        return host

    def reserve(self, addresses: Iterable[str]) -> None:
        """Keep addresses for hosts that will ask for them; whoever has no wish gets none of these."""
        self._reserved |= dict.fromkeys(addresses)

    def make_way(self, address: str, *, keep: Container[str]) -> None:
        """Give whoever is at an address by chance another one, with its names, but for ``keep``.

        Nobody may have dialled it yet: that is for a server of which one learns late.
        """
        holder = self.host_at(address)
        if holder is not None and holder.name not in keep:
            holder.address = self._free_address()
            self.names.replace(address, holder.address)

    def _free_address(self) -> str:
        taken = {host.address: None for host in self._hosts.values()} | self._reserved
        numbers = itertools.count(len(self._hosts) + 1)
        literals = (f"10.0.{number >> 8}.{number & 255}" for number in numbers)
        return next(literal for literal in literals if literal not in taken)

    def set_name(self, name: str, addresses: Sequence[str]) -> None:
        """Let ``name`` resolve to these literals from now on; to none: it is unknown."""
        self.names.entry(name).addresses = tuple(addresses)

    def look_up(self, name: str) -> list[str]:
        """Return the literals of a name, as a resolver says them: see ``Names.look_up``."""
        return self.names.look_up(name)

    @property
    def hosts(self) -> list[HostNetwork]:
        """Return all hosts, in the order in which they were made."""
        return list(self._hosts.values())

    def host_at(self, address: str) -> HostNetwork | None:
        """Return the host with that literal address."""
        return next((host for host in self._hosts.values() if host.address == address), None)

    def link(self, one: str, other: str) -> Link:
        """Return the link between two hosts, in either order; made at first use."""
        ends = _in_order(one, other)
        if ends not in self._links:
            outages = (self.outages_of(ends[0]), self.outages_of(ends[1]))
            latency_seconds = self._latency_between(one, other)
            self._links[ends] = Link(ends, outages, latency_seconds, self._seed, self)
        return self._links[ends]

    def _latency_between(self, one: str, other: str) -> float:
        if one == other:
            return 0.0
        zones = _in_order(self._zone_of(one), self._zone_of(other))
        return self._zone_latencies.get(zones, self._latency_seconds)

    def _zone_of(self, name: str) -> str:
        return self._hosts[name].zone if name in self._hosts else ""

    def outages_of(self, name: str) -> Outages:
        """Return when the host of that name was down; it need not have been made yet."""
        return self._outages.setdefault(name, Outages())

    # Zones.

    def set_zone_latency(self, one: str, other: str, seconds: float) -> None:
        """Set the one-way latency between (or within) zones, for links not yet used.

        A link that was asked for before keeps its own: ``links_between`` reaches it.
        """
        self._zone_latencies[_in_order(one, other)] = seconds

    def links_between(self, one: str, other: str) -> list[Link]:
        """Return the link of each two hosts of which one is in ``one``, one in ``other``."""
        wanted = _in_order(one, other)
        pairs = itertools.combinations(self._hosts.values(), 2)
        return [
            self.link(first.name, second.name)
            for first, second in pairs
            if _in_order(first.zone, second.zone) == wanted
        ]

    def partition(self, one: str, other: str, *, one_way: bool = False) -> None:
        """Stall all links between two zones; ``one_way``: only what ``one`` sends is held.

        A host that is made later is not behind the partition.
        """
        for link in self.links_between(one, other):
            senders = [end for end in link.ends if not one_way or self._zone_of(end) == one]
            for sender in senders:
                link.stall(sent_by=sender)

    def unite(self, one: str, other: str) -> None:
        """Heal all links between two zones."""
        for link in self.links_between(one, other):
            link.heal()

    # What is open.

    def links_of(self, name: str) -> list[Link]:
        """Return the links of a host, its own to itself among them."""
        return [link for link in self._links.values() if name in link.ends]

    def streams_of(self, name: str) -> list[VirtualStream]:
        """Return the ends that a host has open; those in a queue of it count."""
        return [
            stream
            for link in self.links_of(name)
            for stream in link.streams.values()
            if stream.leaves_by(link.path_from(name))
        ]

    def open_streams(self) -> list[VirtualStream]:
        """Return the ends that their owners have not closed; those in a queue count."""
        return [stream for link in self._links.values() for stream in link.streams.values()]

    def stream(self, serial: int) -> VirtualStream | None:
        """Return the end of that number, unless its owner has closed it."""
        known = (link.streams.get(serial) for link in self._links.values())
        return next((stream for stream in known if stream is not None), None)

    def open_listeners(self) -> list[VirtualListener]:
        """Return the listeners that are not closed."""
        return [listener for host in self._hosts.values() for listener in host.listeners]

    def next_serial(self) -> int:
        """Return the next number of a stream: an identity that no address space decides."""
        return next(self._serials)


def _in_order(one: str, other: str) -> tuple[str, str]:
    """Return the key of a pair in which neither comes first."""
    return (one, other) if one <= other else (other, one)
