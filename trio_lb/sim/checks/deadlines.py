"""Deadlines: nobody waits longer than was promised."""

from collections.abc import Mapping
from typing import Final

from trio_lb.config.bounds import TimeoutsConfig
from trio_lb.model.outcome import OutcomeKind
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.faults import Weather
from trio_lb.sim.checks.world import World, pool_config
from trio_lb.sim.happening import Ear, Happening, What

STANDSTILLS: Final = ("pause", "slow_cpu", "clock_jump")
"""Faults under which a host cannot keep its promises in time."""

SLOW_BODIES: Final = ("slowloris_body",)
"""Faults under which a client's body comes slowly: meanwhile the clock of its request stands."""
SMALL_WINDOWS: Final = ("shrink",)
"""Faults under which a request of some lines, or an error's text, may be under way for a second."""

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


def timeouts_of(world: World, balancer: str, pool: str) -> TimeoutsConfig:
    """Return the timeouts that hold for a pool: its own, else its balancer's."""
    own = pool_config(world, balancer, pool).timeouts
    if own is not None:
        return own
    seen = world.balancers.get(balancer)
    return TimeoutsConfig() if seen is None or seen.lb is None else seen.lb.config.timeouts


def _but_of_servers(ears: Mapping[What, Ear]) -> Mapping[What, Ear]:
    """Return ears that are deaf to faults of servers: those keep no balancer from its promises."""

    def hears(ear: Ear) -> Ear:
        return lambda told: None if told.entity.startswith("server:") else ear(told)

    return {what: hears(ear) for what, ear in ears.items()}


class BalancerDeadline(Check):
    """No request ends in an error later than ``timeouts.total`` + ``late_seconds``.

    ``total`` bounds tries and backoff up to the answer's head; a body may take longer, the
    client's own as well, and so may what came whole. ``total_seconds`` None: as configured.
    """

    name = "balancer_deadline"

    def __init__(self, total_seconds: float | None = None, late_seconds: float = 0.1) -> None:
        super().__init__()
        self._total_seconds = total_seconds
        self._late_seconds = late_seconds
        self._weather = Weather(STANDSTILLS + SLOW_BODIES + SMALL_WINDOWS)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.ERROR: self._failed, **_but_of_servers(self._weather.ears)}

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
        return timeouts_of(self.world, balancer, pool).total


class ConnectDeadline(Check):
    """No server is waited for longer than ``timeouts.connect`` + ``late_seconds`` to connect.

    ``connect_seconds`` None: as configured. An attempt begins with SELECT.
    """

    name = "connect_deadline"

    def __init__(self, connect_seconds: float | None = None, late_seconds: float = 0.1) -> None:
        super().__init__()
        self._connect_seconds = connect_seconds
        self._late_seconds = late_seconds
        self._weather = Weather(STANDSTILLS + SMALL_WINDOWS)
        self._selected_at: dict[tuple[str, int], float] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            What.SELECT: self._selected,
            What.RETRY: self._retried,
            What.COMPLETE: self._ended,
            What.ERROR: self._failed,
            **_but_of_servers(self._weather.ears),
        }

    def _selected(self, happening: Happening) -> None:
        if happening.req:
            self._selected_at[happening.entity, happening.req] = happening.at

    def _ended(self, happening: Happening) -> float | None:
        return self._selected_at.pop((happening.entity, happening.req), None)

    def _retried(self, happening: Happening) -> None:
        began = self._ended(happening)
        if happening.values[3] == OutcomeKind.CONNECT_TIMEOUT.value:
            self._judge(happening, began)

    def _failed(self, happening: Happening) -> None:
        began = self._ended(happening)
        if happening.values[5] == "upstream_connect_timeout":
            self._judge(happening, began)

    def _judge(self, happening: Happening, began: float | None) -> None:
        if began is None or not self._weather.was_calm(began):
            return
        server, pool = happening.values[0], str(happening.values[1])
        allowed = self._connect_seconds
        if allowed is None:
            allowed = timeouts_of(self.world, happening.entity, pool).connect
        waited = happening.at - began
        if waited > allowed + self._late_seconds:
            self.object(
                happening, f"{server} was waited for {waited:.6f} s; connect is {allowed:g} s"
            )


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
