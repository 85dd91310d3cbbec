"""The laws of ejection: how many may be out at once, and for how long."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.checks.breaker_law import EPSILON_SECONDS
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.standing import Pool, Standings
from trio_lb.sim.checks.world import DEFAULTS, World, pool_config
from trio_lb.sim.happening import Ear, Happening, What

ROUNDING: Final = 1e-9
"""3 of 10 at a share of 0.3: the product of floats must not round one server away."""


def most_ejected(fraction: float, servers: int) -> int:
    """Return how many of a pool's servers may be out: the documented rule.

    The share, rounded down; but one server may always be out if anybody may, and one stays.
    """
    if fraction <= 0:
        return 0
    return min(max(int(fraction * servers + ROUNDING), 1), max(servers - 1, 0))


class EjectionShare(Check):
    """No more servers are ejected at once than ``max_ejection_fraction`` (None: as configured)."""

    name = "ejection_share"

    def __init__(self, fraction: float | None = None) -> None:
        super().__init__()
        self._fraction = fraction
        self._standings = Standings()

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {**self._standings.ears, What.EJECT: self._ejected}

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._standings.begin(world)

    def _ejected(self, happening: Happening) -> None:
        self._standings.ears[What.EJECT](happening)
        pool = str(happening.values[1])
        members = self._standings.pool(happening.entity, pool)
        config = pool_config(self.world, happening.entity, pool)
        there = [each for each in members.values() if not each.has_left]
        servers = len(there) if config is DEFAULTS else len(config.servers)
        out = sum(each.ejected_until is not None for each in there)
        fraction = self._fraction
        if fraction is None:
            fraction = config.outlier_detection.max_ejection_fraction
        allowed = most_ejected(fraction, servers)
        if out > allowed:
            self.object(
                happening,
                f"{out} of {servers} servers of {pool} are ejected, allowed are {allowed}"
                f" (max_ejection_fraction {fraction:g})",
            )


class EjectionLasts(Check):
    """An ejection ends at its time, not before; and it does end.

    It may end early for better evidence, told in the same instant (a check found the server
    good again), or because nobody else is left in service.
    """

    name = "ejection_lasts"

    def __init__(self, late_seconds: float = 1.0) -> None:
        """Let the end come ``late_seconds`` late: a host that is paused, or slow."""
        super().__init__()
        self._late_seconds = late_seconds
        self._standings = Standings()
        self._rose_at: dict[tuple[str, str, str], float] = {}
        self._out = 0

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            **self._standings.ears,
            What.HEALTH: self._health,
            What.READMIT: self._readmitted,
            What.EJECT: self._ejected,
            What.SELECT: self._selected,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._standings.begin(world)

    def _ejected(self, happening: Happening) -> None:
        self._standings.ears[What.EJECT](happening)
        self._out += 1

    def _selected(self, happening: Happening) -> None:
        # Who is in service is of interest only while somebody is out.
        if self._out:
            self._standings.selected(happening)

    def _health(self, happening: Happening) -> None:
        self._standings.ears[What.HEALTH](happening)
        server, pool, verdict, _ = happening.values
        if verdict:
            self._rose_at[happening.entity, str(pool), str(server)] = happening.at

    def _readmitted(self, happening: Happening) -> None:
        server, pool = str(happening.values[0]), str(happening.values[1])
        until = self._standings.of(happening).ejected_until
        self._standings.ears[What.READMIT](happening)
        if until is None or happening.at >= until - EPSILON_SECONDS:
            return
        rose = self._rose_at.get((happening.entity, pool, server)) == happening.at
        others = _in_service(self._standings.pool(happening.entity, pool), server)
        if others and not rose:
            self.object(
                happening,
                f"{server} was ejected until {until:.6f} s and is back at {happening.at:.6f} s,"
                f" though {others[0]} was in service",
            )

    def quiet(self, world: World) -> None:
        """Nobody may be out whose time was up long ago."""
        now = world.clock.current_time()
        for balancer, pool, server, standing in self._standings.all():
            until = standing.ejected_until
            if until is not None and not standing.has_left and now > until + self._late_seconds:
                text = f"{server} of {pool} was ejected until {until:.6f} s, and still is"
                self.object_at(now, text, entity=balancer)


def _in_service(members: Pool, but: str) -> list[str]:
    return [
        name
        for name, each in members.items()
        if name != but and each.is_good and each.against(fails_open=False) is None
    ]
