"""What stood while something happened: faults, ejections, open breakers, drains, panics.

Whoever asks why a request went where it went asks what its balancer knew; and that was told
before, of no request in particular.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from trio_lb.sim.happening import What
from trio_lb.sim.trace import TraceEvent

Thing: TypeAlias = tuple[object, ...]
"""What is begun and ended: a fault, or a server's verdict at one balancer."""

# Each kind with the family of what it begins or ends, and which of its values name the thing.
_SERVER: Final = slice(0, 2)
_BEGINS: Final[Mapping[str, tuple[str, slice]]] = {
    What.INJECT.name: ("fault", slice(1, 2)),
    What.EJECT.name: ("ejection", _SERVER),
    What.OPEN.name: ("breaker", _SERVER),
    What.HALF_OPEN.name: ("breaker", _SERVER),
    What.DRAIN.name: ("drain", _SERVER),
    What.FAIL_OPEN.name: ("panic", slice(0, 1)),
}
_ENDS: Final[Mapping[str, tuple[str, slice]]] = {
    What.HEALED.name: ("fault", slice(1, 2)),
    What.READMIT.name: ("ejection", _SERVER),
    What.CLOSE.name: ("breaker", _SERVER),
    What.RESUME.name: ("drain", _SERVER),
    What.DRAINED.name: ("drain", _SERVER),
    What.FAIL_CLOSED.name: ("panic", slice(0, 1)),
}
_PASSES: Final = frozenset(
    {What.NO_SERVER.name, What.SHED.name, What.ADD.name, What.REMOVE.name, What.PHASE.name}
)
"""Worth telling when it happens, and over with it."""


class Background:
    """Follows a trace, and knows at any event what stands."""

    def __init__(self) -> None:
        self._standing: dict[Thing, TraceEvent] = {}

    @property
    def standing(self) -> list[TraceEvent]:
        """Return the event that began each thing that stands, in their order."""
        return sorted(self._standing.values(), key=lambda event: event.seq)

    def heed(self, event: TraceEvent) -> bool:
        """Take an event in, and say whether it belongs to the background."""
        if event.kind == What.HEALTH.name:
            self._take(
                ("health", event.entity, *event.values[_SERVER]), event, event.values[2:3] != (1,)
            )
            return True
        if event.kind in _BEGINS or event.kind in _ENDS:
            family, names = _BEGINS.get(event.kind) or _ENDS[event.kind]
            # A fault is told of its target when it begins; its number names it alone.
            whose = "" if family == "fault" else event.entity
            self._take((family, whose, *event.values[names]), event, event.kind in _BEGINS)
            return True
        return event.kind in _PASSES and not event.req

    def _take(self, thing: Thing, event: TraceEvent, begins: object) -> None:
        self._standing.pop(thing, None)
        if begins:
            self._standing[thing] = event
