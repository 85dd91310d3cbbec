"""What trio leaves to chance, pinned: the same program takes the same steps in every process.

| pin | trio by itself | pinned |
|---|---|---|
| the order of the tasks of one pass | turned round by the toss of a coin | as they were made, or drawn from a seed |
| scopes that fire at the same instant | by their address in memory | as they were given their deadline |
| the tasks that a scope cancels | as a hash table has them | as they came |

The names that are patched are trio's own and may change with any version. So the pins are
tried (``self_test``) in the first run of a process under a version of trio that is not
among those that they were made for, and whatever does not hold fails loudly.
"""

import contextlib
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from heapq import heappush
from typing import Any, Final

import trio

TESTED: Final = ("0.30", "0.31", "0.32", "0.33", "0.34", "0.35")
"""Versions of trio whose inner names were read by us."""

_run: Any = trio._core._run


class PinError(RuntimeError):
    """A pin does not hold under this version of trio: a run would not be the same twice."""


class OrderedSet(dict[Any, None]):
    """As much of a set as trio asks for, in the order in which the elements came."""

    __slots__ = ()

    def __init__(self, elements: Iterable[object] = ()) -> None:
        super().__init__(dict.fromkeys(elements))

    def add(self, element: object) -> None:
        """Put it last, unless it is there."""
        self[element] = None

    def remove(self, element: object) -> None:
        """Take it out; KeyError if it is not there."""
        del self[element]

    def discard(self, element: object) -> None:
        """Take it out if it is there."""
        self.pop(element, None)


class _Fifo:
    """Stands in for trio's generator: tasks of a pass run in the order of their making."""

    def shuffle(self, batch: list[object]) -> None:
        """Trio takes tasks from the end of the batch."""
        batch.reverse()

    def random(self) -> float:
        """Trio asks it for nothing else while scheduling is deterministic."""
        return 0.0

    def uniform(self, a: float, b: float) -> float:
        """The offset of a clock that is not used here."""
        return a


def _chance_of(schedule: str) -> object:
    kind, _, seed = schedule.partition(":")
    if kind == "shuffle" and seed.isdigit():
        return random.Random(int(seed))
    if schedule != "fifo":
        raise ValueError(f"schedule: {schedule!r} is neither 'fifo' nor 'shuffle:NUMBER'")
    return _Fifo()


@contextlib.contextmanager
def deterministic(schedule: str = "fifo") -> Iterator[None]:
    """Pin what trio leaves to chance while the block runs ``trio.run``.

    ``schedule`` is ``fifo``, or ``shuffle:NUMBER`` to explore other orders; under a shuffle each
    task that is added changes everything that comes later.

    Raises:
      PinError: trio has not the names that are pinned.
      ValueError: there is no such schedule.
    """
    chance = _chance_of(schedule)
    with contextlib.ExitStack() as pins:
        try:
            _pin_batches(pins, chance)
            _pin_deadlines(pins)
            _pin_sets(pins)
        except (AttributeError, TypeError) as error:
            raise PinError(f"trio {trio.__version__}: {error}") from error
        yield


def _replace(pins: contextlib.ExitStack, owner: Any, name: str, value: object) -> None:
    """Set an attribute that is there until the pins are taken out."""
    pins.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _pin_batches(pins: contextlib.ExitStack, chance: object) -> None:
    _replace(pins, _run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
    _replace(pins, _run, "_r", chance)


def _pin_deadlines(pins: contextlib.ExitStack) -> None:
    serials = itertools.count()

    def add(self: Any, deadline: float, cancel_scope: trio.CancelScope) -> None:
        heappush(self._heap, (deadline, next(serials), cancel_scope))
        self._active += 1

    _replace(pins, _run.Deadlines, "add", add)


def _pin_sets(pins: contextlib.ExitStack) -> None:
    for owner, names in (
        (_run.CancelStatus, ("_children", "_tasks")),
        (_run.Nursery, ("_children",)),
    ):
        _replace(pins, owner, "__init__", _with_ordered(owner.__init__, names))


def _with_ordered(init: Callable[..., None], names: Iterable[str]) -> Callable[..., None]:
    """The same, but the sets that it made (empty ones) keep their order from then on."""

    def ordered(self: Any, *args: object, **options: object) -> None:
        init(self, *args, **options)
        for name in names:
            if getattr(self, name):
                raise PinError(f"trio {trio.__version__}: {name} does not begin empty")
            setattr(self, name, OrderedSet())

    return ordered
