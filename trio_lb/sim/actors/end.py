"""One end of a connection, as an actor needs it: a virtual stream, or TLS on one."""

from collections.abc import Callable
from typing import Protocol

import trio

from trio_lb.sim.watch import Watch


class Distrusted(trio.BrokenResourceError):
    """We do not believe the certificate that the other side has shown."""


class End(Protocol):
    """See ``VirtualStream``, whose own half all of this is."""

    @property
    def serial(self) -> int:
        """The number of the connection's end in its network."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether we closed it."""
        ...

    def is_stale(self) -> bool:
        """Whether an idle one can't be used again."""
        ...

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """Hand over as much as fits, and return how much that was."""
        ...

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """Take what has arrived: b"" at an end of file, None if nothing has."""
        ...

    def watch_arrivals(self, look: Callable[[], object]) -> Watch:
        """Let ``look()`` be called at the next arrival."""
        ...

    def watch_room(self, look: Callable[[], object]) -> Watch:
        """Let ``look()`` be called when there is room again."""
        ...

    def close(self) -> None:
        """Close it in an orderly way."""
        ...

    def abort(self) -> None:
        """Reset it."""
        ...
