"""The file descriptors of a host: how many its sockets hold, and how many they may."""

import errno

from trio_lb.net.env import OutOfDescriptors


class Descriptors:
    """A count with a limit (None: none). Lowering it closes nothing: it only refuses."""

    __slots__ = ("limit", "used")

    def __init__(self) -> None:
        self.limit: int | None = None
        self.used = 0

    def available(self, wanted: int) -> int:
        """Return how many of ``wanted`` could be taken now."""
        return wanted if self.limit is None else max(0, min(wanted, self.limit - self.used))

    def take(self) -> None:
        """Take one; whoever does gives it back with ``free``.

        Raises:
          OutOfDescriptors: all are in use.
        """
        if not self.available(1):
            raise OutOfDescriptors(errno.EMFILE, "too many open files")
        self.used += 1

    def free(self) -> None:
        """Give one back."""
        self.used -= 1
