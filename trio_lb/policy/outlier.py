"""Outlier ejection: passive health, read off the requests that a pool serves anyway.

              EJECT
        IN ----------> EJECTED
         ^---------------'
              READMIT

Rule 1: a server's state changes only in `_take`, only as TRANSITIONS says.
Rule 2: `consecutive_failures` failures in a row make a suspect. A suspect is ejected
        only if another server in rotation has met a success since the suspect's streak
        began (and within EVIDENCE_SECONDS), and no failure since. An outlier differs
        from others; where all fail alike, the cause is shared (the client, a database,
        our own network) and an ejection would only push load onto the rest.
Rule 3: at least one server stays in rotation, and at most ``max_ejection_fraction`` of
        the pool is out; but a fraction above zero always allows one ejection, or small
        pools would have no protection.
Rule 4: the n-th ejection lasts base * 2^(n-1), at most the maximum. n falls by one for
        each base period of good behaviour: it begins and ends with a success of the
        server and holds more successes than failures. Silence proves nothing.
Rule 5: nothing waits or reads a clock: `now` comes in; `deadline` and events go out.

What is known of a server is kept only while there is something to know: most servers
never fail, and a success then costs one test of an empty dict.
"""

import enum
from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

import attrs

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event, ServerEjected, ServerReadmitted
from trio_lb.model.rng import Rng

EVIDENCE_SECONDS: Final = 10.0
"""How long another server's success speaks for it in a comparison."""
JITTER_FRACTION: Final = 0.1
"""With chance at hand, an ejection gets up to this share longer: no return in step."""


class OutlierState(enum.Enum):
    """Whether the detector lets a server take requests."""

    IN = "in rotation"
    EJECTED = "ejected"


class Signal(enum.Enum):
    """What moves it."""

    EJECT = "it fails where others do not"
    READMIT = "its ejection has ended"


TRANSITIONS: Final[Mapping[OutlierState, Mapping[Signal, OutlierState]]] = {
    OutlierState.IN: {Signal.EJECT: OutlierState.EJECTED},
    OutlierState.EJECTED: {Signal.READMIT: OutlierState.IN},
}


class OutlierSettings(Protocol):
    """What the detector needs to know; ``config.schema.OutlierConfig`` is one.

    Detection by success rate will add its share, its least number of requests and its
    interval here.
    """

    @property
    def enabled(self) -> bool:
        """False ejects nobody."""
        ...

    @property
    def consecutive_failures(self) -> int:
        """The length of a streak that makes a suspect, >= 1."""
        ...

    @property
    def base_ejection_time(self) -> float:
        """Seconds of the first ejection, > 0."""
        ...

    @property
    def max_ejection_time(self) -> float:
        """Seconds that no ejection (before jitter) exceeds."""
        ...

    @property
    def max_ejection_fraction(self) -> float:
        """Share of the pool that may be out at once, in [0, 1]; 0 allows none."""
        ...


@attrs.define(slots=True)
class _Record:
    """What is known of one server that has failed lately or was ejected."""

    state: OutlierState = OutlierState.IN
    streak: int = 0
    streak_since: float = 0.0
    ejections: int = 0
    """The exponent's n: counts up with ejections, down with good periods."""
    until: float = 0.0
    good_since: float | None = None
    """When the present period of behaviour began, with a success."""
    successes: int = 0
    failures: int = 0

    @property
    def is_blank(self) -> bool:
        return self.state is OutlierState.IN and not self.streak and not self.ejections


@attrs.frozen(slots=True, kw_only=True)
class OutlierStatistics:
    """The detector now: who is out until when, and what it did since the start.

    ``spared_*`` count failures of suspects that stayed in: because no other server did
    better, or because enough servers were out already.
    """

    ejected: Mapping[str, float]
    ejections_total: int
    spared_alike_total: int
    spared_share_total: int


