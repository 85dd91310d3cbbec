"""An alarm on trio's own deadlines: see ``net.env.Alarm``."""

from collections.abc import Callable

import trio


class DeadlineAlarm:
    """Sleeps in a cancel scope; whoever moves the instant moves the scope's deadline."""

    __slots__ = ("_next_at", "_sleep")

    def __init__(self) -> None:
        self._sleep: trio.CancelScope | None = None
        self._next_at: Callable[[], float] | None = None

    async def wait(self, next_at: Callable[[], float]) -> None:
        """See ``Alarm``."""
        self._next_at = next_at
        try:
            with trio.CancelScope(deadline=next_at()) as self._sleep:
                await trio.sleep_forever()
        finally:
            self._sleep = self._next_at = None

    def tell(self) -> None:
        """See ``Alarm``."""
        if self._sleep is not None and self._next_at is not None:
            self._sleep.deadline = self._next_at()
