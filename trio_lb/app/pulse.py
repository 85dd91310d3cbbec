"""The pulse: ``metrics_updated`` once a second, for as long as somebody listens to it.

It is a machine for the timers: without a listener it has no deadline, and costs nothing.
"""

from collections.abc import Callable, Sequence
from typing import Final

from trio_lb.model.events import Event, MetricsUpdated
from trio_lb.net.bus import Bus
from trio_lb.state.ledger import Statistics

PERIOD_SECONDS: Final = 1.0


class Pulse:
    """Beats each second from the moment somebody begins to listen.

    ``touch`` is told when ``deadline`` comes or goes with the listeners.
    """

    def __init__(
        self,
        bus: Bus,
        now: Callable[[], float],
        statistics: Callable[[], Statistics],
        touch: Callable[["Pulse"], None],
    ) -> None:
        self._bus = bus
        self._now = now
        self._statistics = statistics
        self._touch = touch
        self._due: float | None = None
        bus.on_interest = self._on_interest

    @property
    def deadline(self) -> float | None:
        """When it beats next; None while nobody listens."""
        return self._due

    def on_deadline(self, now: float) -> Sequence[Event]:
        """Beat. Beats that the whole process has slept through are left out."""
        assert self._due is not None, "who has no deadline is not called"
        due = self._due + PERIOD_SECONDS
        self._due = due if due > now else now + PERIOD_SECONDS
        return (MetricsUpdated(at=now, metrics=self._statistics()),)

    def _on_interest(self) -> None:
        is_wanted = self._bus.wants(MetricsUpdated)
        if is_wanted is (self._due is not None):
            return
        self._due = self._now() + PERIOD_SECONDS if is_wanted else None
        self._touch(self)
