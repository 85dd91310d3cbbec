"""Leaks: what was opened is closed, when all have gone."""

from collections.abc import Callable, Mapping

import trio

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What


class NoLeaks(Check):
    """After its end a balancer's host has nothing open: no stream, no listener, no descriptor."""

    name = "no_leaks"

    def finish(self, world: World) -> None:
        """See ``Check``."""
        now = world.clock.current_time()
        for name, balancer in world.balancers.items():
            host = balancer.host
            streams = [str(each) for each in world.net.streams_of(host.name)]
            listeners = [str(each.address) for each in host.listeners]
            self._count(now, name, "streams", streams)
            self._count(now, name, "listeners", listeners)
            used = host.descriptors.used
            if used and not streams and not listeners:
                text = f"{used} descriptors in use, though nothing is open"
                self.object_at(now, text, entity=name)

    def _count(self, now: float, entity: str, what: str, left: list[str]) -> None:
        if left:
            shown = "; ".join(left[:3]) + ("; …" if len(left) > 3 else "")
            self.object_at(now, f"{len(left)} {what} are still open: {shown}", entity=entity)


class TasksBounded(Check):
    """When all have gone, no more tasks are left than when the first client came.

    ``tasks`` counts them. ``spare`` allows for those that a balancer keeps once it has begun
    something (a probe of a server that was added), and for connections that still close.
    """

    name = "tasks_bounded"

    def __init__(self, tasks: Callable[[], int] | None = None, spare: int = 0) -> None:
        super().__init__()
        self._tasks = tasks or _tasks_living
        self._spare = spare
        self._before: int | None = None

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.ARRIVE: self._arrived}

    def _arrived(self, happening: Happening) -> None:
        if self._before is None:
            self._before = self._tasks()

    def quiet(self, world: World) -> None:
        """See ``Check``."""
        tasks = self._tasks()
        if self._before is not None and tasks > self._before + self._spare:
            text = f"{tasks} tasks are left, {self._before} were there before the first arrival"
            self.object_at(world.clock.current_time(), text)


def _tasks_living() -> int:
    return trio.lowlevel.current_statistics().tasks_living
