"""Virtual time for a test: a clock that jumps, and tasks that run in the same order each time."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import trio
from trio.testing import MockClock


def run_in_virtual_time(
    main: Callable[[], Awaitable[Any]],
    *,
    clock: trio.abc.Clock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
) -> Any:
    """``trio.run`` at instant 0 of a clock that jumps whenever everybody waits."""
    _schedule_alike_each_time()
    jumping = clock or MockClock(autojump_threshold=0)
    return trio.run(main, clock=jumping, instruments=list(instruments))


def _schedule_alike_each_time() -> None:
    """Pin what trio leaves to chance: the order of the tasks of one pass.

    trio has these two names for Hypothesis and no public ones. Without them a test
    would still be right, only its order of events not the same in every run.
    """
    run = trio._core._run
    run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc] # Final, but made to be set.
    run._r.seed(0)
