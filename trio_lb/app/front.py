"""The front: a balancer's listeners, from the first bind to the last connection.

serve:     load certificates, bind all, or none  ->  accept  ->  entrance  ->  HTTP or TCP
shutdown:  idle connections close; for ``accept_grace`` newcomers are still served;
           then the listeners close, and what is left has until the deadline
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs
import trio

from trio_lb.app.door import Door
from trio_lb.config.schema import Config, ListenerConfig
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.model.message import LocalAnswer, RequestHead
from trio_lb.net.env import Env, Listener
from trio_lb.net.proxy_header import ANY, Version
from trio_lb.proxy.connection import ClientConnection
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.dispatch import Router
from trio_lb.proxy.entrance import Entrance
from trio_lb.proxy.listener import Connections, Welcome, serve_listener
from trio_lb.proxy.tcp import TcpConnection
from trio_lb.state.pool import Pool
from trio_lb.state.registry import Registry

if TYPE_CHECKING:
    from trio_lb.net.certificates import ServerTls

_LAST_WORDS_SECONDS: Final = 1.0
_HTTPS_PORT: Final = 443


class CannotListen(OSError):
    """An address can't be bound, that of ``listeners[index]``; errno and strerror say why."""

    def __init__(self, address: Address, index: int, error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error))
        self.address = address
        self.index = index

    def __str__(self) -> str:
        return f"listeners[{self.index}]: cannot listen on {self.address}: {self.strerror}"


@attrs.frozen
class _Held:
    """What was opened before ``serve``: of each listener its entrance, and itself."""

    entrances: list[Entrance | None]
    listeners: list[Listener]


class OnePool:
    """The routes of one listener: everything goes to its pool."""

    def __init__(self, registry: Registry, name: str) -> None:
        self._registry = registry
        self._name = name

    def pool_for(self, head: RequestHead) -> Pool | None:
        """Return the pool while the configuration has it."""
        return self._registry.find_pool(self._name)


class ToHttps:
    """The routes of a listener that only redirects: 308 keeps method and body."""

    def __init__(self, port: int) -> None:
        self._suffix = "" if port == _HTTPS_PORT else f":{port}"

    def pool_for(self, head: RequestHead) -> LocalAnswer | None:
        """Return where the same resource is over TLS; nowhere without a Host."""
        if not head.host:
            return None
        host = head.host.decode("ascii")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        target = head.target.decode("ascii")
        path = target if target.startswith("/") else "/"
        location = f"https://{name}{self._suffix}{path}"
        return LocalAnswer(308, (("Location", location),), f"See {location}\n".encode())


class Spokesmen:
    """Who may name a client in a PROXY header: the trusted proxies in force; without any, all."""

    def __init__(self, context: ProxyContext, registry: Registry) -> None:
        self._context = context
        self._registry = registry

    def covers(self, host: str) -> bool:
        """Whether the peer at this address may."""
        return not self._registry.plan.trusted_proxies or self._context.trust.covers(host)


