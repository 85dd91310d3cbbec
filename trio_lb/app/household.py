"""The household: every pool in force with all that goes with it, from the first plan on.

    plan --> certificates load?  --> registry.apply --> hooks, probes --> settings --> news

Start is a reload: the first plan comes this way, too, so a pool that appears years later
has its timer, its probes and its connections looked after exactly as those of the start.
A plan that is refused changes nothing.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import attrs

from trio_lb.app.reach import Reach
from trio_lb.app.residents import Residents
from trio_lb.config.schema import Config, PoolConfig, ServerConfig
from trio_lb.control.health_checks import HealthChecks
from trio_lb.control.timers import Timers
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.model.events import ConfigRejected, Event, ServerRemoved
from trio_lb.net.bus import Bus
from trio_lb.net.env import Env
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.inside.apps import Apps
from trio_lb.state.differences import differences
from trio_lb.state.pool import Pool
from trio_lb.state.registry import Registry

Renewal = Callable[[Config], Callable[[], None]]
"""Reads what a plan needs from files, and returns what puts it in force."""

_log = logging.getLogger("trio_lb.pool")


class Household:
    """Applies plans, and small changes of them. ``checks`` probes the pools."""

    def __init__(
        self,
        env: Env,
        bus: Bus,
        registry: Registry,
        reach: Reach,
        context: ProxyContext,
        timers: Timers,
        checks: HealthChecks,
        apps: Apps,
    ) -> None:
        self.registry = registry
        self.checks = checks
        self.timers = timers
        self._env = env
        self._bus = bus
        self._reach = reach
        self._context = context
        self._known: dict[Pool, None] = {}
        self._residents = Residents(
            registry, apps, follow=self.follow, now=env.now, forget=context.connections.forget
        )
        bus.on(ServerRemoved, lambda event: self._residents.settle())
        self._is_open = False

    def now(self) -> float:
        """The instant of a change."""
        return self._env.now()

    def apply(self, plan: Config) -> None:
        """Make ``plan`` come true, and tell what changed.

        Raises:
          ConfigError: it is refused; nothing was changed, and ``config_rejected`` was told.
        """
        self._apply(plan, self._prepare)

    def renew(self, plan: Config, renewal: Renewal) -> None:
        """Make ``plan`` come true with all its certificates read anew, or nothing of it.

        ``renewal`` reads those of the listeners.

        Raises:
          ConfigError: as ``apply``.
        """

        def read(plan: Config) -> Sequence[Callable[[], None]]:
            made: list[Callable[[], None]] = []
            problems: list[Problem] = []
            for each in (renewal, self._reach.renewal):
                try:
                    made.append(each(plan))
                except ConfigError as error:
                    problems += error.problems
            if problems:
                raise ConfigError(problems)
            return made

        self._apply(plan, read)
        for server in self._reach.encrypted():  # It was believed by what may not count any more.
            self._context.connections.forget(server)

    def reject(self, error: ConfigError) -> None:
        """Tell that a plan was refused, if there is one that stays in force."""
        if self._is_open:
            self._bus.publish(ConfigRejected(at=self._env.now(), reason=str(error)))

    def _prepare(self, plan: Config) -> Sequence[Callable[[], None]]:
        self._reach.prepare(plan)
        return ()

    def _apply(self, plan: Config, read: Callable[[Config], Sequence[Callable[[], None]]]) -> None:
        """Whatever may refuse comes first; what follows can't fail."""
        try:
            self._refuse_other_listeners(plan)
            self._refuse_misfits(plan)
            self._residents.check(plan)
            renewals = read(plan)
            before = self.registry.plan
            told = self.registry.apply(plan, self._env.now())
        except ConfigError as error:
            self.reject(error)
            raise
        for renew in renewals:
            renew()
        self._is_open = True
        self._context.rebind(plan)
        self._redial(before)
        self.follow(told)

    async def wait_started(self) -> None:
        """Wait until every application among the servers has started, or failed to."""
        await self._residents.wait_started()

    def check_server(self, config: ServerConfig, pool: str) -> None:
        """See that a server that is about to come can be what it says.

        Raises:
          ConfigError: its application can't be imported, not be called, or not be in this
            pool; or a certificate towards it is not what it should be.
        """
        self._residents.check_server(config, pool)
        self._reach.prepare_server(config)

    def change_pool(self, config: PoolConfig) -> None:
        """Note in the plan what a pool has just been told; nothing else changes."""
        plan = self.registry.plan
        self.registry.plan = attrs.evolve(plan, pools={**plan.pools, config.name: config})
        self._redial(plan)

    def _redial(self, before: Config) -> None:
        """Reuse no connection that was made as ``before`` said, where it is said otherwise now."""
        for server in self._reach.redirected(before):
            self._context.connections.forget(server)

    def follow(self, told: Sequence[Event]) -> None:
        """Look after pools that came, let go of those that went, and publish what happened."""
        here = dict.fromkeys(self.registry.machines())
        for pool in here:
            if pool not in self._known:
                self._take_in(pool)
        for pool in [pool for pool in self._known if pool not in here]:
            self.checks.forget(pool)
            self.timers.forget(pool)
            del self._known[pool]
        for event in told:
            self._bus.publish(event)
        self._residents.settle()

    def _take_in(self, pool: Pool) -> None:
        self._known[pool] = None
        pool.on_deadline_moved = self.timers.touch
        pool.on_left = self._context.connections.forget
        pool.on_fault = partial(_log.warning, "%s")
        self.checks.watch(pool)
        self.timers.touch(pool)

    def _refuse_misfits(self, plan: Config) -> None:
        """A later plan may come from a program; the first was looked at where it was read."""
        if self._is_open:
            from trio_lb.config.verify import verified  # Only who changes plans loads rules.

            verified(plan)

    def _refuse_other_listeners(self, plan: Config) -> None:
        """A listener that serves can't move; who wants another one starts another process."""
        old, new = (
            [attrs.evolve(each, ssl=None) for each in one.listeners]
            for one in (self.registry.plan, plan)
        )
        if self._is_open and old != new:
            what = f"{len(new)} of them, where {len(old)} serve"
            if len(old) == len(new):
                what = "; ".join(_listeners_differ(old, new))
            message = f"listeners do not change while the balancer runs, but for their ssl ({what})"
            raise ConfigError([Problem("listeners", f"{message}: that takes a restart")])


def _listeners_differ(old: Sequence[object], new: Sequence[object]) -> Iterator[str]:
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        yield from differences(before, after, f"listeners[{index}]")
