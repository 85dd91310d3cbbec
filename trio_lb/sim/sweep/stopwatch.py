"""How long a search takes in the real world: the one clock here that is not virtual.

It is for progress and budgets of whoever waits, outside of runs; inside of one it is poisoned.
"""

import time


class Stopwatch:
    """Begins when it is made; ``seconds()`` is what has passed since."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def seconds(self) -> float:
        """Return the seconds since it was made."""
        return time.monotonic() - self._begun
