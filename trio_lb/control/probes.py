"""Probes of one pool: a task a server, which asks as often as its server's state deserves.

    every ``interval``         while checks agree with a healthy state
    every ``fast_interval``    in transition, or while the server is unhealthy
    half of ``fast_interval``  while the pool has nobody to serve
    at once                    when it is new, and when an attempt makes it a suspect

Waits run from one probe's start to the next one's, each jittered. A pool of very many
servers never makes more than MOST_FAST_PER_SECOND probes a second by hurrying.
"""

import logging
from collections.abc import Callable
from typing import Final

import trio

from trio_lb.config.schema import HealthCheckConfig
from trio_lb.control.check import Connect, check_server
from trio_lb.control.supervisor import Supervisor
from trio_lb.model.events import Event
from trio_lb.net.env import Env
from trio_lb.policy.health import CheckResult, HealthState
from trio_lb.state.enrolment import probing_of
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server

_log = logging.getLogger("trio_lb.probes")

MANY: Final = 64
"""Beyond so many new servers at once, first probes are spread."""
SPREAD_SECONDS: Final = 1.0
SUSPECT_PAUSE_SECONDS: Final = 0.1
"""Suspicions cause at most one probe in this time."""
MOST_FAST_PER_SECOND: Final = 200


class _Prober:
    """One server's probes. ``due_at`` is the next one's instant; it may be moved at any time."""

    def __init__(self, probes: "Probes", server: Server, first_at: float) -> None:
        self._probes = probes
        self._server = server
        self._env = probes.env
        self._started_at = float("-inf")
        self._is_suspect = self._is_asleep = False
        self._alarm = probes.env.alarm()
        self._life = trio.CancelScope()
        self._due(first_at)

    async def live(self, supervisor: Supervisor, name: str) -> None:
        """Probe until stopped, whatever crashes."""
        with self._life:
            await supervisor.run(name, self._probe_for_ever)

    async def _probe_for_ever(self) -> None:
        while True:
            await self._sleep_until_due()
            self._started_at, self._is_suspect = self._env.now(), False
            await self._probes.check_now(self._server)
            self._due(max(self._env.now(), self._next_at()))

    def stop(self) -> None:
        """End now; a probe under way is dropped."""
        self._life.cancel()
        self._server.next_check_at = None

    def suspect(self) -> None:
        """Probe as soon as the last one's start is SUSPECT_PAUSE_SECONDS ago."""
        self._is_suspect = True
        self.hurry()

    def hurry(self) -> None:
        """Move the next probe forward to where the state of now wants it, never back."""
        due_at = max(self._env.now(), self._next_at())
        if self._is_asleep and due_at < self.due_at:
            self._due(due_at)
            self._alarm.tell()

    async def _sleep_until_due(self) -> None:
        self._is_asleep = True
        await self._alarm.wait(lambda: self.due_at)
        while self._env.now() < self.due_at:
            await self._alarm.wait(lambda: self.due_at)
        self._is_asleep = False

    def _due(self, at: float) -> None:
        self.due_at = at
        self._server.next_check_at = at

    def _next_at(self) -> float:
        """When the next probe should start, seen from the last one's start."""
        if self._is_suspect:
            return self._started_at + SUSPECT_PAUSE_SECONDS
        return self._started_at + self._probes.wait_seconds(self._server)


class Probes:
    """The probers of one pool, one for each probed member.

    From the making to ``close`` it holds the pool's hooks ``on_suspect`` and
    ``on_changed``. Its tasks run in ``nursery``, whose owner ends them.
    """

    def __init__(
        self,
        pool: Pool,
        env: Env,
        publish: Callable[[Event], None],
        connect: Connect,
        supervisor: Supervisor,
        nursery: trio.Nursery,
    ) -> None:
        self.pool = pool
        self.env = env
        self._publish = publish
        self._connect = connect
        self._supervisor = supervisor
        self._nursery = nursery
        self._rng = env.rng(f"probes of {pool.name}")
        self._probers: dict[Server, _Prober] = {}
        self._is_blind = False
        self._hooks = pool.on_suspect, pool.on_changed
        pool.on_suspect, pool.on_changed = self.suspect, lambda _: self.sync()
        self.sync()

    def close(self) -> None:
        """Stop every prober, drop the probes under way, and give the hooks back."""
        self.pool.on_suspect, self.pool.on_changed = self._hooks
        for prober in self._probers.values():
            prober.stop()
        self._probers.clear()

    def sync(self) -> None:
        """Start probing new members, stop probing those that left, hurry where it matters."""
        wanted = dict.fromkeys(each for each in self.pool.members if self._how(each).enabled)
        for server in [server for server in self._probers if server not in wanted]:
            self._probers.pop(server).stop()
        for prober in self._probers.values():
            prober.hurry()
        self._start([server for server in wanted if server not in self._probers])

    def _start(self, servers: list[Server]) -> None:
        spread_seconds = SPREAD_SECONDS if len(servers) > MANY else 0.0
        for server in servers:
            first_at = self.env.now() + spread_seconds * self._rng.random()
            prober = self._probers[server] = _Prober(self, server, first_at)
            name = f"probe of {server.pool}/{server.id}"
            self._nursery.start_soon(prober.live, self._supervisor, name, name=name)

    def suspect(self, server: Server) -> None:
        """Probe ``server`` now: an attempt there went wrong."""
        prober = self._probers.get(server)
        if prober is not None:
            prober.suspect()

    async def check_now(self, server: Server) -> CheckResult:
        """Check ``server`` once, in this task, and let the result count where it is probed."""
        result = await check_server(server, self._how(server), self.env, self._connect)
        self._tell_unasked(server, result)
        for event in self.pool.checked(server, result, self.env.now()):
            self._publish(event)
        return result

    def _tell_unasked(self, server: Server, result: CheckResult) -> None:
        """Log the first of the checks that can't be made, not each: all servers have the same."""
        if result.unasked and not self._is_blind:
            where = f"check of {server.pool}/{server.id}"
            _log.warning("%s: not made (%s); its verdict stays as it is", where, result.detail)
        self._is_blind = result.unasked

    def wait_seconds(self, server: Server) -> float:
        """Return how long to wait between the starts of two probes of ``server`` now."""
        config = self._how(server)
        wait_seconds = config.interval
        if self._is_urgent(server):
            halved = 1.0 if self.pool.is_usable else 0.5
            least_seconds = len(self._probers) / MOST_FAST_PER_SECOND
            wait_seconds = min(wait_seconds, max(config.fast_interval * halved, least_seconds))
        return wait_seconds * (1.0 + config.jitter_fraction * self._rng.uniform(-1.0, 1.0))

    def _is_urgent(self, server: Server) -> bool:
        health = server.health
        if not self.pool.is_usable or health is None:
            return not self.pool.is_usable
        return health.in_transition or health.state is HealthState.UNHEALTHY

    def _how(self, server: Server) -> HealthCheckConfig:
        return probing_of(self.pool.config, server.config)
