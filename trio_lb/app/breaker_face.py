"""A circuit breaker as programs see it: its state, and a person's hand on it."""

from trio_lb.app.household import Household
from trio_lb.policy.breaker import BreakerState
from trio_lb.state.switch import Switch


class BreakerFace:
    """The breaker of one server; works also where the configuration has none."""

    def __init__(self, household: Household, switch: Switch) -> None:
        self._household = household
        self._switch = switch

    @property
    def state(self) -> BreakerState:
        """``CLOSED``, ``OPEN`` or ``HALF_OPEN``; each equals its lower-case word."""
        return self._switch.state

    def open(self) -> None:
        """Send the server nothing, until ``close`` or ``reset``."""
        self._household.follow(self._switch.open(self._household.now()))

    def close(self) -> None:
        """Let requests through, and forget the failures that were counted."""
        self._household.follow(self._switch.close(self._household.now()))

    def reset(self) -> None:
        """Give it back to its own judgement; it begins closed."""
        self._household.follow(self._switch.reset(self._household.now()))
