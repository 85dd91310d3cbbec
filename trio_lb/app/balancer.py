"""A running balancer, as programs see it: its servers, its news, its listeners."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from trio_lb.app.front import Front
from trio_lb.app.reach import Reach
from trio_lb.config.schema import DEFAULT_POOL, Config
from trio_lb.control.timers import Timers
from trio_lb.model.address import Address
from trio_lb.model.errors import UnknownServer
from trio_lb.model.events import Event, ServerEvent
from trio_lb.net.bus import Bus, Callback, Subscription
from trio_lb.net.dial import Dialer
from trio_lb.net.env import Env
from trio_lb.net.h11_codec import H11Codec
from trio_lb.proxy.context import ProxyContext
from trio_lb.state.ledger import Statistics
from trio_lb.state.pool import Pool
from trio_lb.state.registry import Registry
from trio_lb.state.server import Server


class Service(Protocol):
    """A face that lives as long as the balancer: an access log, an administration API.

    Called as ``await nursery.start(service, lb)``; cancelled when the balancer closes.
    """

    async def __call__(self, lb: "LoadBalancer", *, task_status: trio.TaskStatus[None]) -> None:
        """Run; tell ``task_status`` once the service is ready."""
        ...


class LoadBalancer:
    """A running balancer; made by ``open_load_balancer`` and living in its block."""

    def __init__(self, config: Config, env: Env, bus: Bus, timers: Timers) -> None:
        self.env = env
        self.bus = bus
        self.registry = Registry()
        self.timers = timers
        self.reach = Reach(self.registry, Dialer(env.network))
        self.context = ProxyContext(
            config, env, H11Codec(), bus, timers.touch, dial=self.reach.dial
        )
        self.front = Front(env, self.registry, self.context)

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
        return self.context.ledger.statistics(self.registry.servers())

    @property
    def connection_count(self) -> int:
        """Open client connections, idle ones included."""
        return len(self.front.connections)

    @property
    def cut_requests(self) -> int:
        """How many requests the deadline of ``shutdown`` cut."""
        return self.front.cut_requests

    @property
    def is_draining(self) -> bool:
        """Whether a stop has begun: readiness fails from then on."""
        return self.context.draining

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
          ConfigError: a certificate can't be used; nothing was bound.
          OSError: an address can't be bound; none is left open then.
        """
        await self.front.serve(task_status=task_status)

    def reload_certificates(self) -> None:
        """Read the certificates of every listener again; open connections go on.

        Raises:
          ConfigError: one is bad; its listener keeps what it had.
        """
        self.front.reload_certificates()

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
        return await self.front.shutdown(deadline_seconds)
