"""The root: the only place where data path, control path and books are joined.

``open_load_balancer`` owns the root nursery. Under it run one supervised nursery for
each pool's probes, the timers, the services that the caller passed in, and, while
``serve`` runs, the listeners. Nothing else is ever started in the background.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import trio

from trio_lb.config.schema import DEFAULT_POOL, Config
from trio_lb.control.probes import open_probes
from trio_lb.control.supervisor import Supervisor
from trio_lb.control.timers import Timers, open_timers
from trio_lb.model.address import Address
from trio_lb.model.errors import UnknownServer
from trio_lb.model.events import Destroyed, Event, ServerEvent
from trio_lb.model.message import RequestHead
from trio_lb.net.bus import Bus, Callback, Subscription
from trio_lb.net.env import Env, Listener
from trio_lb.net.h11_codec import H11Codec
from trio_lb.net.real import RealEnv
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.listener import Connections, serve_listener
from trio_lb.state.ledger import Statistics
from trio_lb.state.pool import Pool
from trio_lb.state.registry import Registry
from trio_lb.state.server import Server

_LAST_WORDS_SECONDS = 1.0


class Service(Protocol):
    """A face that lives as long as the balancer: an access log, an administration API.

    Called as ``await nursery.start(service, lb)``; cancelled when the balancer closes.
    """

    async def __call__(self, lb: "LoadBalancer", *, task_status: trio.TaskStatus[None]) -> None:
        """Run; tell ``task_status`` once the service is ready."""
        ...


class _OnePool:
    """The routes of one listener: everything goes to its pool."""

    def __init__(self, registry: Registry, name: str) -> None:
        self._registry = registry
        self._name = name

    def pool_for(self, head: RequestHead) -> Pool | None:
        """Return the pool while the configuration has it."""
        return self._registry.find_pool(self._name)


class LoadBalancer:
    """A running balancer; made by ``open_load_balancer`` and living in its block."""

    def __init__(self, config: Config, env: Env, bus: Bus, timers: Timers) -> None:
        self.env = env
        self.bus = bus
        self.registry = Registry()
        self._timers = timers
        self._context = ProxyContext(config, env, H11Codec(), self.bus, timers.touch)
        self._connections = Connections(self._context)
        self._stop = trio.Event()
        self._stopped_listening = trio.Event()
        self._serving: dict[trio.CancelScope, None] = {}
        self.cut_requests = 0
        """How many requests the deadline of ``shutdown`` cut."""

    # ------------------------------------------------------------------ what it is

    @property
    def name(self) -> str:
        """The configured name."""
        return self.config.name

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.registry.plan

    def statistics(self) -> Statistics:
        """Return the counts of requests and servers as they stand now."""
        return self._context.ledger.statistics(self.registry.servers())

    @property
    def connection_count(self) -> int:
        """Open client connections, idle ones included."""
        return len(self._connections)

    @property
    def is_draining(self) -> bool:
        """Whether a stop has begun: readiness fails from then on."""
        return self._context.draining

    def servers(self) -> list[Server]:
        """Return the servers of all pools, in configured order."""
        return list(self.registry.servers())

    def healthy_servers(self) -> list[Server]:
        """Return the servers whose health lets them take requests."""
        return [one for pool in self.registry.pools().values() for one in pool.healthy_servers()]

    def get_server(self, name: str) -> Server | None:
        """Return the server with this id (or ``pool/id``), None when there is none.

        Raises:
          AmbiguousServer: the id stands in several pools.
        """
        try:
            return self.registry.find_server(name)
        except UnknownServer:
            return None

    def pool(self, name: str = DEFAULT_POOL) -> Pool:
        """Return a pool by its name.

        Raises:
          LookupError: there is none of that name.
        """
        return self.registry.pool(name)

    # ------------------------------------------------------------------ news

    def on(self, what: str | type[Event], callback: Callback) -> Callable[[], None]:
        """Call ``callback(event)`` at each event of this name or class; returns the undo.

        Raises:
          ValueError: there is no event of that name.
        """
        return self.bus.on(what, callback)

    def subscribe(
        self, *kinds: type[Event], max_buffered: int = 1000
    ) -> AbstractAsyncContextManager[Subscription]:
        """Receive events as an async iterator; a slow reader loses the oldest, counted."""
        return self.bus.subscribe(*kinds, max_buffered=max_buffered)

    def publish(self, events: Sequence[Event]) -> None:
        """Put what pure code returned onto the bus, in its order."""
        for event in events:
            self.bus.publish(event)

    # ------------------------------------------------------------------ serving

    async def serve(
        self, *, task_status: trio.TaskStatus[list[Address]] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Open the configured listeners and serve them until ``shutdown`` or cancelled.

        Started with ``nursery.start`` it returns the bound addresses, in configured
        order, once every listener accepts.

        Raises:
          OSError: an address can't be bound; none is left open then.
        """
        scope = trio.CancelScope()
        if not self._serving:
            self._stopped_listening = trio.Event()
        self._serving[scope] = None
        try:
            with scope:
                async with _bound(self.env, self.config) as listeners:
                    async with trio.open_nursery() as nursery:
                        for listener, config in zip(listeners, self.config.listeners, strict=True):
                            router = _OnePool(self.registry, config.pool)
                            nursery.start_soon(self._listen, listener, router)
                        task_status.started([listener.address for listener in listeners])
        finally:
            del self._serving[scope]
            if not self._serving:
                self._stopped_listening.set()

    async def _listen(self, listener: Listener, router: _OnePool) -> None:
        await serve_listener(self._context, listener, router, self._connections, stop=self._stop)

    async def wait_ready(self) -> None:
        """Wait until every pool that has servers has a usable one."""
        async with self.bus.subscribe(ServerEvent) as news:
            while not self._is_ready():
                await anext(news)

    def _is_ready(self) -> bool:
        return all(pool.is_usable for pool in self.registry.pools().values() if pool.servers())

    async def shutdown(self, deadline_seconds: float | None = None) -> bool:
        """Stop gracefully; True when everything ended in time, False when some was cut.

        Readiness fails first and idle connections close at once; for up to
        ``accept_grace`` new connections are still served, as long as any is open;
        then the listeners close, and what is left has until ``deadline_seconds``
        (default ``drain_timeout``) after the call. Then it is cut.
        """
        config = self.config
        limit = config.drain_timeout if deadline_seconds is None else deadline_seconds
        start = self.env.now()
        self._context.draining = True
        self._connections.drain()
        with trio.move_on_at(start + min(config.accept_grace, limit)):
            await self._connections.wait_empty()
        self._connections.drain()  # Who came during the grace, and said nothing.
        self._stop.set()
        with trio.move_on_at(max(start + limit, self.env.now() + 0.001)) as patience:
            if self._serving:
                await self._stopped_listening.wait()
        if patience.cancelled_caught:
            await self._cut()
        return not patience.cancelled_caught

    async def _cut(self) -> None:
        """End what still serves, and wait until it has noticed."""
        self.cut_requests = self.statistics().active_connections
        for scope in self._serving:
            scope.cancel()
        with trio.move_on_after(_LAST_WORDS_SECONDS):
            await self._stopped_listening.wait()


