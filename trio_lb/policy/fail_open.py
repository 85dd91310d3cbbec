"""Fail-open: what to do when the checks of all servers turn bad at the same time.

                 FELL_TOGETHER             RECOVERED
        BELIEVED -------------> HOLDING --------------> CLEARING
           ^ ^                   |  ^                    |  |
           | '----- CLEARED -----'  '-- FELL_TOGETHER ---'  |
           '------------------- CLEARED --------------------'

Where all that were good, of a pool or of one zone, fail their checks within one window,
the likelier fault is one that they share: the checker's own network, or a database that
every health page asks. Taking them all out would turn a doubtful check into a certain
outage; so the last good state is *held*.

Rule 1: a group's state changes only in `_take`, only as TRANSITIONS says. The groups are
        the whole pool and each of its zones.
Rule 2: held are only servers that were good until they fell, with at least one other,
        within ``window_seconds`` of the moment when nobody good was left in the group.
        One server alone shares its fault with nobody.
Rule 3: who refuses connections is dead, not misjudged. It is never held; a refusal, at a
        check or a request, ends its hold at once, and so do UNANSWERED requests in a row
        that end without an answer. Before it was good again it is not held anew.
Rule 4: a good check shows that checks work again. The others have one more window to
        follow, so that the first to return does not meet the load of all.
Rule 5: ALWAYS holds every server that is down and does not refuse, as long as no server
        is good; NEVER holds nobody. A server that was never checked is never held.
Rule 6: nothing waits or reads a clock; events tell when holding begins, widens and ends.
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event, FailOpenEntered, FailOpenLeft
from trio_lb.policy.coincidence import DEFAULT_WINDOW, Coincidences, Scope, Turn

FEWEST: Final = 2
"""How many servers must fall together: a coincidence needs two."""
UNANSWERED: Final = 3
"""Requests in a row without an answer that disprove a hold: as many as checks' ``fall``."""


class FailOpenMode(enum.StrEnum):
    """The configuration's words."""

    AUTO = "auto"
    ALWAYS = "true"
    NEVER = "false"


class Trust(enum.Enum):
    """How far the checks of one group of servers are believed."""

    BELIEVED = "believed"
    HOLDING = "not believed: the last good state is held"
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


@attrs.define(slots=True, eq=False)
class _Group:
    """The whole pool (``scope`` None) or one zone of it."""

    scope: Scope
    trust: Trust = Trust.BELIEVED
    until: float | None = None
    reason: str = ""

    @property
    def is_active(self) -> bool:
        return self.trust is not Trust.BELIEVED


