"""Residents: the servers that are applications in this process, and what follows from it.

    a server comes  -->  its application is hosted  -->  starting: no requests
                                                         started:  requests
                                                         failed:   no requests, and why
    it goes, or becomes another application  -->  the old one is released

After each change the books are compared with what is hosted, so nobody has to tell which
verb it was that changed them.
"""

from collections.abc import Callable, Sequence

import attrs

from trio_lb.config.schema import Config, ServerConfig
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.model.events import Event, ServerHealthChanged
from trio_lb.proxy.inside.apps import App, Apps
from trio_lb.state.registry import Registry
from trio_lb.state.server import Server

Follow = Callable[[Sequence[Event]], None]


@attrs.define(slots=True)
class _Resident:
    """What a server runs: as it was configured, and as it is hosted."""

    code: object
    app: App
    is_held: bool = False


class Residents:
    """Keeps the hosted applications equal to the servers of ``registry``.

    ``follow`` takes the events of a change of health, ``now`` is the instant of it.
    ``forget`` lets go of a server's connections, which lead to its old application.
    """

    def __init__(
        self,
        registry: Registry,
        apps: Apps,
        *,
        follow: Follow,
        now: Callable[[], float],
        forget: Callable[[Server], None],
    ) -> None:
        self._registry = registry
        self._apps = apps
        self._follow = follow
        self._now = now
        self._forget = forget
        self._known: dict[Server, _Resident] = {}

    def check(self, plan: Config) -> None:
        """Import every application that ``plan`` names, and see that each can be called.

        Raises:
          ConfigError: one can't; nothing was started.
        """
        for name, pool in plan.pools.items():
            for index, server in enumerate(pool.servers):
                try:
                    self.check_server(server, name, plan)
                except ConfigError as error:
                    raise error.below(f"pools.{name}.servers[{index}]") from error

    def check_server(self, config: ServerConfig, pool: str, plan: Config | None = None) -> None:
        """See that one server's application can be imported and called, if it is one.

        It speaks HTTP, and believes who dials it: no tcp listener of ``plan`` (the one in
        force if not given) may lead to its pool, whose clients could say that they are anybody.

        Raises:
          ConfigError: it can't, or one does.
        """
        if config.app is None:
            return
        self._apps.check(config.app)
        for listener in (plan or self._registry.plan).listeners:
            if listener.protocol == "tcp" and listener.pool == pool:
                message = f"an app speaks HTTP, and the tcp listener {listener.bind} leads to it"
                raise ConfigError([Problem("app", message)])

    async def wait_started(self) -> None:
        """Wait until each application that is hosted has started, or failed to."""
        for resident in list(self._known.values()):
            await resident.app.wait_settled()

    def settle(self) -> None:
        """Host what came, release what went; the changes of health are followed."""
        here = {one: one.config.app for one in self._registry.servers() if one.config.app}
        for server in [one for one in self._known if one not in here]:
            self._apps.release(self._known.pop(server).app)
        for server, code in here.items():
            known = self._known.get(server)
            if known is None or known.code is not code:
                self._host(server, code)

    def _host(self, server: Server, code: object) -> None:
        """Host first and release then: what is the same stays up in between."""
        app = self._apps.host(code, self._has_settled)
        before = self._known.get(server)
        self._known[server] = now = _Resident(code, app, before is not None and before.is_held)
        if before is not None:
            self._forget(server)
            self._apps.release(before.app)
        if app.is_starting:
            # One that waits for its first check gets nothing anyway.
            if server.health is None or server.health.is_usable:
                self._hold(server, now, "its app is starting")
        else:
            self._judge(server, now)

    def _has_settled(self, app: App) -> None:
        for server, resident in list(self._known.items()):
            if resident.app is app:
                self._judge(server, resident)

    def _judge(self, server: Server, resident: _Resident) -> None:
        why_not = resident.app.why_not
        if why_not:
            self._hold(server, resident, f"its app did not start: {why_not}")
        elif resident.is_held:
            resident.is_held = False
            self._override(server, None, "its app has started")

    def _hold(self, server: Server, resident: _Resident, reason: str) -> None:
        """Keep requests away; that it is held already is told again, with the new reason."""
        if resident.is_held:
            told = ServerHealthChanged(
                at=self._now(),
                pool=server.pool,
                server_id=server.id,
                is_healthy=False,
                reason=reason,
            )
            self._follow([told])
        else:
            resident.is_held = True
            self._override(server, False, reason)

    def _override(self, server: Server, healthy: bool | None, reason: str) -> None:
        """Let the word stand above its checks, as a person's would."""
        pool = self._registry.find_pool(server.pool)
        if pool is not None and server in pool.members:
            told = pool.health_override(server.id, healthy, self._now(), reason=reason)
            self._follow(told)
