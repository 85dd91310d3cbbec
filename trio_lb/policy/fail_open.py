"""Fail-open: what to do when the checks of many servers turn bad at the same time.

                 FELL_TOGETHER             RECOVERED
        BELIEVED -------------> HOLDING --------------> CLEARING
           ^ ^                   |  ^                    |  |
           | '----- CLEARED -----'  '-- FELL_TOGETHER ---'  |
           '------------------- CLEARED --------------------'

Servers fail one at a time. Where all that were good, of a pool or of one zone, fail
their checks within one window, the likelier fault is one that they share: the checker's
own network, or a database that every health page asks. Taking them all out would turn
a doubtful check into a certain outage; so the last good state is *held*.

Rule 1: a group's state changes only in `_take`, only as TRANSITIONS says. The groups are
        the whole pool and each of its zones.
Rule 2: held are only servers that were good until they fell, with at least one other,
        within ``window_seconds`` of the moment when nobody good was left in the group.
        One server alone shares its fault with nobody.
Rule 3: who refuses connections is dead, not misjudged: its host answered for it. It is
        never held, and a refusal, at a check or a request, ends its hold at once; so
        do UNANSWERED requests in a row that end without an answer.
Rule 4: a good check shows that checks work again. The others have one more window to
        follow, so that the first to return does not meet the load of all.
Rule 5: ``True`` holds every server that does not refuse as long as no server is good;
        ``False`` holds nobody. A server that was never checked is never held.
Rule 6: nothing waits or reads a clock; events tell when holding begins, widens and ends.
"""

import enum
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event, FailOpenEntered, FailOpenLeft

FailOpenMode = Literal["auto"] | bool

UNANSWERED: Final = 3
"""Requests in a row without an answer that disprove a hold: as many as a check's ``fall``."""
FEWEST: Final = 2
"""How many servers must fall together: a coincidence needs two."""


class Trust(enum.Enum):
    """How far the checks of one group of servers are believed."""

    BELIEVED = "believed"
    HOLDING = "holding the last good state"
    CLEARING = "believed again, with patience for the rest"


class Signal(enum.Enum):
    """What moves it."""

    FELL_TOGETHER = "all that were good turned bad at once"
    RECOVERED = "a check is good again"
    CLEARED = "nobody is held any more"


TRANSITIONS: Final[Mapping[Trust, Mapping[Signal, Trust]]] = {
    Trust.BELIEVED: {Signal.FELL_TOGETHER: Trust.HOLDING},
    Trust.HOLDING: {Signal.RECOVERED: Trust.CLEARING, Signal.CLEARED: Trust.BELIEVED},
    Trust.CLEARING: {Signal.FELL_TOGETHER: Trust.HOLDING, Signal.CLEARED: Trust.BELIEVED},
}


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
"""Seconds, for health checks at their own defaults."""


@attrs.define(slots=True)
class _Member:
    """What checks and requests said of one server last."""

    zone: str | None
    is_healthy: bool = False
    refused: bool = False
    fell_at: float | None = None
    """When it turned from good to bad; None if it never did."""
    unanswered: int = 0
    successes: int = 0
    """The server's count of successes at its last unanswered request."""

    @property
    def scopes(self) -> tuple[str | None, ...]:
        """The zones of the groups that it belongs to; None stands for the whole pool."""
        return (None,) if self.zone is None else (None, self.zone)


@attrs.define(slots=True, eq=False)
class _Group:
    """The whole pool (``zone`` None) or one zone of it."""

    zone: str | None
    trust: Trust = Trust.BELIEVED
    until: float | None = None
    reason: str = ""

    @property
    def is_active(self) -> bool:
        return self.trust is not Trust.BELIEVED


@attrs.frozen(slots=True, kw_only=True)
class FailOpenStatistics:
    """Fail-open at an instant: whom it holds, and why, a line for each group at fault."""

    held: tuple[str, ...]
    reasons: tuple[str, ...]


