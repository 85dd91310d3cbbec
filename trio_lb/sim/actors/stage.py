"""The stage on which actors stand: the clock, the wire, chance, and where short tasks run."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs
import trio

from trio_lb.sim.actors.end import End
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.clock import DesClock
from trio_lb.sim.happening import Wire
from trio_lb.sim.stream import VirtualStream

Veil: TypeAlias = Callable[[str, VirtualStream, str], End]


def _as_it_is(name: str, stream: VirtualStream, asked: str) -> End:
    """Everybody speaks plainly."""
    return stream


@attrs.define(slots=True, eq=False)
class Stage:
    """What every actor is given. ``nursery`` is there from the begin of the run to its end.

    ``veil(name, stream, asked)`` returns what the client ``name`` speaks over on a new connection,
    on which it asks for that host.
    """

    clock: DesClock
    wire: Wire
    seed: int
    nursery: trio.Nursery | None = None
    veil: Veil = _as_it_is

    def rng(self, name: str) -> random.Random:
        """Return the stream of chance of that name."""
        return derive_rng(self.seed, name)

    def start_soon(self, task: Callable[[], Awaitable[object]]) -> None:
        """Run a short task: connecting, listening. After the end of the run nothing is."""
        if self.nursery is not None:
            self.nursery.start_soon(task)
