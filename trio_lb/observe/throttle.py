"""Keeps a log readable in a storm: the first of a kind, then one in a while with a count."""

from collections.abc import Hashable

import attrs


@attrs.define(slots=True)
class _Kind:
    quiet_until: float
    suppressed: int = 0


class Throttle:
    """Lets one thing of each kind through in ``period_seconds``; pure.

    At most ``most_kinds`` are remembered; the longest known is forgotten first, so
    that a flood of kinds costs lines, not memory.
    """

    def __init__(self, period_seconds: float = 10.0, *, most_kinds: int = 1000) -> None:
        self.period_seconds = period_seconds
        self._most_kinds = most_kinds
        self._kinds: dict[Hashable, _Kind] = {}

    def admit(self, kind: Hashable, now: float) -> int | None:
        """Return how many were held back since the last one, or None: hold this one back."""
        known = self._kinds.get(kind)
        if known is not None and now < known.quiet_until:
            known.suppressed += 1
            return None
        if known is None and len(self._kinds) >= self._most_kinds:
            del self._kinds[next(iter(self._kinds))]
        self._kinds[kind] = _Kind(now + self.period_seconds)
        return known.suppressed if known else 0
