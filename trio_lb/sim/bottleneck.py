"""The narrow place of a path: a rate, and a queue of bounded length before it.

The queue is not kept, only when the line is busy: runs of time that do not touch each other.
What comes in during a run leaves at its end; what would make the queue too long is lost, and comes
again when its sender's kernel has waited long enough for an acknowledgement.
"""

from bisect import bisect_right

from trio_lb.sim.outages import RTO_MAX_SECONDS, RTO_SECONDS


class Bottleneck:
    """Says when pieces have left; instants are seconds, in any order that does not go back.

    Rule 1: the line is never busy with two pieces at once, whatever was lost in between.
    Rule 2: a piece that no queue of this length could ever hold is taken by an empty one.
    """

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: list[tuple[float, float]] = []

    def leaves(
        self, now: float, size_bytes: int, rate: float, queue_bytes: float | None = None
    ) -> float:
        """Return when the last byte of a piece is on its way, at so many bytes a second."""
        self._forget(now)
        rto_seconds, enters = RTO_SECONDS, now
        if queue_bytes is not None:
            room_bytes = max(0.0, queue_bytes - size_bytes)
            while (self._busy_until(enters) - enters) * rate > room_bytes:
                enters += rto_seconds
                rto_seconds = min(2 * rto_seconds, RTO_MAX_SECONDS)
        return self._reserve(enters, size_bytes / rate)

    def _forget(self, now: float) -> None:
        while self._runs and self._runs[0][1] < now:
            del self._runs[0]

    def _busy_until(self, at: float) -> float:
        """Return the end of the run that goes on at an instant, or that instant."""
        index = bisect_right(self._runs, at, key=_begin) - 1
        return max(at, self._runs[index][1]) if index >= 0 else at

    def _reserve(self, enters: float, seconds: float) -> float:
        """Take the first time that is free for long enough, and join it to its neighbours."""
        begin = self._busy_until(enters)
        index = bisect_right(self._runs, begin, key=_begin)
        while index < len(self._runs) and self._runs[index][0] < begin + seconds:
            begin = self._runs[index][1]
            index += 1
        end = begin + seconds
        if index < len(self._runs) and self._runs[index][0] == end:
            self._runs[index] = (begin, self._runs[index][1])
        else:
            self._runs.insert(index, (begin, end))
        if index and self._runs[index - 1][1] == begin:
            earlier, _ = self._runs.pop(index - 1)
            self._runs[index - 1] = (earlier, self._runs[index - 1][1])
        return end


def _begin(run: tuple[float, float]) -> float:
    return run[0]
