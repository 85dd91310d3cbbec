"""The seam of chance, as seen by code that may not import ``random``."""

from collections.abc import MutableSequence, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Rng(Protocol):
    """What a policy may ask of chance; ``random.Random`` satisfies it.

    A policy takes one as an argument and never keeps one, so that the same seed
    gives the same decisions wherever the policy runs.
    """

    def random(self) -> float:
        """Return a float in [0, 1)."""
        ...

    def uniform(self, a: float, b: float) -> float:
        """Return a float between ``a`` and ``b``."""
        ...

    def randrange(self, stop: int, /) -> int:
        """Return an integer in [0, stop)."""
        ...

    def getrandbits(self, k: int, /) -> int:
        """Return an integer of ``k`` random bits."""
        ...

    def choice(self, seq: Sequence[T], /) -> T:
        """Return one element of a non-empty sequence."""
        ...

    def shuffle(self, x: MutableSequence[Any], /) -> None:
        """Shuffle a list in place."""
        ...
