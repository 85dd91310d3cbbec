"""Whether the pins hold: three little programs whose order chance would decide without them.

Each is made so that the order by addresses or hashes is not the right one: what is created
first is used last.
"""

import functools
import random
import warnings
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from trio_lb.sim.pins import TESTED, PinError

MANY: Final = 64
"""That so many come in the right order by accident has a chance of one in 64!."""

Play = Callable[[], Awaitable[list[int]]]


def _drawn() -> list[int]:
    numbers = list(range(MANY))
    random.Random(7).shuffle(numbers)
    return numbers


async def tasks_of_one_pass() -> list[int]:
    """Tasks run in the order in which they were started."""
    told: list[int] = []

    async def tell(number: int) -> None:
        told.append(number)
        await trio.lowlevel.checkpoint()
        told.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(MANY):
            nursery.start_soon(tell, number)
    return told


async def scopes_of_one_instant() -> list[int]:
    """Scopes whose deadlines are the same fire in the order in which they were entered."""
    told: list[int] = []
    scopes = [trio.CancelScope(deadline=trio.current_time() + 1.0) for _ in range(MANY)]

    def abort(number: int, _: object) -> trio.lowlevel.Abort:
        told.append(number)
        return trio.lowlevel.Abort.SUCCEEDED

    async def wait(scope: trio.CancelScope, number: int) -> None:
        with scope:
            await trio.lowlevel.wait_task_rescheduled(functools.partial(abort, number))

    async with trio.open_nursery() as nursery:
        for number, which in enumerate(_drawn()):
            nursery.start_soon(wait, scopes[which], number)
    return told


async def tasks_of_one_scope() -> list[int]:
    """The tasks that a scope cancels hear of it in the order in which they came."""
    told: list[int] = []

    def abort(number: int, _: object) -> trio.lowlevel.Abort:
        told.append(number)
        return trio.lowlevel.Abort.SUCCEEDED

    async def wait(number: int) -> None:
        await trio.lowlevel.wait_task_rescheduled(functools.partial(abort, number))

    async with trio.open_nursery() as nursery:
        for number in range(MANY):
            nursery.start_soon(wait, number)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    return told


PLAYS: Final[dict[Play, list[int]]] = {
    tasks_of_one_pass: [*range(MANY), *range(MANY)],
    scopes_of_one_instant: list(range(MANY)),
    tasks_of_one_scope: list(range(MANY)),
}


def self_test() -> None:
    """Run the programs.

    Raises:
      PinError: one of them did not do as it should; the message says which.
    """
    from trio_lb.sim.run import run_pinned

    for play, expected in PLAYS.items():
        if run_pinned(play) != expected:
            what = (play.__doc__ or "").rstrip(".")
            raise PinError(f"trio {trio.__version__}: this does not hold: {what}")


@functools.cache
def require_pins() -> None:
    """Under a version of trio that is not known, see once a process that the pins hold.

    Raises:
      PinError: they do not.
    """
    if ".".join(trio.__version__.split(".")[:2]) not in TESTED:
        self_test()
        warnings.warn(
            f"simulations were made for trio {TESTED[0]} to {TESTED[-1]}; the self-test"
            f" passes under {trio.__version__}",
            RuntimeWarning,
            stacklevel=3,
        )