class Front:
    """The listeners of one balancer.

    ``cut_requests`` were ended by a stop's deadline, and ``cut_connections``: those that
    carried one, or had begun to say something.
    """

    def __init__(self, env: Env, registry: Registry, context: ProxyContext) -> None:
        self.connections = Connections(context)
        self.cut_requests = 0
        self.cut_connections = 0
        self._env = env
        self._registry = registry
        self._context = context
        self._stop = trio.Event()
        self.door = Door(context, self.connections, self._stop)
        self._stopped_listening = trio.Event()
        self._serving: dict[trio.CancelScope, None] = {}
        self._held: _Held | None = None
        self._tls: dict[int, list[ServerTls]] = {}  # By the listener's place in the plan.

    @property
    def _config(self) -> Config:
        return self._registry.plan

    # ------------------------------------------------------------------ serving

    @asynccontextmanager
    async def opened(self, plan: Config) -> AsyncGenerator[None, None]:
        """Load the certificates of ``plan`` and bind its addresses, for the first ``serve``.

        So whoever can't listen finds out before anything is told or asked of a server.
        Who connects meanwhile waits to be accepted.

        Raises:
          ConfigError: a certificate can't be used; nothing was bound.
          CannotListen: an address can't be bound; none is left open.
        """
        entrances = self._entrances(plan)
        async with _bound(self._env, plan) as listeners:
            self._held = _Held(entrances, listeners)
            yield

    def _entrances(self, plan: Config) -> list[Entrance | None]:
        return [self._entrance(index, each) for index, each in enumerate(plan.listeners)]

    async def serve(
        self, *, task_status: trio.TaskStatus[list[Address]] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """See ``LoadBalancer.serve``."""
        held, self._held = self._held, None
        entrances = self._entrances(self._config) if held is None else held.entrances
        scope = trio.CancelScope()
        if not self._serving:
            self._stopped_listening = trio.Event()
        self._serving[scope] = None
        try:
            with scope:
                async with _bound(self._env, self._config, held) as listeners:
                    bound = [listener.address for listener in listeners]
                    async with trio.open_nursery() as nursery:
                        for listener, config, entrance in zip(
                            listeners, self._config.listeners, entrances, strict=True
                        ):
                            welcome = self._welcome(config, bound)
                            nursery.start_soon(
                                self._listen, listener, welcome, entrance, config.protocol
                            )
                        task_status.started(bound)
        finally:
            del self._serving[scope]
            if not self._serving:
                self._stopped_listening.set()

    async def _listen(
        self, listener: Listener, welcome: Welcome, entrance: Entrance | None, protocol: str
    ) -> None:
        await serve_listener(
            self._context,
            listener,
            welcome,
            self.connections,
            stop=self._stop,
            entrance=entrance,
            speaks_http=protocol != "tcp",
        )

    def _welcome(self, config: ListenerConfig, bound: list[Address]) -> Welcome:
        if config.protocol == "tcp":
            find_pool = partial(self._registry.find_pool, config.pool)
            return partial(TcpConnection, self._context, find_pool)
        scheme = "https" if config.protocol == "https" else "http"
        router: Router = OnePool(self._registry, config.pool)
        if config.https_redirect:
            router = ToHttps(self._https_port(config, bound))
        return partial(ClientConnection, self._context, router, scheme=scheme)

    def _https_port(self, config: ListenerConfig, bound: list[Address]) -> int:
        """The port that was named, else the first on which TLS is spoken; a unix socket has none."""
        if config.https_redirect is not True:
            return int(config.https_redirect)
        pairs = zip(bound, self._config.listeners, strict=True)
        spoken = (at.port for at, one in pairs if one.protocol == "https" and not at.is_unix)
        return next(spoken, _HTTPS_PORT)

    def _entrance(self, index: int, config: ListenerConfig) -> Entrance | None:
        """Make what connections pass first; None when there is nothing to pass.

        Raises:
          ConfigError: a certificate can't be used.
        """
        tls = None
        if config.protocol == "https":
            tls = _load(index, config)
            self._tls.setdefault(index, []).append(tls)
        if tls is None and config.proxy_protocol == "off":
            return None
        versions = {"off": (), "any": ANY}.get(config.proxy_protocol)
        if versions is None:
            versions = (Version(config.proxy_protocol),)
        believes = Spokesmen(self._context, self._registry)
        return Entrance(self._context, versions=versions, believes=believes, tls=tls)

    def renewal(self, plan: Config) -> Callable[[], None]:
        """Read the certificates of ``plan``'s listeners; return what puts them in force.

        Handshakes from then on use them; open connections go on.

        Raises:
          ConfigError: with every problem; nothing was changed.
        """
        fresh: dict[int, ServerTls] = {}
        problems: list[Problem] = []
        for index in self._tls:
            try:
                fresh[index] = _load(index, plan.listeners[index])
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(problems)

        def renew() -> None:
            for index, tls in fresh.items():
                for each in self._tls[index]:
                    each.become(tls)

        return renew

    # ------------------------------------------------------------------ stopping

    async def shutdown(self, deadline_seconds: float | None = None) -> bool:
        """See ``LoadBalancer.shutdown``."""
        config = self._config
        limit = config.drain_timeout if deadline_seconds is None else deadline_seconds
        start = self._env.now()
        self._context.draining = True
        self.connections.drain()
        self._context.websockets.drain(limit)
        with trio.move_on_at(start + min(config.accept_grace, limit)):
            await self.connections.wait_empty()
        self.connections.drain()  # Who came during the grace, and said nothing.
        self._stop.set()
        with trio.move_on_at(max(start + limit, self._env.now() + 0.001)) as patience:
            await self._wait_ended()
        if patience.cancelled_caught:
            await self._cut()
        return not patience.cancelled_caught

    async def _cut(self) -> None:
        """End what still serves, and wait until it has noticed."""
        self.cut_requests = self._context.ledger.active
        self.cut_connections = len(self.connections)
        for scope in self._serving:
            scope.cancel()
        self.door.cut()
        with trio.move_on_after(_LAST_WORDS_SECONDS):
            await self._wait_ended()

    async def _wait_ended(self) -> None:
        """Wait for the listeners to be closed, and for who came in through the door to be gone."""
        if self._serving:
            await self._stopped_listening.wait()
        await self.connections.wait_empty()


def _load(index: int, config: ListenerConfig) -> "ServerTls":
    # Only who speaks TLS pays for loading it.
    from trio_lb.net.certificates import server_context

    if config.ssl is None:
        raise ConfigError([Problem(f"listeners[{index}].ssl", "https needs a certificate")])
    ssl = config.ssl
    try:
        return server_context(
            ssl.all_certificates,
            ssl.client_ca,
            ssl.min_version,
            session_tickets=ssl.session_tickets,
        )
    except ConfigError as error:
        raise error.below(f"listeners[{index}].ssl") from error


@asynccontextmanager
async def _bound(
    env: Env, config: Config, held: _Held | None = None
) -> AsyncGenerator[list[Listener], None]:
    """Bind every listener of the configuration, or none; those that are ``held`` stand already."""
    listeners = [] if held is None else held.listeners
    try:
        for index, one in enumerate(config.listeners if held is None else ()):
            try:
                listeners.append(await env.network.listen(one.bind))
            except OSError as error:
                raise CannotListen(one.bind, index, error) from error
        yield listeners
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _LAST_WORDS_SECONDS):
            for listener in listeners:
                await listener.aclose()
