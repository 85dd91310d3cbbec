"""Bounded queues: nothing grows without end, at servers or at balancers."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.checks.check import Check
from trio_lb.sim.happening import Ear, Happening, What

MOST_QUEUED: Final = 100_000
MOST_IN_FLIGHT: Final = 100_000


class QueuesBounded(Check):
    """No server queues more than ``queued`` requests, no balancer has more than ``in_flight`` at one.

    Only the first excess of each is told, and then each tenth beyond it: a queue that runs
    away would tell nothing else.
    """

    name = "queues_bounded"

    def __init__(self, queued: int = MOST_QUEUED, in_flight: int = MOST_IN_FLIGHT) -> None:
        super().__init__()
        self._most_queued = queued
        self._most_in_flight = in_flight
        self._told: dict[str, float] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.TAKE: self._taken, What.SELECT: self._selected}

    def _taken(self, happening: Happening) -> None:
        queued = int(happening.values[2])
        if queued > self._most_queued:
            self._tell(happening, "queued", queued, self._most_queued)

    def _selected(self, happening: Happening) -> None:
        in_flight = int(happening.values[2])
        if in_flight > self._most_in_flight:
            what = f"in flight at {happening.values[0]}"
            self._tell(happening, what, in_flight, self._most_in_flight)

    def _tell(self, happening: Happening, what: str, count: int, most: int) -> None:
        key = f"{happening.entity} {what}"
        if count > 1.1 * self._told.get(key, 0.0):
            self._told[key] = count
            self.object(happening, f"{count} requests {what}, allowed are {most}")
