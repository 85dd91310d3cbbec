"""Outlier ejection: passive health, read off the requests that a pool serves anyway.

              EJECT
        IN ----------> EJECTED
         ^---------------'
              READMIT

Rule 1: a server's state changes only in `_take`, only as TRANSITIONS says.
Rule 2: a suspect is who failed `consecutive_failures` times in a row, or whose share of
        successes is too small (see `success_rate`). A suspect is ejected only if another
        server in rotation does better: it has met a success since the suspect's trouble
        began (and within EVIDENCE_SECONDS), no failure since, its own share is not too
        small, and it was not out itself in the last EVIDENCE_SECONDS. An outlier differs
        from others; where all fail alike, the cause is shared (the client, a database, an
        overload) and an ejection would only push load onto the rest.
Rule 3: at least one server stays in rotation, and at most ``max_ejection_fraction`` of
        the pool is out; but a fraction above zero always allows one ejection, or small
        pools would have no protection.
Rule 4: an ejection lasts longer than the one before, unless good conduct lies between
        (see `conduct`).
Rule 5: nothing waits or reads a clock: `now` comes in; `deadline` and events go out.

What is known of a server is kept only while there is something to know: most servers
never fail, and a success then costs one test of an empty dict.
"""

import enum
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Protocol

import attrs

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event, ServerEjected, ServerReadmitted
from trio_lb.model.rng import Rng
from trio_lb.policy.conduct import Conduct, TermSettings
from trio_lb.policy.success_rate import Rate, RateSettings, SuccessRates

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


class OutlierSettings(RateSettings, TermSettings, Protocol):
    """What the detector needs to know; the configuration's ``OutlierConfig`` is one."""

    @property
    def enabled(self) -> bool:
        """False ejects nobody."""
        ...

    @property
    def consecutive_failures(self) -> int:
        """The length of a streak that makes a suspect, >= 1."""
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
    is_poor: bool = False
    """Its rate was poor when last looked at: others' successes are of interest still."""
    until: float = 0.0
    conduct: Conduct = attrs.Factory(Conduct)

    @property
    def is_blank(self) -> bool:
        is_in = self.state is OutlierState.IN
        return is_in and not (self.streak or self.is_poor or self.conduct.ejections)


@attrs.frozen(slots=True)
class _Charge:
    """Why a server is a suspect, and from when on another's success contrasts with it."""

    reason: str
    since: float


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
    """Passive health of all servers of one pool; satisfies ``Machine``.

    ``successes_of`` reads how many requests a server has served well since the start:
    a count that its owner keeps anyway. Without it, nobody is judged by success rate.
    """

    def __init__(
        self,
        pool: str,
        config: OutlierSettings,
        successes_of: Callable[[str], int] | None = None,
    ) -> None:
        self.pool = pool
        self._config = config
        self._rates = SuccessRates(config, successes_of)
        self.ejections_total = 0
        self.spared_alike_total = 0
        self.spared_share_total = 0
        self._records: dict[str, _Record] = {}
        # While anybody is under suspicion: servers whose last outcome was good, and when.
        self._succeeded_at: dict[str, float] = {}
        self._ejected: dict[str, float] = {}
        self._deadline: float | None = None

    @property
    def config(self) -> OutlierSettings:
        """The settings in force; they may be replaced at any time."""
        return self._config

    @config.setter
    def config(self, config: OutlierSettings) -> None:
        self._config = config
        self._rates.configure(config)

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
        if self._deadline is None or now < self._deadline:
            return []
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
        self._rates.forget(server_id)
        self._settle()

    # -- good outcomes

    def _succeed(self, server_id: str, now: float) -> None:
        self._succeeded_at[server_id] = now
        record = self._records.get(server_id)
        if record is None or record.state is OutlierState.EJECTED:
            return
        record.streak = 0
        record.is_poor = record.is_poor and self._is_poor(server_id, now)
        if record.conduct.ejections:
            record.conduct.succeed(now, self.config)
        if record.is_blank:
            del self._records[server_id]
            self._settle()

    # -- bad outcomes

    def _fail(
        self, server_id: str, now: float, in_rotation: Collection[str], rng: Rng | None
    ) -> list[Event]:
        self._succeeded_at.pop(server_id, None)
        record = self._records.get(server_id)
        if record is None:
            record = self._records[server_id] = _Record()
        if record.state is OutlierState.EJECTED:
            return []
        if not record.streak:
            record.streak_since = now
        record.streak += 1
        record.conduct.fail()
        rate = self._rates.fail(server_id, now)
        record.is_poor = self._rates.is_poor(rate)
        charge = self._charge(record, rate, now)
        if charge is None:
            return []
        # A late timer must not keep places of the share taken.
        told = self.on_deadline(now)
        if self._may_eject(server_id, charge, now, in_rotation):
            told.append(self._eject(server_id, record, charge, now, rng))
        return told

    def _charge(self, record: _Record, rate: Rate | None, now: float) -> _Charge | None:
        """Rule 2: what makes a suspect of a server, if anything does."""
        earliest = now - EVIDENCE_SECONDS
        if record.streak >= self.config.consecutive_failures:
            since = max(record.streak_since, earliest)
            return _Charge(f"{record.streak} failures in a row", since)
        return _Charge(str(rate), earliest) if self._rates.convicts(rate) else None

    def _may_eject(
        self, server_id: str, charge: _Charge, now: float, in_rotation: Collection[str]
    ) -> bool:
        """Rules 2 and 3; another server's success also shows that one will stay."""
        if server_id not in in_rotation:
            return False
        if not any(
            at >= charge.since
            and other not in self._ejected
            and other in in_rotation
            and not self._is_poor(other, now)
            and not self._is_fresh(other, now)
            for other, at in self._succeeded_at.items()
        ):
            self.spared_alike_total += 1
            return False
        if len(self._ejected) >= self._most_ejected(in_rotation):
            self.spared_share_total += 1
            return False
        return True

    def _is_fresh(self, server_id: str, now: float) -> bool:
        """Whether it was out a short while ago: it had a rest, and its queue ran dry."""
        record = self._records.get(server_id)
        if record is None or not record.conduct.ejections:
            return False
        return now < record.until + EVIDENCE_SECONDS

    def _is_poor(self, server_id: str, now: float) -> bool:
        return self._rates.is_poor(self._rates.rate(server_id, now))

    def _most_ejected(self, in_rotation: Collection[str]) -> int:
        fraction = self.config.max_ejection_fraction
        if fraction <= 0:
            return 0
        servers = len(self._ejected.keys() | set(in_rotation))
        return max(int(fraction * servers + 1e-9), 1)

    def _eject(
        self, server_id: str, record: _Record, charge: _Charge, now: float, rng: Rng | None
    ) -> Event:
        lasts_seconds = record.conduct.eject(self.config)
        if rng is not None:
            lasts_seconds *= 1.0 + JITTER_FRACTION * rng.random()
        record.until = now + lasts_seconds
        record.streak, record.is_poor = 0, False
        self._rates.forget(server_id)
        self._take(server_id, record, Signal.EJECT)
        self.ejections_total += 1
        return ServerEjected(
            at=now, pool=self.pool, server_id=server_id, reason=charge.reason, until=record.until
        )

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
            values["conduct"] = Conduct(**values.get("conduct", {}))
            record = self._records[server_id] = _Record(**values)
            self._index(server_id, record)
        self._settle()
