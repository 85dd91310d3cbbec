"""A watch: how somebody without a task hears that a stream or a listener has news.

    wake ──> when is the next news?  ──> a call on the clock, at that instant ──> look()

It is to an actor what a ``Seat`` is to a task, and costs a fraction of one: no task is
scheduled, no scope entered. ``look`` is called from the clock, never from within whoever
caused the news, so no actor is entered while another one acts.
"""

import math
from collections.abc import Callable

import trio

from trio_lb.sim.clock import Call, DesClock


class Watch:
    """Calls ``look()`` when there is news, once for each ``wake`` or ``arm`` at the most.

    ``next_at()`` says when the next news is due: an instant of virtual time, one that has passed
    for news that waits, infinite for none. Who has looked and wants to hear of more arms it again;
    who does not look (a reader that stalls) is left in peace.
    """

    __slots__ = ("_call", "_clock", "_due_at", "_look", "_next_at")

    def __init__(self, next_at: Callable[[], float], look: Callable[[], object]) -> None:
        clock = trio.lowlevel.current_clock()
        if not isinstance(clock, DesClock):
            raise RuntimeError("actors need a DesClock: run them with trio_lb.sim.run.run")
        self._clock = clock
        self._next_at = next_at
        self._look = look
        self._call: Call | None = None
        self._due_at = math.inf

    def wake(self) -> None:
        """Something may have changed: see to it that the next news is heard."""
        at = self._next_at()
        if at >= self._due_at:
            return  # A call comes before that, and looks how things stand then.
        if self._call is not None:
            self._call.cancel()
        self._due_at = at
        self._call = self._clock.call_at(at, self._due)

    arm = wake

    def rest(self) -> None:
        """Hear of nothing until it is woken or armed again."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._due_at = math.inf

    def end(self) -> None:
        """Hear of nothing any more, and let go of who looked and of what was watched."""
        self.rest()
        self._next_at, self._look = _never, _never

    def _due(self) -> None:
        self._call = None
        self._due_at = math.inf
        if self._next_at() > self._clock.current_time():
            self.wake()  # A stall, or a packet that was lost, has moved it.
        else:
            self._look()


def _never() -> float:
    return math.inf
