"""Something without bytes that is under way: a reset, or the last packet of a handshake.

    abort ---- there ----> the other end                      Trip(arrival, there)
    bytes ---- there ----> a closed end ---- back ----> us    Trip(arrival, there, back)

It is asked when it ends for as long as its connection lives, and stalls may move that until it
has. Then the instant stands: ``settle`` writes it down, so that the path can forget its stalls.
"""

from trio_lb.sim.link import Path


class Trip:
    """Over ``path``, where it arrives at the instant ``arrival`` if nothing stalls, and perhaps back.

    The way back takes the latency of now. Without a ``path`` it is there already.
    """

    __slots__ = ("_arrival", "_back", "_back_seconds", "_path")

    def __init__(self, arrival: float, path: Path | None, back: Path | None = None) -> None:
        self._arrival = arrival
        self._path = path
        self._back = back
        self._back_seconds = back.latency_seconds if back is not None else 0.0

    def ends_at(self) -> float:
        """Return when it ends, as far as is known by now: a stall may still hold it."""
        if self._path is None:
            return self._arrival
        there = self._path.delivery(self._arrival)
        return there if self._back is None else self._back.delivery(there + self._back_seconds)

    def settle(self, now: float) -> None:
        """See ``Link.settle``; one that has turned round is only on its way back."""
        if self._path is None:
            return
        there = self._path.settled(self._arrival, now)
        if there is None:
            return
        self._arrival, self._path, self._back = there + self._back_seconds, self._back, None
        self._back_seconds = 0.0
        self.settle(now)
