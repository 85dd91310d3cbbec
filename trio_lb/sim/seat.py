"""A seat: where one task waits for news or for an instant, whichever comes first.

All waiting in the virtual network happens here, in the task that wants something.
No other task pumps bytes along, so nothing has to be started, stopped or cleaned up.
"""

import math
from types import TracebackType
from typing import Self

import trio

from trio_lb.sim.clock import Call, DesClock


class Seat:
    """A place for one task at a time; a second one is told ``BusyResourceError``.

    ``with seat:`` claims it; ``await seat.wait(until)`` may return early, so the
    caller looks again each time.
    """

    __slots__ = ("_taken", "_use", "_waiter")

    def __init__(self, use: str) -> None:
        self._use = use
        self._taken = False
        self._waiter: trio.lowlevel.Task | None = None

    def __enter__(self) -> Self:
        """Claim the seat."""
        if self._taken:
            raise trio.BusyResourceError(f"another task is already {self._use}")
        self._taken = True
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give it free."""
        self._taken = False

    async def wait(self, until: float) -> None:
        """Wait for ``wake`` or the instant ``until`` (may be infinite)."""
        if until == math.inf:
            await self._park(None)
            return
        clock = trio.lowlevel.current_clock()
        if isinstance(clock, DesClock):  # A call costs a fraction of a scope.
            await self._park(clock.call_at(until, self.wake))
            return
        with trio.CancelScope(deadline=until):
            await self._park(None)

    async def _park(self, alarm: Call | None) -> None:
        """Wait for ``wake``, which may come by the alarm."""
        self._waiter = trio.lowlevel.current_task()

        def give_up(_: object) -> trio.lowlevel.Abort:
            self._waiter = None
            if alarm is not None:
                alarm.cancel()
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(give_up)
        if alarm is not None:
            alarm.cancel()

    def wake(self) -> None:
        """Let the waiting task, if there is one, look again."""
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            trio.lowlevel.reschedule(waiter)
