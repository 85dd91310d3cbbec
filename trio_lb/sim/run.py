"""Running a program in virtual time, the same way each time.

poison  ->  pins  ->  the clock that jumps  ->  trio.run(main)  ->  what main returned, or what went wrong
"""

import gc
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import trio
from trio.testing import MockClock

from trio_lb.sim.busy import busy_tasks
from trio_lb.sim.clock import DesClock, SimulationStuck
from trio_lb.sim.env import DEFAULT_EPOCH
from trio_lb.sim.pins import deterministic
from trio_lb.sim.poison import poisoned
from trio_lb.sim.self_test import require_pins

T = TypeVar("T")


def run(
    main: Callable[[], Awaitable[T]],
    *,
    seed: int = 0,
    schedule: str = "fifo",
    clock: DesClock | MockClock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
    guests: tuple[str, ...] = (),
) -> T:
    """Run ``main()`` at instant 0 of virtual time and return what it returns.

    ``schedule`` is that of ``pins.deterministic``. ``clock`` may be handed in by who wants to
    call things on it (``call_at``); a ``MockClock(autojump_threshold=0)`` gives the same
    timeline in half as much time again, to those who make no calls. What is real (chance, clocks, threads, sockets) raises
    ``Poisoned``; modules that can't do without get virtual time and bytes drawn from ``seed``
    when they are among the ``guests``.

    Raises:
      PinError: this version of trio can't be made deterministic.
      Poisoned: something real was touched.
      SimulationStuck: nothing would ever happen again, or time stood still.
      Exception: whatever ``main`` or a call on the clock raised.
    """
    require_pins()
    clock = clock or DesClock()
    with poisoned(seed, now=clock.current_time, epoch=DEFAULT_EPOCH, guests=guests):
        return run_pinned(main, schedule=schedule, clock=clock, instruments=instruments)


def run_pinned(
    main: Callable[[], Awaitable[T]],
    *,
    schedule: str = "fifo",
    clock: DesClock | MockClock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
) -> T:
    """The same without asking whether the pins hold: what the self-test itself runs in."""
    clock = clock or DesClock()
    begin = main if isinstance(clock, MockClock) else partial(_until_fault, main, clock)
    with deterministic(schedule), _collecting_between_runs():
        try:
            return trio.run(begin, clock=clock, instruments=list(instruments))
        finally:
            if isinstance(clock, DesClock) and clock.fault is not None:
                raise clock.fault  # Whatever else came of it is its context.


async def _until_fault(main: Callable[[], Awaitable[T]], clock: DesClock) -> T:
    with trio.CancelScope() as scope:
        clock.on_fault = partial(_give_up, clock, scope)
        return await main()
    raise clock.fault or AssertionError("nobody else cancels this scope")


def _give_up(clock: DesClock, scope: trio.CancelScope) -> None:
    """End the run; when time stands still, say who keeps it from going on."""
    if isinstance(clock.fault, SimulationStuck) and (busy := busy_tasks()):
        clock.fault.add_note(busy)
    scope.cancel()


@contextmanager
def _collecting_between_runs() -> Iterator[None]:
    """No finalizer runs at a moment of the collector's own choosing."""
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
