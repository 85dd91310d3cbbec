"""Deadlines: nobody waits longer than was promised."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.faults import Weather
from trio_lb.sim.checks.world import World, pool_config
from trio_lb.sim.happening import Ear, Happening, What

STANDSTILLS: Final = ("pause", "slow_cpu", "clock_jump")
"""Faults under which a host cannot keep its promises in time."""

BEFORE_HEAD: Final = frozenset(
    (
        "upstream_timeout",
        "upstream_connect_timeout",
        "upstream_connect_refused",
        "upstream_connect_failed",
        "upstream_reset",
        "no_healthy_server",
    )
)
"""Errors that end a request before its answer began, which is what ``total`` bounds."""

TOTAL_SECONDS: Final = 60.0
"""The product's default of ``timeouts.total``."""


class BalancerDeadline(Check):
    """No request ends in an error later than ``timeouts.total`` + ``late_seconds``.

    ``total`` bounds tries and backoff up to the answer's head; a body may take longer, and
    so may what came whole. ``total_seconds`` None: as configured.
    """

    name = "balancer_deadline"

    def __init__(self, total_seconds: float | None = None, late_seconds: float = 0.1) -> None:
        super().__init__()
        self._total_seconds = total_seconds
        self._late_seconds = late_seconds
        self._weather = Weather(STANDSTILLS)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.ERROR: self._failed, **self._weather.ears}

    def _failed(self, happening: Happening) -> None:
        _, pool, status, _, lasted_ns, code = happening.values
        if code not in BEFORE_HEAD or int(status) < 500:
            return
        lasted = int(lasted_ns) / 1e9
        allowed = self._allowed(happening.entity, str(pool))
        if lasted > allowed + self._late_seconds and self._weather.was_calm(happening.at - lasted):
            self.object(
                happening, f"it took {lasted:.6f} s to end in {code}; total is {allowed:g} s"
            )

    def _allowed(self, balancer: str, pool: str) -> float:
        if self._total_seconds is not None:
            return self._total_seconds
        timeouts = pool_config(self.world, balancer, pool).timeouts
        if timeouts is not None:
            return timeouts.total
        seen = self.world.balancers.get(balancer)
        return TOTAL_SECONDS if seen is None or seen.lb is None else seen.lb.config.timeouts.total


class ClientDeadline(Check):
    """No try of a client lasts longer than the client's own timeout says.

    It is a check of the simulated clients: theirs are the figures that all others are
    measured by. ``seconds`` by the name of the client.
    """

    name = "client_deadline"

    def __init__(self, seconds: Mapping[str, float], late_seconds: float = 1e-6) -> None:
        super().__init__()
        self._seconds = dict(seconds)
        self._late_seconds = late_seconds

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.ANSWER: self._answered, What.FAIL: self._failed}

    def _answered(self, happening: Happening) -> None:
        self._judge(happening, int(happening.values[2]))

    def _failed(self, happening: Happening) -> None:
        self._judge(happening, int(happening.values[1]))

    def _judge(self, happening: Happening, lasted_ns: int) -> None:
        allowed = self._seconds.get(happening.entity)
        if allowed is not None and lasted_ns / 1e9 > allowed + self._late_seconds:
            self.object(
                happening, f"its try lasted {lasted_ns / 1e9:.6f} s, its timeout is {allowed:g} s"
            )


class NobodyWaits(Check):
    """When all should have gone, nobody waits any more: no START is older than ``seconds``.

    The oldest request that a balancer has under way is looked at with each new one: one that
    hangs for ever is found while the run goes on, not only at its end.
    """

    name = "nobody_waits"

    def __init__(self, seconds: float = 2 * TOTAL_SECONDS) -> None:
        super().__init__()
        self._seconds = seconds
        self._open: dict[tuple[str, int], Happening] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        ends = dict.fromkeys((What.COMPLETE, What.ERROR), self._ended)
        return {What.START: self._started, **ends}

    def _started(self, happening: Happening) -> None:
        if happening.req:
            self._open[happening.entity, happening.req] = happening
        self._look(happening.at)

    def _ended(self, happening: Happening) -> None:
        self._open.pop((happening.entity, happening.req), None)

    def quiet(self, world: World) -> None:
        """See ``Check``."""
        self._look(world.clock.current_time())

    def _look(self, now: float) -> None:
        while self._open:
            key, oldest = next(iter(self._open.items()))
            if now - oldest.at <= self._seconds:
                return
            del self._open[key]
            self.object(oldest, f"it is under way for more than {self._seconds:g} s")
