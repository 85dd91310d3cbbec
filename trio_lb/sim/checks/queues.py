"""Bounded queues: nothing grows without end, at servers or at balancers."""

from collections.abc import Mapping

from trio_lb.sim.checks.check import Check
from trio_lb.sim.happening import Ear, Happening, What

MOST_QUEUED = 100_000
MOST_UNDER_WAY = 100_000


class QueuesBounded(Check):
    """No server queues more than ``queued`` requests, no balancer holds more than ``under_way``.

    Only the first excess of each is told, and then each tenth beyond it: a queue that runs
    away would tell nothing else.
    """

    name = "queues_bounded"

    def __init__(self, queued: int = MOST_QUEUED, under_way: int = MOST_UNDER_WAY) -> None:
        super().__init__()
        self._most_queued = queued
        self._most_under_way = under_way
        self._under_way: dict[str, int] = {}
        self._told: dict[str, int] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        ends = dict.fromkeys((What.COMPLETE, What.ERROR), self._ended)
        return {What.TAKE: self._taken, What.START: self._started, **ends}

    def _taken(self, happening: Happening) -> None:
        queued = int(happening.values[2])
        if queued > self._most_queued:
            self._tell(happening, "queued", queued, self._most_queued)

    def _started(self, happening: Happening) -> None:
        if happening.req:
            count = self._under_way[happening.entity] = self._under_way.get(happening.entity, 0) + 1
            if count > self._most_under_way:
                self._tell(happening, "under way", count, self._most_under_way)

    def _ended(self, happening: Happening) -> None:
        if happening.req:
            self._under_way[happening.entity] = self._under_way.get(happening.entity, 0) - 1

    def _tell(self, happening: Happening, what: str, count: int, most: int) -> None:
        if (
            count > self._told.get(happening.entity, most) * 1.1
            or happening.entity not in self._told
        ):
            self._told[happening.entity] = count
            self.object(happening, f"{count} requests {what}, allowed are {most}")