@attrs.define(slots=True)
class _Hold:
    """One server that counts as good, and what its requests met meanwhile."""

    group: _Group
    unanswered: int = 0
    successes: int = 0
    """The server's count of successes at its last unanswered request."""


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
        self,
        pool: str,
        mode: str = FailOpenMode.AUTO,
        window_seconds: float = DEFAULT_WINDOW,
    ) -> None:
        self.pool = pool
        self.mode = FailOpenMode(mode)
        self.window_seconds = window_seconds
        self._checks = Coincidences()
        self._groups: dict[Scope, _Group] = {}
        self._holds: dict[str, _Hold] = {}
        self._deadline: float | None = None

    # -- what others ask

    @property
    def is_holding(self) -> bool:
        """Whether any server is held."""
        return bool(self._holds)

    @property
    def deadline(self) -> float | None:
        """When patience with those who did not recover ends."""
        return self._deadline

    def holds(self, server_id: str) -> bool:
        """Whether the server counts as good although its checks say otherwise."""
        return server_id in self._holds

    def statistics(self) -> FailOpenStatistics:
        """Return the machine's present as a value."""
        return FailOpenStatistics(
            held=tuple(self._holds), reasons=tuple(group.reason for group in self._active())
        )

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
        if self._checks.has_moved(server_id, zone):
            self._checks.forget(server_id)
            self._holds.pop(server_id, None)
        turn = self._checks.note(server_id, zone, is_healthy, refused, now)
        if turn is Turn.STAYED and not before and self.mode is not FailOpenMode.ALWAYS:
            return []  # Nobody is held, and nothing has turned: so it is with nearly each check.
        if is_healthy or refused:
            self._holds.pop(server_id, None)
        if self.mode is FailOpenMode.ALWAYS:
            self._ignore_checks()
        elif turn is Turn.ROSE:
            self._rise(server_id, now)
        elif turn is Turn.FELL and self.mode is FailOpenMode.AUTO:
            self._weigh(self._checks.scopes_of(server_id), now)
        return self._tell(before, now)

    def refused(self, server_id: str, now: float) -> list[Event]:
        """A request's connection was refused: nothing serves there, whatever checks met."""
        if not self._checks.is_down(server_id):
            return []
        before = self._active()
        self._checks.disprove(server_id, refused=True)
        self._holds.pop(server_id, None)
        return self._tell(before, now)

    def unanswered(self, server_id: str, successes: int, now: float) -> list[Event]:
        """A request ended without an answer; ``successes`` counts the server's good ones so far.

        The count only has to grow with each success: so successes need not be told.
        """
        hold = self._holds.get(server_id)
        if hold is None or self.mode is FailOpenMode.ALWAYS:
            return []
        if successes != hold.successes:
            hold.successes, hold.unanswered = successes, 0
        hold.unanswered += 1
        if hold.unanswered < UNANSWERED:
            return []
        before = self._active()
        self._checks.disprove(server_id)
        del self._holds[server_id]
        return self._tell(before, now)

    def forget(self, server_id: str, now: float) -> list[Event]:
        """Drop a server that left, or of which checks do not decide now."""
        before, scopes = self._active(), self._checks.scopes_of(server_id)
        was_good = self._checks.is_good(server_id)
        self._checks.forget(server_id)
        self._holds.pop(server_id, None)
        if self.mode is FailOpenMode.ALWAYS:
            self._ignore_checks()
        elif was_good and self.mode is FailOpenMode.AUTO:
            self._weigh(scopes, now)
        return self._tell(before, now)

    def on_deadline(self, now: float) -> list[Event]:
        """Believe the checks of those who did not follow in time."""
        before = self._active()
        over = [g for g in self._groups.values() if g.until is not None and g.until <= now]
        self._holds = {i: hold for i, hold in self._holds.items() if hold.group not in over}
        return self._tell(before, now)

    def configure(self, mode: str, window_seconds: float, now: float) -> list[Event]:
        """Go on under other settings; another mode begins with nobody held."""
        before = self._active()
        if mode != self.mode:
            self._holds.clear()
            self._clear_empty()
        self.mode, self.window_seconds = FailOpenMode(mode), window_seconds
        if self.mode is FailOpenMode.ALWAYS:
            self._ignore_checks()
        return self._tell(before, now)

    # -- whom to hold

    def _rise(self, server_id: str, now: float) -> None:
        """Rule 4."""
        for group in self._groups_of(self._checks.scopes_of(server_id)):
            if group.trust is Trust.HOLDING:
                self._take(group, Signal.RECOVERED)
                group.until = now + self.window_seconds

    def _weigh(self, scopes: Iterable[Scope], now: float) -> None:
        """Rule 2, now that these have one good server less.

        The widest comes first: where all have fallen, the zone does not matter.
        """
        since = now - self.window_seconds
        for group in self._groups_of(scopes):
            if self._checks.any_healthy(group.scope):
                continue
            together = self._checks.fallen(group.scope, since, self._holds)
            if len(together) >= FEWEST:
                where = "" if group.scope is None else f" of zone {group.scope!r}"
                reason = f"all {len(together)} good servers{where} failed their checks together"
                self._hold(group, together, reason)
                break

    def _ignore_checks(self) -> None:
        """Rule 5."""
        group = self._groups.setdefault(None, _Group(None))
        wanted = [] if self._checks.any_healthy(None) else self._checks.misjudged()
        self._holds = {i: hold for i, hold in self._holds.items() if i in wanted}
        if wanted and not group.is_active:
            self._hold(group, wanted, "no server is healthy")
        for server_id in wanted:
            self._holds.setdefault(server_id, _Hold(group))

    def _hold(self, group: _Group, server_ids: list[str], reason: str) -> None:
        self._take(group, Signal.FELL_TOGETHER)
        group.reason = reason
        for server_id in server_ids:
            self._holds.setdefault(server_id, _Hold(group))

    # -- groups

    def _groups_of(self, scopes: Iterable[Scope]) -> list[_Group]:
        return [self._groups.setdefault(scope, _Group(scope)) for scope in scopes]

    def _active(self) -> list[_Group]:
        return [group for group in self._groups.values() if group.is_active]

    def _take(self, group: _Group, signal: Signal) -> None:
        new = TRANSITIONS[group.trust].get(signal)
        if new is None:
            where = f"fail-open of {self.pool}/{group.scope or '*'}"
            raise IllegalTransition(f"{where}: {signal.name} in {group.trust.name}")
        group.trust = new
        group.until = None

    def _clear_empty(self) -> None:
        holders = {hold.group for hold in self._holds.values()}
        for group in self._active():
            if group not in holders:
                self._take(group, Signal.CLEARED)

    def _tell(self, before: list[_Group], now: float) -> list[Event]:
        """End what holds nobody any more, renew the deadline, and say what is new."""
        self._clear_empty()
        instants = (group.until for group in self._groups.values())
        self._deadline = min((at for at in instants if at is not None), default=None)
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
        """Return verdicts, groups at fault and holds, as plain values."""
        return {
            "checks": self._checks.snapshot(),
            "groups": [
                {"scope": group.scope, "trust": group.trust.value}
                | {"until": group.until, "reason": group.reason}
                for group in self._active()
            ],
            "holds": {
                server_id: {**attrs.asdict(hold), "group": hold.group.scope}
                for server_id, hold in self._holds.items()
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``snapshot`` was taken; ``forget`` whoever is not in the pool now."""
        self._checks.restore(state.get("checks", {}))
        for values in state.get("groups", ()):
            trust = Trust(values["trust"])
            group = _Group(values["scope"], trust, values["until"], values["reason"])
            self._groups[group.scope] = group
        for server_id, values in state.get("holds", {}).items():
            group = self._groups[values["group"]]
            self._holds[server_id] = _Hold(group, values["unanswered"], values["successes"])
        self._tell([], 0.0)
