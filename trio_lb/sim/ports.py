"""The ports from which a host dials: bounded, and each used once towards one target.

A connection is known by both addresses and both ports, so the same port may lead to
several targets at a time, but to each of them only once. (Linux, too, runs out of
ports towards one server long before it runs out of ports.)
"""

from collections.abc import Hashable
from typing import Final

FIRST_CLIENT_PORT: Final = 32768
FIRST_FREE_PORT: Final = 49152
"""What port 0 gives out to listeners; clients' ports lie below, so the two never meet."""


class ClientPorts:
    """Gives out the ports of ``allowed`` in turn; a port that was given back comes last."""

    def __init__(self) -> None:
        self.allowed = range(FIRST_CLIENT_PORT, FIRST_FREE_PORT)
        self._next = FIRST_CLIENT_PORT
        # Asked for membership only, so its order can't reach the trace.
        self._taken: set[tuple[Hashable, int]] = set()

    def take(self, target: Hashable) -> int | None:
        """Return a port that leads to ``target`` from now on, None when all do."""
        for _ in self.allowed:
            port = self._turn()
            if (target, port) not in self._taken:
                self._taken.add((target, port))
                return port
        return None

    def _turn(self) -> int:
        port = self._next if self._next in self.allowed else self.allowed.start
        self._next = port + 1
        return port

    def free(self, target: Hashable, port: int) -> None:
        """Give a port towards ``target`` back."""
        self._taken.discard((target, port))
