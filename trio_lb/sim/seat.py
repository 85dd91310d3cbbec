"""A seat: where one task waits for news.

    wait(next_at) --> an alarm at next_at() --> it rings: is there news? --> the task goes on
                       ^---- tell: news may come earlier now ----'            (or another alarm)

All waiting in the virtual network happens here, in the task that wants something.
No other task pumps bytes along, so nothing has to be started, stopped or cleaned up.
What is only under way wakes nobody: who sends moves the alarm of who receives.
"""

import math
from collections.abc import Callable
from types import TracebackType
from typing import Self

import trio

from trio_lb.sim.clock import Call, DesClock


class Seat:
    """A place for one task at a time; a second one is told ``BusyResourceError``.

    ``with seat:`` claims it; ``await seat.wait(next_at)`` may return early, so the
    caller looks again each time.
    """

    __slots__ = ("_alarm", "_clock", "_next_at", "_rings_at", "_scope", "_taken", "_use", "_waiter")

    def __init__(self, use: str) -> None:
        self._use = use
        self._taken = False
        self._waiter: trio.lowlevel.Task | None = None
        self._clock: DesClock | None = None
        self._scope: trio.CancelScope | None = None
        self._next_at = _never
        self._rings_at = math.inf
        self._alarm: Call | None = None

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

    async def wait(self, next_at: Callable[[], float]) -> None:
        """Wait for ``wake``, or until ``next_at()``, an instant that may move: ``tell`` says so."""
        self._next_at = next_at
        if self._clock is None and isinstance(clock := trio.lowlevel.current_clock(), DesClock):
            self._clock = clock
        if self._clock is not None:  # A call costs a fraction of a scope.
            self._set_alarm(self._clock)
            await self._park()
        else:
            with trio.CancelScope(deadline=next_at()) as self._scope:
                await self._park()

    async def _park(self) -> None:
        """Wait until somebody reschedules this task."""
        self._waiter = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._give_up)

    def _give_up(self, _: object) -> trio.lowlevel.Abort:
        self._end()
        return trio.lowlevel.Abort.SUCCEEDED

    def _end(self) -> None:
        """Nobody waits any more, for nothing."""
        self._waiter = self._scope = None
        self._next_at = _never
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm, self._rings_at = None, math.inf

    def _set_alarm(self, clock: DesClock) -> None:
        at = self._next_at()
        if at >= self._rings_at:
            return  # It rings before that, and looks how things stand then.
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._rings_at = clock.call_at(at, self._ring), at

    def _ring(self) -> None:
        assert self._clock is not None, "it has set the alarm"
        self._alarm, self._rings_at = None, math.inf
        if self._next_at() > self._clock.current_time():
            self._set_alarm(self._clock)  # A stall, or a packet that was lost, has moved it.
        else:
            self.wake()

    def tell(self) -> None:
        """News may come earlier than it seemed: let the waiting task, if any, have it in time."""
        if self._waiter is None:
            return
        if self._clock is not None:
            self._set_alarm(self._clock)
        elif (at := self._next_at()) <= trio.current_time():
            self.wake()
        elif self._scope is not None:
            self._scope.deadline = at

    def wake(self) -> None:
        """Let the waiting task, if there is one, look again now."""
        if self._waiter is not None:
            waiter = self._waiter
            self._end()
            trio.lowlevel.reschedule(waiter)


def _never() -> float:
    return math.inf
