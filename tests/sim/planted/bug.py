"""A planted bug: what it breaks, and how the product is changed for as long as it is there.

Nothing here says how the bug could be found: whoever hunts it must not know.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import attrs

Plant = Callable[["Bed"], None]


class Bed:
    """Where a bug is planted: replaces attributes of classes and modules, and brings them back."""

    def __init__(self) -> None:
        self._patches: list[Any] = []

    def replace(self, owner: object, name: str, value: object) -> None:
        """Let ``owner.name`` be another thing, which was there before."""
        change = patch.object(owner, name, value)
        change.start()
        self._patches.append(change)

    def clear(self) -> None:
        """Bring everything back, the last change first."""
        while self._patches:
            self._patches.pop().stop()


@attrs.frozen
class Bug:
    """``breaks`` is one sentence about what goes wrong; ``plant`` does it, the same each time."""

    name: str
    breaks: str
    plant: Plant

    @contextmanager
    def planted(self) -> Generator[None]:
        """Have it in the product for a block."""
        bed = Bed()
        try:
            self.plant(bed)
            yield
        finally:
            bed.clear()


class Patch:
    """The bugs of one module, in the order of their functions.

    A function whose name is the bug's and whose docstring is its sentence becomes one.
    """

    def __init__(self) -> None:
        self.bugs: list[Bug] = []

    def bug(self, plant: Plant) -> Plant:
        """Note a bug."""
        assert plant.__doc__ is not None, f"{plant.__name__} does not say what it breaks"
        self.bugs.append(Bug(plant.__name__, plant.__doc__, plant))
        return plant


def one_in(count: int) -> Callable[[], bool]:
    """Return a function that says yes each ``count``-th time."""
    turns = 0

    def is_it() -> bool:
        nonlocal turns
        turns += 1
        return turns % count == 0

    return is_it
