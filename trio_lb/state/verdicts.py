"""Verdicts: all that is said of a pool's servers, joined into one answer a server.

A person, the probes and the outlier detector each say what they know; ``is_usable`` is
what follows, and the rotation holds it.

Rule 1: a server is usable when it is a member, not disabled, not draining, HEALTHY (or
        not probed), and not ejected. `_is_usable` is the only place that says so.
Rule 2: ejection never empties a pool: when nobody is usable, every ejected server that
        its probes call healthy is readmitted at once.
Rule 3: whoever changes what is said of a server hands the events to `follow`, or names
        the server there: nothing is looked at otherwise, so nothing costs a request.
"""

from collections.abc import Iterable, Iterator, Sequence

from trio_lb.config.schema import PoolConfig
from trio_lb.model.events import Event, ServerEvent
from trio_lb.policy.outlier import OutlierDetector
from trio_lb.state.membership import Membership
from trio_lb.state.rotation import Rotation
from trio_lb.state.server import Server, ServerState


class Verdicts:
    """Who of ``membership`` takes requests, and why not."""

    __slots__ = ("_membership", "outlier", "rotation")

    def __init__(self, config: PoolConfig, membership: Membership) -> None:
        self.rotation = Rotation()
        self.outlier = OutlierDetector(config.name, config.outlier_detection)
        self._membership = membership

    @property
    def deadline(self) -> float | None:
        """When time alone changes a verdict next."""
        return self.outlier.deadline

    @property
    def healthy(self) -> Sequence[Server]:
        """The members whose state is healthy; an ejected one is."""
        return [s for s in self._membership.members if s.state is ServerState.HEALTHY]

    def on_deadline(self, now: float) -> list[Event]:
        """End what is over; the caller lets ``follow`` draw the consequences."""
        return self.outlier.on_deadline(now)

    def take(self, config: PoolConfig) -> None:
        """Judge by another plan from now on; what is known stays known."""
        self.outlier.config = config.outlier_detection

    def follow(
        self, told: list[Event], now: float, *, review: Iterable[Server] = ()
    ) -> list[Event]:
        """Renew the verdicts that a change touches, and keep rule 2; return all that is told."""
        self._review(review)
        self._review(self._named_by(told))
        return told if self.rotation.size else told + self._rescue(now)

    def _named_by(self, told: Iterable[Event]) -> Iterator[Server]:
        for event in told:
            if isinstance(event, ServerEvent):
                server = self._membership.get(event.server_id)
                if server is not None:
                    yield server

    def _review(self, servers: Iterable[Server]) -> None:
        for server in servers:
            if self._membership.is_member(server):
                self.rotation.mark(server, self._is_usable(server))

    def _is_usable(self, server: Server) -> bool:
        return server.state is ServerState.HEALTHY and not self.outlier.is_ejected(server.id)

    def _rescue(self, now: float) -> list[Event]:
        """Readmit all that are only ejected."""
        told: list[Event] = []
        for server in self.healthy:
            told += self.outlier.readmit(server.id, now)
        self._review(self._named_by(told))
        return told
