"""What one server got and did, in buckets of time."""

from typing import Final

from trio_lb.sim.report.grid import Gauge, Grid

SERVER_ERROR: Final = 500
"""Statuses from here on are the server's fault."""


class PerServer:
    """Columns of one server; lists are as long as the grid, so memory is known beforehand.

    ``picked`` counts what balancers sent its way, ``taken`` the heads that came: they differ
    by what was lost between.
    """

    __slots__ = ("accepted", "failed", "name", "picked", "present", "probed", "queued", "taken")

    def __init__(self, name: str, grid: Grid) -> None:
        self.name = name
        self.picked = grid.zeros()
        self.taken = grid.zeros()
        self.failed = grid.zeros()
        self.accepted = grid.zeros()
        self.probed = grid.zeros()
        self.present = Gauge(grid)
        """Requests in it: in service or queued; peaks."""
        self.queued = Gauge(grid)
        """Those that wait for a place; peaks."""

    def take(self, bucket: int, queued: int) -> None:
        """A request's head came; so many wait."""
        self.taken[bucket] += 1
        self.present.move(bucket, self.present.level + 1)
        self.queued.move(bucket, queued)

    def begin(self, bucket: int, waited_ns: int) -> None:
        """A request is served from now on; if it waited, the queue is shorter by it."""
        if waited_ns and self.queued.level:
            self.queued.move(bucket, self.queued.level - 1)

    def leave(self, bucket: int, *, failed: bool) -> None:
        """A request left it, answered or not."""
        self.failed[bucket] += failed
        self.present.move(bucket, max(0, self.present.level - 1))

    def fill(self, bucket: int) -> None:
        """The run has come to ``bucket``: carry levels on."""
        self.present.fill(bucket)
        self.queued.fill(bucket)
