"""What every state machine over time has in common: the deadline half of the contract."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from trio_lb.model.events import Event


class Machine(Protocol):
    """A pure state machine that may want to be called at an instant.

    One timer task serves every machine of a balancer: it sleeps until the earliest
    ``deadline``, calls ``on_deadline`` and publishes what comes back. Each machine
    also has its own ``observe``-like methods; they too return events and may move
    the deadline, and the caller then tells the timer (see ``control.timers``).
    """

    @property
    def deadline(self) -> float | None:
        """The instant (seconds, the clock of ``now``) at which it wants a call, or None."""
        ...

    def on_deadline(self, now: float) -> Sequence[Event]:
        """Do what was due at or before ``now``; an early call changes nothing."""
        ...

    def snapshot(self) -> Mapping[str, Any]:
        """Return the state as plain values that survive a reload or a process hand-over."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the state of ``snapshot`` back; unknown keys are ignored."""
        ...
