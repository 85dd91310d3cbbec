"""Verdicts: all that is said of a pool's servers, joined into one answer a server.

A person, the checks (or fail-open in their place), the outlier detector and the server's
breaker each say what they know. ``is_usable`` is what follows, and the rotation holds it.

    a person:  not disabled, not draining, and no health set by hand that is bad
    checks:    HEALTHY, or not checked at all, or held by fail-open
    requests:  not ejected, and a breaker that lets requests through

Rule 1: all of these must hold. Fail-open stands in for bad checks and for nothing else:
        neither a person nor a breaker is overruled. `_judge` is the only place that
        writes what follows.
Rule 2: ejection never empties a pool: when nobody is in service, whoever is out for its
        ejection alone is readmitted. Who is on trial at its breaker is not in service.
Rule 3: whoever changes what is said of a server hands the events to `follow`, or names
        the server there: nothing is looked at otherwise, so nothing costs a request.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from trio_lb.config.schema import HealthCheckConfig, PoolConfig
from trio_lb.model.events import Event, ServerEvent
from trio_lb.model.outcome import OutcomeKind
from trio_lb.model.rng import Rng
from trio_lb.policy.coincidence import shared_fault_window
from trio_lb.policy.fail_open import FailOpen
from trio_lb.policy.outlier import OutlierDetector
from trio_lb.state.breakers import Breakers
from trio_lb.state.membership import Membership
from trio_lb.state.ramps import Ramps
from trio_lb.state.rotation import Rotation
from trio_lb.state.server import Server, ServerState


class Verdicts:
    """Who of ``membership`` takes requests, and why not."""

    __slots__ = (
        "_held",
        "_membership",
        "breakers",
        "fail_open",
        "outlier",
        "ramps",
        "rotation",
    )

    def __init__(self, config: PoolConfig, membership: Membership) -> None:
        self.rotation = Rotation()
        self.outlier = OutlierDetector(config.name, config.outlier_detection, self._successes_of)
        self.breakers = Breakers(config.circuit_breaker)
        self.ramps = Ramps(config.slow_start, self.rotation)
        self.fail_open = _fail_open(config)
        self._membership = membership
        self._held: frozenset[str] = frozenset()

    @property
    def deadline(self) -> float | None:
        """When time alone changes a verdict or a share next."""
        each = (self.outlier, self.breakers, self.ramps, self.fail_open)
        return min((at for one in each if (at := one.deadline) is not None), default=None)

    @property
    def healthy(self) -> Sequence[Server]:
        """The members whose state is healthy, though they may be ejected, or out for a breaker."""
        return [s for s in self._membership.members if s.state is ServerState.HEALTHY]

    def has_changed_hold(self, server: Server) -> bool:
        """Whether fail-open has begun or ceased to hold a server, and nothing follows yet."""
        return server.is_held is not self.fail_open.holds(server.id)

    def next_chances(self) -> Iterator[float | None]:
        """Yield the instants at which somebody may come in: each kind's next, and checks."""
        yield self.outlier.deadline
        yield self.breakers.deadline
        for server in self._membership.members:
            if server.state in (ServerState.UNHEALTHY, ServerState.UNKNOWN):
                yield server.next_check_at

    # -- what is said

    def checked(self, server: Server, refused: bool, now: float) -> list[Event]:
        """Hear what checks say of a member after one more; ``refused``: that one was."""
        health = server.health
        if health is None or _is_judged_by_hand(server):
            return []
        return self.fail_open.checked(server.id, server.zone, health.is_usable, refused, now)

    def succeeded(
        self, server: Server, now: float, began_at: float | None, rng: Rng | None
    ) -> list[Event]:
        """Hear of a request that went well, begun at ``began_at`` (None: in this instant)."""
        # What is known by id is a member's; a leaver's id may be another server's by now.
        if not self._membership.is_member(server):
            return []
        told = self.outlier.observe(server.id, False, now, ())
        if server.breaker is not None:
            told += server.breaker.observe(False, now, now if began_at is None else began_at, rng)
        return told

    def failed(
        self,
        server: Server,
        kind: OutcomeKind,
        now: float,
        began_at: float | None,
        rng: Rng | None,
    ) -> list[Event]:
        """Hear of a request that failed at a member; without an answer it disproves a hold."""
        told = self.outlier.observe(server.id, True, now, self.rotation.ids, rng)
        if server.breaker is not None:
            told += server.breaker.observe(True, now, now if began_at is None else began_at, rng)
        if kind is OutcomeKind.CONNECT_REFUSED:
            told += self.fail_open.refused(server.id, now)
        elif server.is_held and kind is not OutcomeKind.ANSWERED:
            told += self.fail_open.unanswered(server.id, server.successes, now)
        return told

    def set_by_hand(self, server: Server, now: float) -> list[Event]:
        """Hear that a person has decided on a server, or has given it back to the checks."""
        return self.fail_open.forget(server.id, now) if _is_judged_by_hand(server) else []

    def on_deadline(self, now: float) -> list[Event]:
        """End what is over; the caller lets ``follow`` draw the consequences."""
        self.ramps.on_deadline(now)
        told = self.outlier.on_deadline(now) + self.breakers.on_deadline(now)
        return told + self.fail_open.on_deadline(now)

    def permit_moved(self, server: Server) -> None:
        """Let a half-open server in or out: a permit was taken or given back. No news."""
        if self._membership.is_member(server):
            self.rotation.mark(server, _is_usable(server))

    # -- what a plan changes

    def relieve(self, leavers: Sequence[Server]) -> None:
        """Give no more requests to leavers that stood in."""
        kept = [server for server in self._membership.stand_ins if server not in leavers]
        if len(kept) == len(self._membership.stand_ins):
            return
        self._membership.stand_in(kept)
        self.rotation.replace(self._membership.serving)

    def part_with(self, servers: Iterable[Server], now: float) -> list[Event]:
        """Forget servers that leave."""
        told: list[Event] = []
        for server in servers:
            self.outlier.forget(server.id)
            self.ramps.forget(server)
            self.breakers.forget(server)
            told += self.fail_open.forget(server.id, now)
        return told

    def rename(self, renamed: Mapping[str, str]) -> None:
        """Let what is known of servers by id follow them: old id to new id."""
        if not renamed:
            return
        self.ramps.rename(renamed)
        known = self.outlier.snapshot()["servers"]
        for server_id in renamed:  # All of them first: ids may be swapped.
            self.outlier.forget(server_id)
        kept = {new: known[old] for old, new in renamed.items() if old in known}
        self.outlier.restore({"servers": kept})
        self._rename_in_fail_open(renamed)

    def _rename_in_fail_open(self, renamed: Mapping[str, str]) -> None:
        """Begin anew with what is known: forgetting a server might end what holds it."""
        old = self.fail_open
        known = {**old.snapshot()}
        for part in ("checks", "holds"):
            known[part] = {renamed.get(i, i): values for i, values in known[part].items()}
        self.fail_open = FailOpen(old.pool, old.mode, old.window_seconds)
        self.fail_open.restore(known)

    def take(self, config: PoolConfig, now: float, *, is_first: bool) -> list[Event]:
        """Judge the members by another plan; what is known stays known.

        A pool's first servers are presumed warm: they ran before the pool did.
        """
        members = self._membership.members
        self.outlier.config = config.outlier_detection
        self.breakers.take(config.circuit_breaker, members)
        self.ramps.take(config.slow_start, members, now)
        if is_first:
            self.ramps.presume_warm(members)
        self.rotation.replace(self._membership.serving)
        return self._take_fail_open(config, now)

    def _take_fail_open(self, config: PoolConfig, now: float) -> list[Event]:
        mode, window_seconds = _fail_open_knobs(config)
        told = self.fail_open.configure(mode, window_seconds, now)
        for server in self._membership.members:
            if server.health is None or _is_judged_by_hand(server):
                told += self.fail_open.forget(server.id, now)
        return told

    # -- what follows

    def follow(
        self, told: list[Event], now: float, *, review: Iterable[Server] = ()
    ) -> list[Event]:
        """Renew the verdicts that a change touches, and keep rule 2; return all that is told."""
        for server in (*review, *self._named_by(told), *self._newly_held_or_not()):
            self._judge(server, now)
        return told if self._anybody_serves() else told + self._rescue(now)

    def _successes_of(self, server_id: str) -> int:
        server = self._membership.get(server_id)
        return 0 if server is None else server.successes

    def _named_by(self, told: Iterable[Event]) -> Iterator[Server]:
        for event in told:
            if isinstance(event, ServerEvent):
                server = self._membership.get(event.server_id)
                if server is not None:
                    yield server

    def _newly_held_or_not(self) -> Iterator[Server]:
        """Whom fail-open began or ceased to hold: its news name no server."""
        if not self._held and not self.fail_open.is_holding:
            return
        held = frozenset(self.fail_open.statistics().held)
        changed = held ^ self._held
        self._held = held
        for server_id in changed:
            server = self._membership.get(server_id)
            if server is not None:
                yield server

    def _judge(self, server: Server, now: float) -> None:
        if not self._membership.is_member(server):
            return
        server.is_ejected = self.outlier.is_ejected(server.id)
        server.is_held = self.fail_open.holds(server.id)
        self.breakers.note(server)
        self.rotation.mark(server, _is_usable(server))
        if self.ramps.is_on:
            self.ramps.note(server, now)

    def _anybody_serves(self) -> bool:
        size = self.rotation.size
        return size > self.breakers.on_trial or (size > 0 and len(self.rotation.ids) > 0)

    def _rescue(self, now: float) -> list[Event]:
        """Readmit all that are only ejected."""
        out = [server for server in self._membership.members if server.is_ejected]
        told: list[Event] = []
        for server in out:
            server.is_ejected = False
            if server.is_in_service:
                told += self.outlier.readmit(server.id, now)
            self._judge(server, now)
        return told


def _is_judged_by_hand(server: Server) -> bool:
    """Whether it is a person who decides, whatever checks say."""
    overridden = server.health is not None and server.health.is_overridden
    return overridden or server.disabled or not server.drain.is_active


def _is_usable(server: Server) -> bool:
    return server.is_fit and (server.breaker is None or server.breaker.may_try)


def _fail_open(config: PoolConfig) -> FailOpen:
    mode, window_seconds = _fail_open_knobs(config)
    return FailOpen(config.name, mode, window_seconds)


def _fail_open_knobs(config: PoolConfig) -> tuple[str, float]:
    """Return mode and window; the widest window that any server's checks ask for."""
    own = (server.health_check for server in config.servers)
    checks = [config.health_check, *(check for check in own if check is not None)]
    return config.fail_open, max(map(_window_seconds, checks))


def _window_seconds(check: HealthCheckConfig) -> float:
    return shared_fault_window(
        check.interval,
        check.fast_interval,
        check.timeout,
        check.unhealthy_threshold,
        check.jitter_fraction,
    )
