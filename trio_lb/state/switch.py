"""A switch: a person's hand on the breaker of one server, configured or not."""

from collections.abc import Callable, Sequence

from trio_lb.model.events import Event
from trio_lb.policy.breaker import BreakerState, BreakerStatistics
from trio_lb.state.breakers import Breakers
from trio_lb.state.server import Server


class Switch:
    """Opens and closes; what a call returns is to be published.

    A breaker that was opened here stays open until it is closed or reset here.
    """

    __slots__ = ("_breakers", "_follow", "server")

    def __init__(
        self,
        server: Server,
        breakers: Breakers,
        follow: Callable[[list[Event], float], Sequence[Event]],
    ) -> None:
        self.server = server
        self._breakers = breakers
        self._follow = follow

    @property
    def state(self) -> BreakerState:
        """The breaker's state; who has none lets requests through."""
        breaker = self.server.breaker
        return BreakerState.CLOSED if breaker is None else breaker.state

    def statistics(self) -> BreakerStatistics | None:
        """Return the breaker's present as a value; None where there is none."""
        breaker = self.server.breaker
        return None if breaker is None else breaker.statistics()

    def open(self, now: float) -> Sequence[Event]:
        """Let no request through, until a person says otherwise."""
        return self._follow(self._breakers.of(self.server).open_by_hand(now), now)

    def close(self, now: float) -> Sequence[Event]:
        """Let requests through, and forget all that was counted."""
        breaker = self.server.breaker
        return self._follow([] if breaker is None else breaker.close_by_hand(now), now)

    def reset(self, now: float) -> Sequence[Event]:
        """Give it back to its own judgement; it begins closed."""
        breaker = self.server.breaker
        return self._follow([] if breaker is None else breaker.reset(now), now)
