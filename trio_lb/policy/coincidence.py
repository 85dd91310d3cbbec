"""Coincidences: which servers' checks turned bad together, in a pool or in a zone of it.

Servers fail one at a time. Verdicts that turn within one window are likely to have one
cause; how wide that window must be follows from how often checks look.

Rule 1: a server *fell* when the verdict of its checks turned from good to bad; who was
        never good has not fallen.
Rule 2: who refuses connections has an individual fault: its host answered for it. That
        server did not fall with anybody, and neither did one that was disproved since.
"""

import enum
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Final

import attrs

Scope = str | None
"""A zone, or None for the whole pool."""


def shared_fault_window(
    interval: float, fast_interval: float, timeout: float, fall: int, jitter_fraction: float = 0.0
) -> float:
    """Return the seconds within which one fault shows in every server's verdict.

    At most one (jittered) interval passes before a server is looked at, then ``fall``
    checks, each as long as the pause between checks or its timeout. Any two verdicts on
    the same fault are nearer to each other than that.
    """
    longest_seconds = interval + fall * max(fast_interval, timeout)
    return longest_seconds * (1.0 + jitter_fraction)


DEFAULT_WINDOW: Final = shared_fault_window(5.0, 1.0, 2.0, 3, 0.1)
"""Seconds, for health checks at their own defaults: 12.1."""


class Turn(enum.Enum):
    """What a check changed."""

    ROSE = "its verdict turned good"
    FELL = "its verdict turned bad"
    STAYED = "its verdict is the old one"


@attrs.define(slots=True)
class _Verdict:
    """What checks say of one server now."""

    zone: str | None
    is_healthy: bool = False
    refused: bool = False
    fell_at: float | None = None
    """When it fell, unless it rose, refused or was disproved since."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Where it counts: in the pool first, then in its zone."""
        return (None,) if self.zone is None else (None, self.zone)


class Coincidences:
    """The checks' verdicts on one pool's servers, and when they turned."""

    def __init__(self) -> None:
        self._verdicts: dict[str, _Verdict] = {}
        self._healthy: Counter[Scope] = Counter()

    # -- what others ask

    def scopes_of(self, server_id: str) -> tuple[Scope, ...]:
        """Return the scopes that the server counts in, the widest first; none if unknown."""
        verdict = self._verdicts.get(server_id)
        return () if verdict is None else verdict.scopes

    def is_good(self, server_id: str) -> bool:
        """Whether checks call the server good."""
        verdict = self._verdicts.get(server_id)
        return verdict is not None and verdict.is_healthy

    def is_down(self, server_id: str) -> bool:
        """Whether checks call the server bad; one that they never met is not down."""
        verdict = self._verdicts.get(server_id)
        return verdict is not None and not verdict.is_healthy

    def has_moved(self, server_id: str, zone: str | None) -> bool:
        """Whether the server was known in another zone: there it shared other faults."""
        verdict = self._verdicts.get(server_id)
        return verdict is not None and verdict.zone != zone

    def any_healthy(self, scope: Scope) -> bool:
        """Whether checks call anybody good there."""
        return self._healthy[scope] > 0

    def fallen(self, scope: Scope, since: float, besides: Collection[str] = ()) -> list[str]:
        """Return who fell there at or after ``since``, or earlier and is one of ``besides``."""
        return [
            server_id
            for server_id, verdict in self._verdicts.items()
            if scope in verdict.scopes
            and verdict.fell_at is not None
            and (verdict.fell_at >= since or server_id in besides)
        ]

    def misjudged(self) -> list[str]:
        """Return everybody who is down without refusing connections."""
        return [i for i, v in self._verdicts.items() if not v.is_healthy and not v.refused]

    # -- what happens

    def note(
        self, server_id: str, zone: str | None, is_healthy: bool, refused: bool, now: float
    ) -> Turn:
        """Take what checks say of a server into the books; say what changed.

        Who moved to another zone is to be forgotten first.
        """
        verdict = self._verdicts.setdefault(server_id, _Verdict(zone))
        was_healthy = verdict.is_healthy
        self._count(verdict, -1)
        verdict.is_healthy = is_healthy
        verdict.refused = refused and not is_healthy
        self._count(verdict, +1)
        if was_healthy and not is_healthy:
            verdict.fell_at = now
        if is_healthy or refused:
            verdict.fell_at = None
        if is_healthy is was_healthy:
            return Turn.STAYED
        return Turn.ROSE if is_healthy else Turn.FELL

    def disprove(self, server_id: str, *, refused: bool = False) -> None:
        """Better evidence than checks says that a server that is down is rightly so."""
        verdict = self._verdicts[server_id]
        verdict.fell_at = None
        verdict.refused = verdict.refused or refused

    def forget(self, server_id: str) -> None:
        """Drop a server, if it is known."""
        verdict = self._verdicts.pop(server_id, None)
        if verdict is not None:
            self._count(verdict, -1)

    def _count(self, verdict: _Verdict, change: int) -> None:
        if verdict.is_healthy:
            for scope in verdict.scopes:
                self._healthy[scope] += change

    # -- how it outlives a reload

    def snapshot(self) -> Mapping[str, Any]:
        """Return the verdicts as plain values, by server id."""
        return {server_id: attrs.asdict(verdict) for server_id, verdict in self._verdicts.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``snapshot`` was taken."""
        known = {field.name for field in attrs.fields(_Verdict)}
        for server_id, values in state.items():
            self.forget(server_id)
            verdict = _Verdict(**{name: values[name] for name in known & values.keys()})
            self._verdicts[server_id] = verdict
            self._count(verdict, +1)
