"""How a client asks: the request as it should be, and habits that change it on the way.

    try --> Asking --habit--> Asking(slower) --habit--> ... --> bytes, at once or drop by drop

A client's ``habits`` are asked in their order; a fault adds one and takes it away again.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import attrs

from trio_lb.sim.actors.http1 import body_of, request_head

_SLOW_BODY_BYTES: Final = 100
"""The body that a request gets which had none to be slow with."""
_LINE_BYTES: Final = 4096
"""The longest line of a large head."""


@attrs.define(slots=True)
class Asking:
    """What a client sends in one try, and how.

    ``more`` are further lines of the head. From byte ``drips_from`` on (None: not at all) one byte
    leaves every ``every_seconds``. It leaves as soon as ``leaves_after`` bytes of an answer came.
    """

    number: int
    method: str
    path: str
    host: str
    body: bytes = b""
    more: str = ""
    drips_from: int | None = None
    every_seconds: float = 0.0
    leaves_after: int | None = None

    def head(self) -> bytes:
        """Return the head as it is now."""
        size = len(self.body)
        return request_head(self.number, self.method, self.path, self.host, size, self.more)

    def to_bytes(self) -> bytes:
        """Return all that is sent."""
        return self.head() + self.body


Habit: TypeAlias = Callable[[Asking], object]
"""Changes how something is asked as it sees fit."""


@attrs.frozen(slots=True)
class SlowHead:
    """Sends the head byte by byte, as slowloris does."""

    every_seconds: float = 10.0

    def __call__(self, asking: Asking) -> None:
        """Slow it down from the first byte."""
        asking.drips_from, asking.every_seconds = 0, self.every_seconds


@attrs.frozen(slots=True)
class SlowBody:
    """Sends the body byte by byte; a request without one gets a small one."""

    every_seconds: float = 10.0

    def __call__(self, asking: Asking) -> None:
        """Slow it down from the end of the head."""
        asking.body = asking.body or body_of(asking.number, _SLOW_BODY_BYTES)
        asking.drips_from, asking.every_seconds = len(asking.head()), self.every_seconds


@attrs.frozen(slots=True)
class HugeHead:
    """Sends a head of at least so many bytes, in long lines."""

    size_bytes: int = 65536

    def __call__(self, asking: Asking) -> None:
        """Add lines."""
        left, turn = self.size_bytes, 0
        while left > 0:
            line = f"X-Large-{turn}: {'x' * min(left, _LINE_BYTES)}\r\n"
            asking.more += line
            left -= len(line)
            turn += 1


@attrs.frozen(slots=True)
class LeavesAfter:
    """Goes away in mid answer."""

    taken_bytes: int = 1024

    def __call__(self, asking: Asking) -> None:
        """Say when."""
        asking.leaves_after = self.taken_bytes
