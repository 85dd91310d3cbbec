"""The connections of a client: those that rest, those that may carry more, and new ones."""

from collections.abc import Callable

from trio_lb.sim.actors.line import Line
from trio_lb.sim.actors.patience import Patience
from trio_lb.sim.clock import DesClock


class Lines:
    """Hands out connections: the one that rested last first, as most pools do.

    A connection carries at most ``most_carried`` tries and is closed when it has rested for
    ``idle_seconds``. ``depth`` says how many tries may wait on one connection (pipelining).
    """

    def __init__(
        self,
        clock: DesClock,
        most_carried: int,
        idle_seconds: float,
        depth: Callable[[], int],
        on_unasked: Callable[[Line, int], object],
    ) -> None:
        self.is_closed = False
        self._most_carried = most_carried
        self._depth = depth
        self._tell_unasked = on_unasked
        self._idle: dict[int, Line] = {}
        self._open: dict[int, Line] = {}
        # By number, since when: a connection that has gone meanwhile is kept by nobody.
        self._rests: Patience[tuple[int, float]] = Patience(
            clock, idle_seconds, self._was_used, self._has_rested
        )

    def __len__(self) -> int:
        return len(self._open)

    def add(self, line: Line) -> None:
        """Own a new one."""
        self._open[line.stream.serial] = line

    def take(self, *, may_share: bool) -> Line | None:
        """Return one for another try, if there is any; None: make one."""
        depth = self._depth()
        if depth > 1 and may_share:
            for line in self._open.values():
                if 0 < line.depth < depth and self._may_carry(line):
                    return line
        while self._idle:
            _, line = self._idle.popitem()
            if line.is_usable:
                return line
            line.close()
        return None

    def _may_carry(self, line: Line) -> bool:
        is_whole = not line.is_sending_slowly
        return is_whole and line.carried < self._most_carried and line.is_usable

    def on_idle(self, line: Line) -> None:
        """See ``Owner``."""
        if line.carried >= self._most_carried or self.is_closed:
            line.close()
        else:
            self._idle[line.stream.serial] = line
            self._rests.add((line.stream.serial, line.idle_since))

    def on_gone(self, line: Line) -> None:
        """See ``Owner``."""
        self._idle.pop(line.stream.serial, None)
        self._open.pop(line.stream.serial, None)

    def on_unasked(self, line: Line, size: int) -> None:
        """See ``Owner``."""
        self._tell_unasked(line, size)

    def _was_used(self, rest: tuple[int, float]) -> bool:
        serial, since = rest
        line = self._idle.get(serial)
        return line is None or line.idle_since != since

    def _has_rested(self, rest: tuple[int, float]) -> None:
        self._idle[rest[0]].close()

    def close(self) -> None:
        """Close those that rest, and each of the others when it comes to rest."""
        self.is_closed = True
        for line in list(self._idle.values()):
            line.close()
        self._rests.end()
