"""Breakers: which servers of one pool have one, which stand at the brink, and when time moves them.

A server has a breaker while the plan says so, or while a person holds one open; all
others pay for none. Half-open, a server's door gives out *trials* instead of leases.
"""

from collections.abc import Iterable

from trio_lb.model.events import Event
from trio_lb.policy.breaker import Breaker, BreakerState
from trio_lb.policy.breaker_settings import MANUAL_ONLY, BreakerSettings
from trio_lb.state.server import Server


class Breakers:
    """The breakers of one pool's servers."""

    __slots__ = ("_brink", "_config")

    def __init__(self, config: BreakerSettings) -> None:
        self._config = config
        # Whose breaker is not closed: the few that time or a trial may move.
        self._brink: dict[Server, Breaker] = {}

    @property
    def deadline(self) -> float | None:
        """When the next breaker half-opens."""
        instants = (breaker.deadline for breaker in self._brink.values())
        return min((at for at in instants if at is not None), default=None)

    @property
    def on_trial(self) -> int:
        """How many servers are half-open."""
        return sum(server.is_on_trial for server in self._brink)

    def of(self, server: Server) -> Breaker:
        """Return the server's breaker; made for a person's hand where the plan has none."""
        if server.breaker is None:
            settings = self._config if self._config.enabled else MANUAL_ONLY
            server.breaker = Breaker(server.pool, server.id, settings)
        return server.breaker

    def on_deadline(self, now: float) -> list[Event]:
        """Half-open those whose time has come, in the order of their opening."""
        told: list[Event] = []
        for breaker in tuple(self._brink.values()):
            told += breaker.on_deadline(now)
        return told

    def take(self, config: BreakerSettings, members: Iterable[Server]) -> None:
        """Fit the members to another plan: states stay, and so does what a person opened."""
        self._config = config
        self._brink = {}
        for server in members:
            self._fit(server)
            self.note(server)

    def note(self, server: Server) -> None:
        """Keep the books of a member whose breaker may have moved, and set its door."""
        breaker = server.breaker
        if breaker is None or breaker.state is BreakerState.CLOSED:
            self._brink.pop(server, None)
            if breaker is not None and not self._config.enabled:
                server.breaker = None
        else:
            self._brink[server] = breaker
        half_open = breaker is not None and breaker.state is BreakerState.HALF_OPEN
        server.open_trials(breaker if half_open else None)

    def forget(self, server: Server) -> None:
        """Let a server that leaves go; should it come back, its breaker is as it was."""
        self._brink.pop(server, None)
        server.open_trials(None)

    def _fit(self, server: Server) -> None:
        breaker = server.breaker
        if self._config.enabled:
            self.of(server).configure(self._config)
        elif breaker is not None and breaker.is_held:
            breaker.configure(MANUAL_ONLY)
        else:
            server.breaker = None
