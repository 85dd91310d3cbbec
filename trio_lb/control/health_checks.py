"""Health checks of a whole balancer: who is watched, and checks on demand.

Pools come and go with the plan; each that is watched has its ``Probes``. All of their
tasks live under the one nursery of ``open_health_checks``, so that a pool may be watched
from wherever the plan is applied, and none of them outlives the balancer.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import trio

from trio_lb.control.check import Connect, plain
from trio_lb.control.health_status import HealthStatus, status_of
from trio_lb.control.probes import Probes
from trio_lb.control.supervisor import Supervisor
from trio_lb.model.events import Event
from trio_lb.net.env import Env
from trio_lb.policy.health import CheckResult
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server

MOST_AT_ONCE: Final = 64
"""How many checks ``check_all`` has under way at one time."""


class HealthChecks:
    """Watches pools. Made by ``open_health_checks``, in whose block it lives."""

    def __init__(
        self,
        env: Env,
        publish: Callable[[Event], None],
        connect: Connect,
        supervisor: Supervisor,
        nursery: trio.Nursery,
    ) -> None:
        self._env = env
        self._publish = publish
        self._connect = connect
        self._supervisor = supervisor
        self._nursery = nursery
        self._probes: dict[Pool, Probes] = {}

    def watch(self, pool: Pool) -> None:
        """Probe the pool's servers, as they come and go, from now on; once is enough.

        Meanwhile the pool's hooks ``on_suspect`` and ``on_changed`` are taken.
        """
        if pool not in self._probes:
            self._probes[pool] = Probes(
                pool, self._env, self._publish, self._connect, self._supervisor, self._nursery
            )

    def forget(self, pool: Pool) -> None:
        """Probe the pool no more; a probe under way is dropped, the hooks are free again."""
        probes = self._probes.pop(pool, None)
        if probes is not None:
            probes.close()

    def close(self) -> None:
        """Forget every pool."""
        for pool in list(self._probes):
            self.forget(pool)

    # ------------------------------------------------------------------ on demand

    async def check(self, server: Server) -> CheckResult:
        """Check one server of a watched pool now, and let the result count.

        A server that is not probed is asked what its plan would ask, and nothing is counted.

        Raises:
          LookupError: no watched pool has this server any more.
        """
        return await self._probes_of(server).check_now(server)

    async def check_all(self) -> Mapping[Server, CheckResult]:
        """Check every member of every watched pool, ``MOST_AT_ONCE`` at one time."""
        results: dict[Server, CheckResult] = {}
        limit = trio.CapacityLimiter(MOST_AT_ONCE)

        async def check(probes: Probes, server: Server) -> None:
            async with limit:
                results[server] = await probes.check_now(server)

        async with trio.open_nursery() as nursery:
            for probes, server in self._members():
                nursery.start_soon(check, probes, server)
        return {server: results[server] for _, server in self._members() if server in results}

    def status(self) -> Mapping[Server, HealthStatus]:
        """Say what is known of every member of every watched pool, in configured order."""
        return {server: status_of(server, self._env) for _, server in self._members()}

    def _members(self) -> Iterator[tuple[Probes, Server]]:
        for pool, probes in self._probes.items():
            for server in pool.members:
                yield probes, server

    def _probes_of(self, server: Server) -> Probes:
        for pool, probes in self._probes.items():
            if pool.name == server.pool and server in pool.members:
                return probes
        raise LookupError(f"no pool that is watched has {server!r}")


@asynccontextmanager
async def open_health_checks(
    env: Env,
    publish: Callable[[Event], None],
    *,
    connect: Connect | None = None,
    supervisor: Supervisor | None = None,
) -> AsyncGenerator[HealthChecks, None]:
    """Check the servers of the pools that are watched, for as long as the block runs.

    ``connect`` opens the streams of probes (plain ones if it is not given); ``publish``
    gets the changes of health.

    Checkpoints: none on entry; the exit waits for probes under way to be dropped.
    """
    async with trio.open_nursery() as nursery:
        checks = HealthChecks(
            env, publish, connect or plain(env), supervisor or Supervisor(env), nursery
        )
        try:
            yield checks
        finally:
            checks.close()
        nursery.cancel_scope.cancel()
