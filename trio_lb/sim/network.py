"""The virtual network: hosts, names, the links between hosts, and what is open on them.

It works in any trio program, but is meant for a clock that jumps
(``trio.testing.MockClock(autojump_threshold=0)``): every wait is a deadline of the
task that waits, so the next arrival is also the clock's next jump.

The same seed and the same program give the same instants in the same order. What
is iterated here are lists and dicts, in the order in which things were made.
"""

import itertools
from collections.abc import Sequence
from typing import Final

from trio_lb.net.env import ConnectError
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.link import Link
from trio_lb.sim.listener import VirtualListener
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
        self._seed = seed
        self._latency_seconds = latency_seconds
        self._hosts: dict[str, HostNetwork] = {}
        self._names: dict[str, list[str]] = {"localhost": ["127.0.0.1"]}
        self._links: dict[tuple[str, str], Link] = {}
        self._serials = itertools.count(1)

    def host(self, name: str, address: str | None = None) -> HostNetwork:
        """Return the host of that name, made at first use; then its name resolves, too.

        Without an ``address`` it gets the next one of 10.0.0.0/16.
        """
        if name not in self._hosts:
            number = len(self._hosts) + 1
            host = HostNetwork(self, name, address or f"10.0.{number >> 8}.{number & 255}")
            self._hosts[name] = host
            self._names.setdefault(name, [host.address])
        host = self._hosts[name]
        if address not in (None, host.address):
            raise ValueError(f"host {name} is at {host.address}, not at {address}")
        return host

    def set_name(self, name: str, addresses: Sequence[str]) -> None:
        """Let ``name`` resolve to these literals from now on; to none: it is unknown."""
        self._names[name] = list(addresses)

    def look_up(self, name: str) -> list[str]:
        """Return the literals of a name.

        Raises:
          ConnectError: nobody knows it.
        """
        addresses = self._names.get(name)
        if not addresses:
            raise ConnectError(f"{name}: name is not known")
        return list(addresses)

    def host_at(self, address: str) -> HostNetwork | None:
        """Return the host with that literal address."""
        return next((host for host in self._hosts.values() if host.address == address), None)

    def link(self, one: str, other: str) -> Link:
        """Return the link between two hosts, in either order; made at first use."""
        ends = (one, other) if one <= other else (other, one)
        if ends not in self._links:
            latency_seconds = 0.0 if one == other else self._latency_seconds
            self._links[ends] = Link(ends, latency_seconds, self._seed, self._wake_listeners)
        return self._links[ends]

    def open_streams(self) -> list[VirtualStream]:
        """Return the ends that their owners have not closed; those in a queue count."""
        return [stream for link in self._links.values() for stream in link.streams.values()]

    def open_listeners(self) -> list[VirtualListener]:
        """Return the listeners that are not closed."""
        return [listener for host in self._hosts.values() for listener in host.listeners]

    def next_serial(self) -> int:
        """Return the next number of a stream: an identity that no address space decides."""
        return next(self._serials)

    def _wake_listeners(self) -> None:
        for listener in self.open_listeners():
            listener.wake()
