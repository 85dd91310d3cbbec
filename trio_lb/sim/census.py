"""How many connections balancers hold: read off what they hold, twice in each bucket of a report.

A connection that closes is told by nobody: it would be a line more in every trace, for one plot.
So this looks, from a call on the clock: that takes no turn of the loop, draws no chance and
changes nothing. A storm that comes and goes between two looks is not seen.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from trio_lb.sim.clock import DesClock
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.report.tally import Tally

LOOKS: Final = 2
"""So many in each bucket."""


class _Running(Protocol):
    @property
    def connection_count(self) -> int: ...


class _Balancer(Protocol):
    @property
    def host(self) -> HostNetwork: ...
    @property
    def lb(self) -> _Running | None: ...


def connections_of(balancer: _Balancer) -> tuple[int, int]:
    """Return how many connections of clients, and how many to servers, are open at a balancer.

    Those to servers are whatever else it has descriptors for, but for its listeners: idle ones,
    probes, and those that are still being made.
    """
    clients = 0 if balancer.lb is None else balancer.lb.connection_count
    host = balancer.host
    return clients, max(0, host.descriptors.used - len(host.listeners) - clients)


class Census:
    """Tells a tally what balancers hold, from ``start`` to its horizon."""

    def __init__(self, clock: DesClock, balancers: Mapping[str, _Balancer], tally: Tally) -> None:
        self._clock = clock
        self._balancers = balancers
        self._tally = tally
        self._count = 0

    def start(self) -> None:
        """Look now, and again and again."""
        grid = self._tally.grid
        counts = [connections_of(each) for each in self._balancers.values()]
        self._tally.counted(
            self._count * grid.step / LOOKS,
            sum(clients for clients, _ in counts),
            sum(servers for _, servers in counts),
        )
        self._count += 1
        if self._count < grid.count * LOOKS:
            self._clock.call_at(self._count * grid.step / LOOKS, self.start)
