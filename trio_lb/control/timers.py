"""Timers: one task calls every machine at the instant that it asked for.

It sleeps until the earliest deadline known. One that moves earlier or later only moves
the alarm, so nobody is woken when nothing is due, and nothing has to poll. Instants are exact under a virtual clock.

Deadlines live in a heap. An entry that no longer says what its machine said last is
stale: it is skipped when it comes up, and swept out when stale ones prevail.
"""

import heapq
import itertools
import math
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final, Protocol

import attrs
import trio

from trio_lb.control.supervisor import Supervisor
from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event
from trio_lb.net.env import Env

_SWEEP_BEYOND: Final = 64
"""Stale entries that are let be, however few machines there are."""


class Due(Protocol):
    """The half of ``policy.machine.Machine`` that a timer serves; pools of connections too."""

    @property
    def deadline(self) -> float | None:
        """When it wants a call, or None."""
        ...

    def on_deadline(self, now: float) -> Iterable[Event]:
        """Do what is due; afterwards ``deadline`` lies later than before, or is None."""
        ...


@attrs.frozen(slots=True)
class TimersStatistics:
    """``machines`` are waiting for a call; ``calls`` were made since the start."""

    machines: int
    calls: int


class Timers:
    """Knows who wants to be called when. Call ``touch`` whenever a deadline may have moved."""

    def __init__(self, env: Env, publish: Callable[[Event], None]) -> None:
        self._env = env
        self._publish = publish
        self._serials = itertools.count()
        self._heap: list[tuple[float, int, Due]] = []
        # For each waiting machine, by identity, the one entry that is not stale.
        self._entries: dict[int, tuple[float, int, Due]] = {}
        self._alarm = env.alarm()
        self._calls = 0

    def touch(self, machine: Due) -> None:
        """Look at ``machine.deadline`` anew; cheap, also when it has not moved."""
        deadline, entry = machine.deadline, self._entries.get(id(machine))
        if deadline is None:
            if entry is not None:
                del self._entries[id(machine)]
                self._aim()
        elif entry is None or entry[0] != deadline:
            self._push(machine, deadline)
            self._aim()

    def forget(self, machine: Due) -> None:
        """Never call ``machine`` again, unless it is touched again."""
        if self._entries.pop(id(machine), None) is not None:
            self._aim()

    def statistics(self) -> TimersStatistics:
        """Return the present as a value."""
        return TimersStatistics(machines=len(self._entries), calls=self._calls)

    async def run(self) -> None:
        """Call machines as they become due, for ever. One task does so at a time.

        What a machine raises goes out; that machine is not called again before its next
        ``touch``, so a supervisor may start ``run`` anew for the sake of the others.
        """
        while True:
            await self._alarm.wait(self._earliest)
            now = self._env.now()
            while self._earliest() <= now:
                self._call(self._heap[0][2], now)
                if self._earliest() <= now:
                    await trio.lowlevel.checkpoint()  # Many are due at once: others have a turn.

    def _call(self, machine: Due, now: float) -> None:
        asked_for, _, _ = self._entries.pop(id(machine))
        self._calls += 1
        for event in machine.on_deadline(now):
            self._publish(event)
        self.touch(machine)
        if machine.deadline == asked_for:
            self.forget(machine)
            raise IllegalTransition(f"{machine!r} left its deadline where it was: {asked_for}")

    def _earliest(self) -> float:
        """The next deadline, infinity without one; the heap's top is not stale then."""
        heap = self._heap
        while heap and self._entries.get(id(heap[0][2])) is not heap[0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else math.inf

    def _push(self, machine: Due, deadline: float) -> None:
        entry = (deadline, next(self._serials), machine)
        self._entries[id(machine)] = entry
        if len(self._heap) > 2 * len(self._entries) + _SWEEP_BEYOND:
            self._heap = list(self._entries.values())
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, entry)

    def _aim(self) -> None:
        """Move the alarm; the sleeper is not woken unless something is due."""
        self._alarm.tell()


@asynccontextmanager
async def open_timers(
    env: Env, publish: Callable[[Event], None], *, supervisor: Supervisor | None = None
) -> AsyncGenerator[Timers, None]:
    """Serve deadlines for as long as the block runs; the events go to ``publish``.

    Checkpoints: none on entry; the exit waits for the timers' task to end.
    """
    timers = Timers(env, publish)
    supervisor = supervisor or Supervisor(env)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.run, "timers", timers.run, name="timers")
        yield timers
        nursery.cancel_scope.cancel()
