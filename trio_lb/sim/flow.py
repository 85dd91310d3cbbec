"""A connection as a box in the middle of the link remembers it: NAT, firewall, balancer.

Such a box keeps an entry for each connection and drops it after a silence, without a
word to either end. Both ends then believe in a connection over which nothing passes.
"""

from trio_lb.sim.link import Link


class Flow:
    """One entry, shared by both ends. Silence counts from the last packet sent.

    Rule: what was forgotten once stays forgotten, also when the link's limit is lifted.
    """

    __slots__ = ("_is_forgotten", "_last_sent", "_link")

    def __init__(self, link: Link, now: float) -> None:
        self._link = link
        self._last_sent = now
        self._is_forgotten = False

    def passes(self, now: float) -> bool:
        """Note a packet of either end, and return whether it is let through."""
        limit_seconds = self._link.idle_drop_seconds
        if limit_seconds is not None and now - self._last_sent > limit_seconds:
            self._is_forgotten = True
        self._last_sent = now
        if self._is_forgotten or self._link.patience.is_asleep:
            self._link.patience.sent(is_lost=self._is_forgotten)
        return not self._is_forgotten