@asynccontextmanager
async def _bound(env: Env, config: Config) -> AsyncGenerator[list[Listener], None]:
    """Bind every listener of the configuration, or none."""
    listeners: list[Listener] = []
    try:
        for one in config.listeners:
            listeners.append(await env.network.listen(one.bind))
        yield listeners
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _LAST_WORDS_SECONDS):
            for listener in listeners:
                await listener.aclose()


@asynccontextmanager
async def open_load_balancer(
    config: Config | Mapping[str, object] | str | Path,
    *,
    env: Env | None = None,
    services: Sequence[Service] = (),
) -> AsyncGenerator[LoadBalancer, None]:
    """Run a load balancer for as long as the block does.

    ``config`` is a ``Config``, a mapping of the shape of a configuration file, or the
    path of one. ``env`` is the outside world (the real one unless a simulation hands
    in another). An exception of the block leaves it unchanged, not in a group.

    Raises:
      ConfigError: the configuration is refused; every problem is named.
    """
    plan = _as_config(config)
    world = RealEnv() if env is None else env
    bus = Bus()
    caught: BaseException | None = None
    supervisor = Supervisor(world)
    async with (
        trio.open_nursery() as root,
        open_timers(world, bus.publish, supervisor=supervisor) as timers,
    ):
        lb = LoadBalancer(plan, world, bus, timers)
        async with _running(lb, plan, supervisor):
            for service in services:
                await root.start(service, lb)
            try:
                yield lb
            except trio.Cancelled:
                raise  # It belongs to a scope further out, or to the root itself.
            except BaseException as error:
                caught = error
        root.cancel_scope.cancel()
    bus.publish(Destroyed(at=world.now()))
    if caught is not None:
        raise caught


@asynccontextmanager
async def _running(
    lb: LoadBalancer, plan: Config, supervisor: Supervisor
) -> AsyncGenerator[None, None]:
    """Bring the plan to life: pools, their probes, and the connections to their servers."""
    async with lb._context.connections, AsyncExitStack() as stack:
        events = lb.registry.apply(plan, lb.env.now())
        for pool in lb.registry.pools().values():
            pool.on_deadline_moved = lb._timers.touch
            pool.on_left = lb._context.connections.forget
            probes = open_probes(pool, lb.env, lb.bus.publish, supervisor=supervisor)
            await stack.enter_async_context(probes)
        lb.publish(events)
        yield


def _as_config(config: Config | Mapping[str, object] | str | Path) -> Config:
    if isinstance(config, Config):
        return config
    # Only who loads a configuration pays for its loader.
    from trio_lb.config.load import load_file, load_mapping

    if isinstance(config, (str, Path)):
        return load_file(Path(config))
    return load_mapping(config)