class FailOpen:
    """Whose bad checks are not believed, in one pool; satisfies ``Machine``.

    It learns of servers by their checks alone, so it stays empty where there are none.
    What a person says of a server is no check: ``forget`` it meanwhile, as when it is
    disabled or drains.
    """

    def __init__(
        self, pool: str, mode: FailOpenMode = "auto", window_seconds: float = DEFAULT_WINDOW
    ) -> None:
        self.pool = pool
        self.mode: FailOpenMode = mode
        self.window_seconds = window_seconds
        self._members: dict[str, _Member] = {}
        self._groups: dict[str | None, _Group] = {}
        self._held: dict[str, _Group] = {}
        self._healthy: Counter[str | None] = Counter()
        self._deadline: float | None = None

    # -- what others ask

    @property
    def is_holding(self) -> bool:
        """Whether any server is held."""
        return bool(self._held)

    @property
    def deadline(self) -> float | None:
        """When patience with those who did not recover ends."""
        return self._deadline

    def holds(self, server_id: str) -> bool:
        """Whether the server counts as good although its checks say otherwise."""
        return server_id in self._held

    def statistics(self) -> FailOpenStatistics:
        """Return the machine's present as a value."""
        reasons = tuple(group.reason for group in self._groups.values() if group.is_active)
        return FailOpenStatistics(held=tuple(self._held), reasons=reasons)

    # -- what happens

    def checked(
        self, server_id: str, zone: str | None, is_healthy: bool, refused: bool, now: float
    ) -> list[Event]:
        """Note what the checks say of a server after one more of them.

        ``is_healthy`` is their verdict, not the single check's result; ``refused`` says
        that this check failed because the connection was refused. To be told of every
        check, or at least of each that changes the verdict or is refused.
        """
        before = self._active()
        if server_id in self._members and self._members[server_id].zone != zone:
            self._drop(server_id)
        was_healthy = self._note(server_id, zone, is_healthy, refused)
        if self.mode is True:
            self._ignore_checks()
        elif is_healthy and not was_healthy:
            self._rise(server_id, now)
        elif was_healthy and not is_healthy:
            self._fall(server_id, now)
        if refused and not is_healthy:
            self._disprove(server_id)
        return self._tell(before, now)

    def refused(self, server_id: str, now: float) -> list[Event]:
        """A request's connection was refused: nothing serves there, whatever checks met."""
        member = self._members.get(server_id)
        if member is None or member.is_healthy:
            return []
        before = self._active()
        member.refused = True
        self._disprove(server_id)
        return self._tell(before, now)

    def unanswered(self, server_id: str, successes: int, now: float) -> list[Event]:
        """A request ended without an answer; ``successes`` counts the server's good ones so far.

        The count only has to grow with each success: so successes need not be told.
        """
        if server_id not in self._held or self.mode is True:
            return []
        before, member = self._active(), self._members[server_id]
        if successes != member.successes:
            member.successes, member.unanswered = successes, 0
        member.unanswered += 1
        if member.unanswered >= UNANSWERED:
            self._disprove(server_id)
        return self._tell(before, now)

    def forget(self, server_id: str, now: float) -> list[Event]:
        """Drop a server that left, or of which checks do not decide now."""
        if server_id not in self._members:
            return []
        before = self._active()
        self._drop(server_id)
        if self.mode is True:
            self._ignore_checks()
        return self._tell(before, now)

    def on_deadline(self, now: float) -> list[Event]:
        """Believe the checks of those who did not follow in time."""
        before = self._active()
        for group in self._groups.values():
            if group.until is not None and group.until <= now:
                self._release(group)
        return self._tell(before, now)

    def configure(self, mode: FailOpenMode, window_seconds: float, now: float) -> list[Event]:
        """Go on under other settings; another mode begins with nobody held."""
        before = self._active()
        if mode != self.mode:
            self._held.clear()
            self._clear_empty()
        self.mode, self.window_seconds = mode, window_seconds
        if mode is True:
            self._ignore_checks()
        return self._tell(before, now)

    # -- what is known of servers

    def _note(self, server_id: str, zone: str | None, is_healthy: bool, refused: bool) -> bool:
        """Take a verdict into the books; return the one before it."""
        member = self._members.setdefault(server_id, _Member(zone))
        was_healthy = member.is_healthy
        self._count(member, -1)
        member.is_healthy = is_healthy
        member.refused = refused and not is_healthy
        self._count(member, +1)
        return was_healthy

    def _drop(self, server_id: str) -> None:
        self._count(self._members.pop(server_id), -1)
        self._held.pop(server_id, None)

    def _count(self, member: _Member, change: int) -> None:
        if member.is_healthy:
            for zone in member.scopes:
                self._healthy[zone] += change

    def _groups_of(self, member: _Member) -> list[_Group]:
        """The whole pool first: where all have fallen, the zone does not matter."""
        return [self._groups.setdefault(zone, _Group(zone)) for zone in member.scopes]

    # -- auto: coincidences

    def _rise(self, server_id: str, now: float) -> None:
        """Rule 4."""
        member = self._members[server_id]
        member.fell_at = None
        self._held.pop(server_id, None)
        for group in self._groups_of(member):
            if group.trust is Trust.HOLDING:
                self._take(group, Signal.RECOVERED)
                group.until = now + self.window_seconds

    def _fall(self, server_id: str, now: float) -> None:
        """Rule 2."""
        member = self._members[server_id]
        member.fell_at = None if member.refused else now
        member.unanswered = 0
        for group in self._groups_of(member) if self.mode == "auto" else ():
            together = [] if self._healthy[group.zone] else self._fallen(group, now)
            if len(together) >= FEWEST:
                self._hold(group, together)
                break

    def _fallen(self, group: _Group, now: float) -> list[str]:
        """Whom the fault that ``group`` may share has hit."""
        since = now - self.window_seconds
        return [
            server_id
            for server_id, member in self._members.items()
            if group.zone in member.scopes
            and member.fell_at is not None
            and (member.fell_at >= since or server_id in self._held)
        ]

    def _hold(self, group: _Group, server_ids: list[str]) -> None:
        where = "" if group.zone is None else f" of zone {group.zone!r}"
        self._take(group, Signal.FELL_TOGETHER)
        group.reason = f"all {len(server_ids)} good servers{where} failed their checks together"
        for server_id in server_ids:
            self._held.setdefault(server_id, group)

    def _disprove(self, server_id: str) -> None:
        """Rule 3: it is dead, and not to be held before it was good again."""
        self._members[server_id].fell_at = None
        self._held.pop(server_id, None)

    # -- true: whoever there is

    def _ignore_checks(self) -> None:
        """Rule 5."""
        group = self._groups.setdefault(None, _Group(None))
        wanted = (
            [] if self._healthy[None] else [i for i, m in self._members.items() if not m.refused]
        )
        if wanted and not group.is_active:
            self._take(group, Signal.FELL_TOGETHER)
            group.reason = "no server is healthy"
        self._held = dict.fromkeys(wanted, group)

    # -- the one place where state changes, and what follows

    def _take(self, group: _Group, signal: Signal) -> None:
        new = TRANSITIONS[group.trust].get(signal)
        if new is None:
            raise IllegalTransition(
                f"fail-open of {self.pool}: {signal.name} in {group.trust.name}"
            )
        group.trust = new
        group.until = None

    def _release(self, group: _Group) -> None:
        self._held = {i: holder for i, holder in self._held.items() if holder is not group}

    def _clear_empty(self) -> None:
        holders = set(self._held.values())
        for group in self._groups.values():
            if group.is_active and group not in holders:
                self._take(group, Signal.CLEARED)

    def _active(self) -> list[_Group]:
        return [group for group in self._groups.values() if group.is_active]

    def _tell(self, before: list[_Group], now: float) -> list[Event]:
        """End what holds nobody, renew the deadline, and say what is new."""
        self._clear_empty()
        self._deadline = min(
            (group.until for group in self._groups.values() if group.until is not None),
            default=None,
        )
        active = self._active()
        if before and not active:
            return [FailOpenLeft(at=now, pool=self.pool)]
        return [
            FailOpenEntered(at=now, pool=self.pool, reason=group.reason)
            for group in active
            if group not in before
        ]

    # -- how it outlives a reload

    def snapshot(self) -> Mapping[str, Any]:
        """Return what is known of servers and groups, as plain values."""
        return {
            "servers": {i: attrs.asdict(member) for i, member in self._members.items()},
            "groups": [
                {**attrs.asdict(group), "trust": group.trust.value}
                for group in self._groups.values()
            ],
            "held": {server_id: group.zone for server_id, group in self._held.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``snapshot`` was taken; ``forget`` whoever is not in the pool now."""
        for values in state.get("groups", ()):
            group = self._groups[values["zone"]] = _Group(values["zone"])
            group.trust, group.until = Trust(values["trust"]), values["until"]
            group.reason = values["reason"]
        known = {field.name for field in attrs.fields(_Member)}
        for server_id, values in state.get("servers", {}).items():
            member = _Member(**{name: values[name] for name in known & values.keys()})
            self._members[server_id] = member
            self._count(member, +1)
        for server_id, zone in state.get("held", {}).items():
            self._held[server_id] = self._groups[zone]
        self._tell([], 0.0)
