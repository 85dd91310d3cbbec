"""Which request an id stands for: so a request is followed through services of the user's own.

    client --sim/17--> lb --X-Request-ID: a7--> orders --X-Request-ID: a7--> lb --> stock

A simulated client says its request's number. A service does not: what it asks of others is a
request of its own, with a number of its own from ``FIRST_INNER`` on. But if it passes on the
``X-Request-ID`` that it was given, as services do so that their logs can be read together, then
it is known on behalf of which request it asks.
"""

from typing import Final

FIRST_INNER: Final = 1_000_000_001
"""The first number of a request that a service asks; clients never count so far."""


class Numbers:
    """The ids of requests that some balancer has under way, and their numbers."""

    def __init__(self) -> None:
        # A balancer that trusts a service keeps the id: then it stands for both, one in the other.
        self._by_id: dict[str, list[int]] = {}
        self._next = FIRST_INNER

    def of(self, request_id: str) -> int:
        """Return the number of the innermost request of that id; 0 if none is under way."""
        found = self._by_id.get(request_id)
        return found[-1] if found else 0

    def begin(self, request_id: str, number: int) -> None:
        """A balancer calls a request so from now on."""
        self._by_id.setdefault(request_id, []).append(number)

    def end(self, request_id: str, number: int) -> None:
        """It is over there; harmless if it is not known."""
        found = self._by_id.get(request_id, [])
        if number in found:
            found.remove(number)
        if not found:
            self._by_id.pop(request_id, None)

    def inner(self) -> int:
        """Return a number for another request that a service asks."""
        number, self._next = self._next, self._next + 1
        return number