class OutlierDetector:
    """Passive health of all servers of one pool; satisfies ``Machine``."""

    def __init__(self, pool: str, config: OutlierSettings) -> None:
        self.pool = pool
        self.config = config
        self.ejections_total = 0
        self.spared_alike_total = 0
        self.spared_share_total = 0
        self._records: dict[str, _Record] = {}
        # While anybody is under suspicion: servers whose last outcome was good, and when.
        self._succeeded_at: dict[str, float] = {}
        self._ejected: dict[str, float] = {}
        self._deadline: float | None = None

    # -- what others ask

    @property
    def deadline(self) -> float | None:
        """When the next ejection ends."""
        return self._deadline

    @property
    def is_alert(self) -> bool:
        """Whether successes matter now: somebody has failed lately, or was ejected."""
        return bool(self._records)

    def is_ejected(self, server_id: str) -> bool:
        """Whether the server is out by this detector's word."""
        return server_id in self._ejected

    def statistics(self) -> OutlierStatistics:
        """Return the detector's present as a value."""
        return OutlierStatistics(
            ejected=dict(self._ejected),
            ejections_total=self.ejections_total,
            spared_alike_total=self.spared_alike_total,
            spared_share_total=self.spared_share_total,
        )

    # -- what happens

    def observe(
        self,
        server_id: str,
        failed: bool,
        now: float,
        in_rotation: Collection[str],
        rng: Rng | None = None,
    ) -> list[Event]:
        """Count one attempt's outcome; return ejections and what was overdue.

        ``in_rotation`` are the ids that take requests now; they are looked at only when
        a suspect is judged. With ``rng`` an ejection gets its jitter. What a server that
        is out does with its last requests is not counted.
        """
        if not failed:
            if self.is_alert:
                self._succeed(server_id, now)
            return []
        if not self.config.enabled:
            return []
        return self._fail(server_id, now, in_rotation, rng)

    def on_deadline(self, now: float) -> list[Event]:
        """Readmit every server whose ejection has ended, in the order of their ends."""
        due = sorted((until, sid) for sid, until in self._ejected.items() if until <= now)
        return [self._readmit(sid, now) for _, sid in due]

    def readmit(self, server_id: str, now: float) -> list[Event]:
        """End an ejection early: better evidence is at hand, or nobody else is left.

        The server's n stays, so that the next ejection is longer all the same.
        """
        return [self._readmit(server_id, now)] if server_id in self._ejected else []

    def forget(self, server_id: str) -> None:
        """Drop a server that left the pool."""
        self._records.pop(server_id, None)
        self._succeeded_at.pop(server_id, None)
        self._ejected.pop(server_id, None)
        self._settle()

    # -- good outcomes

    def _succeed(self, server_id: str, now: float) -> None:
        self._succeeded_at[server_id] = now
        record = self._records.get(server_id)
        if record is None or record.state is OutlierState.EJECTED:
            return
        record.streak = 0
        if record.ejections:
            self._behave_well(record, now)
        if record.is_blank:
            del self._records[server_id]
            self._settle()

    def _behave_well(self, record: _Record, now: float) -> None:
        """Count a success towards a lower n; a period is judged when it is long enough."""
        record.successes += 1
        if record.good_since is None:
            record.good_since, record.successes, record.failures = now, 1, 0
        elif now - record.good_since >= self.config.base_ejection_time:
            if record.successes > record.failures:
                record.ejections -= 1
            record.good_since, record.successes, record.failures = now, 1, 0

    # -- bad outcomes

    def _fail(
        self, server_id: str, now: float, in_rotation: Collection[str], rng: Rng | None
    ) -> list[Event]:
        self._succeeded_at.pop(server_id, None)
        record = self._records.setdefault(server_id, _Record())
        if record.state is OutlierState.EJECTED:
            return []
        if not record.streak:
            record.streak_since = now
        record.streak += 1
        record.failures += 1
        if record.streak < self.config.consecutive_failures:
            return []
        # A late timer must not keep places of the share taken.
        told = self.on_deadline(now)
        if self._may_eject(server_id, record, now, in_rotation):
            told.append(self._eject(server_id, record, now, rng))
        return told

    def _may_eject(
        self, server_id: str, record: _Record, now: float, in_rotation: Collection[str]
    ) -> bool:
        """Rules 2 and 3; another server's success also shows that one will stay."""
        since = max(record.streak_since, now - EVIDENCE_SECONDS)
        if server_id not in in_rotation:
            return False
        if not any(
            at >= since and other not in self._ejected and other in in_rotation
            for other, at in self._succeeded_at.items()
        ):
            self.spared_alike_total += 1
            return False
        if len(self._ejected) >= self._most_ejected(in_rotation):
            self.spared_share_total += 1
            return False
        return True

    def _most_ejected(self, in_rotation: Collection[str]) -> int:
        fraction = self.config.max_ejection_fraction
        if fraction <= 0:
            return 0
        servers = len(self._ejected.keys() | set(in_rotation))
        return max(int(fraction * servers + 1e-9), 1)

    def _eject(self, server_id: str, record: _Record, now: float, rng: Rng | None) -> Event:
        reason = f"{record.streak} failures in a row"
        lasts_seconds = self._next_duration_seconds(record)
        if rng is not None:
            lasts_seconds *= 1.0 + JITTER_FRACTION * rng.random()
        record.until = now + lasts_seconds
        record.streak = 0
        record.good_since, record.successes, record.failures = None, 0, 0
        self._take(server_id, record, Signal.EJECT)
        self.ejections_total += 1
        return ServerEjected(
            at=now, pool=self.pool, server_id=server_id, reason=reason, until=record.until
        )

    def _next_duration_seconds(self, record: _Record) -> float:
        """Double with each ejection; n stops where doubling does, or it would never fall."""
        base, most = self.config.base_ejection_time, self.config.max_ejection_time
        if not record.ejections or base * 2.0 ** (record.ejections - 1) < most:
            record.ejections += 1
        return float(min(base * 2.0 ** (record.ejections - 1), most))

    # -- the end of an ejection

    def _readmit(self, server_id: str, now: float) -> Event:
        self._take(server_id, self._records[server_id], Signal.READMIT)
        return ServerReadmitted(at=now, pool=self.pool, server_id=server_id)

    # -- the one place where state changes

    def _take(self, server_id: str, record: _Record, signal: Signal) -> None:
        new = TRANSITIONS[record.state].get(signal)
        if new is None:
            raise IllegalTransition(f"outlier {server_id}: {signal.name} in {record.state.name}")
        record.state = new
        self._index(server_id, record)
        self._settle()

    def _index(self, server_id: str, record: _Record) -> None:
        if record.state is OutlierState.EJECTED:
            self._ejected[server_id] = record.until
        else:
            self._ejected.pop(server_id, None)

    def _settle(self) -> None:
        """Renew the deadline; without suspects, successes need no memory."""
        self._deadline = min(self._ejected.values(), default=None)
        if not self._records:
            self._succeeded_at.clear()

    # -- how it outlives a reload

    def snapshot(self) -> Mapping[str, Any]:
        """Return what is known, by server id; evidence of the moment is left behind."""
        return {
            "servers": {
                server_id: {**attrs.asdict(record), "state": record.state.value}
                for server_id, record in self._records.items()
            }
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``snapshot`` was taken; ``forget`` whoever is not in the pool now."""
        known = {field.name for field in attrs.fields(_Record)}
        for server_id, values in state.get("servers", {}).items():
            values = {key: value for key, value in values.items() if key in known}
            values["state"] = OutlierState(values.get("state", OutlierState.IN.value))
            record = self._records[server_id] = _Record(**values)
            self._index(server_id, record)
        self._settle()
