"""A pool: servers that can answer the same requests, and what is known of each.

This is the front: the hot path (`order`, `observe`), what people and probes say, and what
is due. Who takes requests is `Verdicts`' business, who belongs here `Membership`'s.

Rule 1: every change ends in `_follow`, which renews the verdicts and calls the hooks.
Rule 2: `apply` is the only way in which configuration becomes servers; adding, changing
        and removing one server are small plans. Identity is pool + address.
Rule 3: the pool speaks to the timer for all that is due in it (ejections, drains).
        Nothing here waits; the `on_*` hooks wake those who do.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import attrs

from trio_lb.config.schema import PoolConfig, ServerConfig
from trio_lb.model.events import Event, ServerRemoved, ServerResumed
from trio_lb.model.outcome import SILENT_KINDS, Outcome, OutcomeKind
from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import Balancer, Candidate, Context
from trio_lb.policy.balance.custom import Custom
from trio_lb.policy.budget import RetryBudget
from trio_lb.policy.health import CheckResult, HealthState
from trio_lb.policy.retry import RetryPolicy
from trio_lb.state.drains import Drains
from trio_lb.state.enrolment import fit_health, new_health
from trio_lb.state.membership import Membership, refuse_doubles
from trio_lb.state.plans import Plans, balances_otherwise, new_balancer
from trio_lb.state.server import Server
from trio_lb.state.switch import Switch
from trio_lb.state.unavailable import Unavailable, explain, is_by_breaker, whole_seconds_until
from trio_lb.state.verdicts import Verdicts

NOTHING: Final[tuple[Event, ...]] = ()
"""What most observations tell; shared, so that telling it allocates nothing."""


@attrs.frozen(slots=True, kw_only=True)
class PoolStatistics:
    """A pool at an instant. ``usable`` of ``servers`` members take requests."""

    name: str
    algorithm: str
    servers: int
    usable: int
    healthy: int
    leaving: int


class Pool:
    """One pool's servers and policies.

    It begins without servers: ``apply`` brings them. The hooks may be assigned by
    whoever runs timers and probes: ``on_deadline_moved(pool)`` after any call that moved
    ``deadline``; ``on_suspect(server)`` when an attempt was refused, reset or timed out;
    ``on_changed(pool)`` when servers came or went, or the pool became (un)usable;
    ``on_left(server)`` when a server has left for good, its last request ended or not;
    ``on_fault(text)`` at the 1st, 2nd, 4th ... fault of an algorithm of the caller's own.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.config = PoolConfig(name=name)
        self.balancer = new_balancer(self.config)
        self._timed: Callable[[Candidate, float, bool, float], None] | None = None
        self.budget = RetryBudget(self.config.retry.budget)
        self.retry = RetryPolicy(self.config.retry)
        self.on_suspect: Callable[[Server], None] = _ignore
        self.on_deadline_moved: Callable[[Pool], None] = _ignore
        self.on_changed: Callable[[Pool], None] = _ignore
        self.on_left: Callable[[Server], None] = _ignore
        self.on_fault: Callable[[str], None] = _ignore
        self._membership = Membership(name)
        self._verdicts = Verdicts(self.config, self._membership)
        self._rotation = self._verdicts.rotation
        self.outlier = self._verdicts.outlier
        self._drains = Drains(self._drain_ended)
        self._plans = Plans(self._membership, self._drains, self._verdicts, on_idle=self._emptied)
        self._announced: tuple[float | None, bool] = (None, False)

    # -- the hot path

    def order(self, context: Context, rng: Rng, now: float = 0.0) -> Iterator[Server]:
        """Yield servers to try: usable, not full, each at most once, best first."""
        if self._timed is not None:
            context = Context(context.client, context.key, now)
        return self._rotation.order(self.balancer, context, rng)

    def observe(
        self,
        server: Server,
        outcome: Outcome,
        now: float,
        rng: Rng | None = None,
        *,
        began_at: float | None = None,
        seconds: float = 0.0,
    ) -> Sequence[Event]:
        """Count one attempt's outcome; return what it led to. ``rng`` spreads what lasts.

        The attempt began at ``began_at`` (None: in this instant); its answer's head, or its
        failure, came ``seconds`` later. A stale connection is no attempt: nothing of the
        request was processed.
        """
        kind = outcome.kind
        if kind is OutcomeKind.ANSWERED and (outcome.status is None or outcome.status < 500):
            server.requests += 1
            server.last_seen_at = now
            if self._timed is not None:
                self._timed(server, seconds, False, now)
            if server.breaker is not None or self.outlier.is_alert:
                told = self._verdicts.succeeded(server, now, began_at, rng)
                return self._follow(told, now) if told else NOTHING
            return NOTHING
        if kind in SILENT_KINDS:
            if kind is OutcomeKind.ABANDONED:
                server.requests += 1
                server.abandoned += 1
            return NOTHING
        server.requests += 1
        server.failures += 1
        if self._timed is not None:
            self._timed(server, seconds, True, now)
        return self._failed(server, kind, now, began_at, rng)

    def _failed(
        self,
        server: Server,
        kind: OutcomeKind,
        now: float,
        began_at: float | None,
        rng: Rng | None,
    ) -> Sequence[Event]:
        if not self._membership.is_member(server):
            return NOTHING
        told = self._verdicts.failed(server, kind, now, began_at, rng)
        if kind is OutcomeKind.ANSWERED:
            server.last_seen_at = now
        else:
            self.on_suspect(server)
        return self._follow_one(server, told, now)

    def why_none(self, now: float) -> Unavailable:
        """Say why ``order`` yielded nobody (or nobody more)."""
        members = self._membership.members
        return Unavailable(
            explain(self.name, members),
            whole_seconds_until(self._verdicts.next_chances(), now),
            by_breaker=is_by_breaker(members),
        )

    # -- verdicts

    def checked(self, server: Server, check: CheckResult, now: float) -> Sequence[Event]:
        """Count a probe's result; one good check is enough while nobody is usable.

        A check that could not be made changes nothing.
        """
        if check.unasked or server.health is None or not self._membership.is_member(server):
            return NOTHING
        told = server.health.observe(check, now, urgent=not self.is_usable)
        if told and server.health.is_usable:
            told += self.outlier.readmit(server.id, now)
        told += self._verdicts.checked(server, check.refused, now)
        return self._follow_one(server, told, now)

    def health_override(
        self, server_id: str, healthy: bool | None, now: float, *, reason: str = "manual"
    ) -> Sequence[Event]:
        """Put a person's word above the probes' until None takes it back.

        Raises:
          UnknownServer: there is no such server.
        """
        server = self._membership.need(server_id)
        if server.health is None:
            server.health = new_health(self.config, server.id, HealthState.HEALTHY)
        told = server.health.override(healthy, now, reason=reason)
        told += self._verdicts.set_by_hand(server, now)
        server.health = fit_health(self.config, server)
        return self._follow(told, now, review=(server,))

    def breaker(self, server_id: str) -> Switch:
        """Return the switch of a member's breaker, for a person's hand.

        Raises:
          UnknownServer: there is no such member.
        """
        return Switch(
            self._membership.need_member(server_id), self._verdicts.breakers, self._follow
        )

    @property
    def is_usable(self) -> bool:
        """Whether any server takes requests."""
        return self._rotation.size > 0

    @property
    def usable(self) -> Sequence[Server]:
        """The servers that take requests now, first tier first."""
        return self._rotation.usable()

    @property
    def members(self) -> Sequence[Server]:
        """The servers that the plan names, in its order; leavers are not among them."""
        return self._membership.members

    def servers(self) -> Sequence[Server]:
        """Return the members in configured order, then those that are leaving."""
        return tuple(self._membership)

    def healthy_servers(self) -> Sequence[Server]:
        """Return the members whose state is healthy; an ejected one is."""
        return self._verdicts.healthy

    def get_server(self, server_id: str) -> Server | None:
        """Return the server of that id, or None."""
        return self._membership.get(server_id)

    def statistics(self) -> PoolStatistics:
        """Return the pool's present as a value."""
        members = self._membership.members
        return PoolStatistics(
            name=self.name,
            algorithm=self.balancer.name,
            servers=len(members),
            usable=self._rotation.size,
            healthy=len(self.healthy_servers()),
            leaving=len(self.servers()) - len(members),
        )

    # -- what is due

    @property
    def deadline(self) -> float | None:
        """When time alone changes something: a verdict, a share, or a drain that ends."""
        instants = (self._verdicts.deadline, self._drains.deadline, self._plans.deadline)
        return min((at for at in instants if at is not None), default=None)

    def on_deadline(self, now: float) -> Sequence[Event]:
        """Let time change verdicts and shares, and complete drains.

        A leaver whose drain is over is gone.
        """
        told = self._verdicts.on_deadline(now)
        return self._follow(told + self._drains.on_deadline(now), now) or NOTHING

    def _drain_ended(self, server: Server, now: float) -> list[Event]:
        """Forget whom the plan does not name any more; a drained member stays."""
        if self._membership.is_member(server):
            return []
        self._membership.drop(server)
        self.on_left(server)
        return [ServerRemoved(at=now, pool=self.name, server_id=server.id)]

    def drain_server(
        self, server_id: str, now: float, *, expires_at: float | None
    ) -> Sequence[Event]:
        """Take a server out of rotation and let its requests end, until ``expires_at``.

        It stays a member, drained, until it is resumed or removed.
        """
        server = self._membership.need(server_id)
        self._verdicts.relieve((server,))
        told = self._drains.start(server, now, expires_at)
        return self._follow(told + self._verdicts.set_by_hand(server, now), now)

    def resume_server(self, server_id: str, now: float) -> Sequence[Event]:
        """Take a drained or draining member back into rotation."""
        server = self._membership.need(server_id)
        told: list[Event] = []
        if self._membership.is_member(server) and not server.drain.is_active:
            self._drains.resume(server)
            told.append(ServerResumed(at=now, pool=self.name, server_id=server.id))
        return self._follow(told, now, review=(server,))

    def _emptied(self, server: Server) -> None:
        """A draining server's last lease was released: the rest happens in the timer."""
        server.drain.emptied()
        self._announce()

    # -- plans

    def apply(
        self,
        config: PoolConfig,
        now: float,
        *,
        expires_at: float | None = None,
        balancer: Balancer | None = None,
    ) -> Sequence[Event]:
        """Make ``config`` come true; what stays keeps its state. The same plan changes nothing.

        Servers that go drain until ``expires_at`` (None: until their last request ends).
        ``balancer`` is what ``new_balancer`` made of this plan, for who asked it before.

        Raises:
          ConfigError: an id or an address stands twice, or the algorithm can't be made;
            nothing was changed.
        """
        if config == self.config:
            return NOTHING
        refuse_doubles(config)
        self._take_policies(config, balancer)
        is_first = self._membership.is_empty
        told = self._plans.take(config, self.balancer, now, expires_at)
        told += self._verdicts.take(config, now, is_first=is_first)
        return self._follow(told, now, review=self._membership.members, changed=True)

    def add_server(self, config: ServerConfig, now: float) -> Sequence[Event]:
        """Add one server; with probes it takes requests after its first good check.

        Raises:
          ConfigError: its id or address is in the pool; nothing was changed.
        """
        return self.apply(self._with_servers([*self.config.servers, config]), now)

    def update_server(
        self, config: ServerConfig, now: float, *, expires_at: float | None = None
    ) -> Sequence[Event]:
        """Change the member of ``config.id``; another address is another server.

        Raises:
          UnknownServer: there is no such member.
        """
        self._membership.need_member(config.id)
        changed = [config if each.id == config.id else each for each in self.config.servers]
        return self.apply(self._with_servers(changed), now, expires_at=expires_at)

    def remove_server(
        self, server_id: str, now: float, *, expires_at: float | None = None
    ) -> Sequence[Event]:
        """Drain one member until ``expires_at`` (``now``: do not wait) and forget it.

        Raises:
          UnknownServer: there is no such member.
        """
        self._membership.need_member(server_id)
        rest = [each for each in self.config.servers if each.id != server_id]
        return self.apply(self._with_servers(rest), now, expires_at=expires_at)

    def _with_servers(self, servers: Sequence[ServerConfig]) -> PoolConfig:
        return attrs.evolve(self.config, servers=tuple(servers))

    def _take_policies(self, new: PoolConfig, balancer: Balancer | None) -> None:
        old = self.config
        if balancer is not None or balances_otherwise(old, new):
            self.balancer = balancer or new_balancer(new)
            self._timed = self.balancer.timed if self.balancer.times else None
            if isinstance(self.balancer, Custom):
                self.balancer.on_fault = self._faulted
        self.retry = RetryPolicy(new.retry)
        if new.retry.budget != old.retry.budget:
            self.budget = RetryBudget(new.retry.budget)
        self.config = new

    def _faulted(self, text: str) -> None:
        self.on_fault(f"pool {self.name!r}: {text}")

    # -- following up

    def _follow(
        self,
        told: list[Event],
        now: float,
        *,
        review: Iterable[Server] = (),
        changed: bool = False,
    ) -> Sequence[Event]:
        """Let the verdicts follow from what has changed, and wake whom it concerns."""
        told = self._verdicts.follow(told, now, review=review)
        told += self._plans.relieve(now)
        self._announce(changed)
        return told

    def _follow_one(self, server: Server, told: list[Event], now: float) -> Sequence[Event]:
        """Follow up where there is anything to follow; the end of one hold is not always news."""
        if told or self._verdicts.has_changed_hold(server):
            return self._follow(told, now, review=(server,))
        return NOTHING

    def _announce(self, changed: bool = False) -> None:
        """Call the hooks whose subject is not as it was announced last."""
        before, self._announced = self._announced, (self.deadline, self.is_usable)
        if self._announced[0] != before[0]:
            self.on_deadline_moved(self)
        if changed or self._announced[1] is not before[1]:
            self.on_changed(self)


def _ignore(_: object) -> None:
    """A hook that nobody has taken."""
