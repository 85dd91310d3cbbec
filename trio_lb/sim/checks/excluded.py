"""Nothing is sent to whom its balancer has excluded."""

from collections.abc import Mapping

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.standing import Standings
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What


class NothingToExcluded(Check):
    """No SELECT of a server that is unhealthy, ejected, draining, gone, or has its breaker open.

    Bad checks are overruled while fail-open is in force; a half-open breaker takes trials.
    """

    name = "nothing_to_excluded"

    def __init__(self) -> None:
        super().__init__()
        self._standings = Standings()

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.SELECT: self._selected, **self._standings.ears}

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._standings.begin(world)

    def _selected(self, happening: Happening) -> None:
        if not self._standings.is_anybody_out:
            return
        server, pool = happening.values[0], str(happening.values[1])
        fails_open = self._standings.fails_open(happening.entity, pool)
        against = self._standings.of(happening).against(fails_open)
        if against is not None:
            self.object(happening, f"{server} was picked, but {against}")
