"""What somebody in the middle does to a direction of one connection: rules and valves.

::

    sender --> rules: what leaves? --> [ queue ] --> valves: may it be read now? --> receiver

A rule sees what is sent and says what passes, how late, and whether the direction ends there. A
valve sees nothing: it only says from when on, and how much at once, may be read; so when a valve
is taken away, all that it held is there at once. Both are put on a ``Pipe`` and taken off it, and
a pipe that has none pays for none.
"""

import math
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol


class End(Enum):
    """What follows what a rule lets pass."""

    NONE = "none"
    """More, when more is sent."""
    DROP = "drop"
    """Silence: the rest, and all that is sent later, vanishes and fills the window."""
    FIN = "fin"
    """An end of file; what is sent later vanishes, though its sender thinks it was sent."""
    RESET = "reset"
    """A reset: the sender sees it now, the receiver behind what passed."""


class Ruling(NamedTuple):
    """What becomes of a piece: so much of it leaves, so late, and then that."""

    data: bytes
    late_seconds: float = 0.0
    end: End = End.NONE


class Rule(Protocol):
    """Judges each piece that is sent in one direction of one connection."""

    def judge(self, data: bytes, now: float) -> Ruling:
        """Say what becomes of ``data``, which is not empty."""
        ...


def judge(rules: Sequence[Rule], data: bytes, now: float) -> Ruling:
    """Return what all of them leave of a piece; the first that ends the direction ends it."""
    late_seconds = 0.0
    for rule in rules:
        ruling = rule.judge(data, now)
        late_seconds += ruling.late_seconds
        if ruling.end is not End.NONE or not ruling.data:
            return Ruling(ruling.data, late_seconds, ruling.end)
        data = ruling.data
    return Ruling(data, late_seconds)


class Valve:
    """Stands before the receiver of one direction; this one is closed until it is taken off."""

    opens_at: float = math.inf
    """Nothing can be read before that instant; infinite: as long as the valve is there."""
    hides_resets: bool = False
    """Whether a reset, too, is seen only when the valve is taken off."""

    def most_bytes(self, wanted: int) -> int:
        """Return how many of so many bytes one receive may take; at least 1."""
        return wanted

    def took(self, now: float) -> None:
        """Note that bytes were read."""


class Standstill(Valve):
    """Stands before a process that is stopped: it looks at nothing, so it sees no reset either."""

    hides_resets = True


class Drip(Valve):
    """Lets ``piece_bytes`` through, and ``every_seconds`` later as many again."""

    def __init__(self, piece_bytes: int, every_seconds: float) -> None:
        self.opens_at = -math.inf
        self._piece_bytes = piece_bytes
        self._every_seconds = every_seconds

    def most_bytes(self, wanted: int) -> int:
        """See ``Valve``."""
        return min(wanted, self._piece_bytes)

    def took(self, now: float) -> None:
        """See ``Valve``."""
        self.opens_at = now + self._every_seconds
