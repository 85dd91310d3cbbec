"""A running balancer, as programs see it: its servers, its news, its listeners."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import trio

from trio_lb.app.breaker_face import BreakerFace
from trio_lb.app.calls import Call, Handler, Q, R
from trio_lb.app.front import Front, OnePool
from trio_lb.app.health_face import HealthFace
from trio_lb.app.household import Household
from trio_lb.app.pool_face import PoolFace
from trio_lb.app.pulse import Pulse
from trio_lb.app.route import route
from trio_lb.app.selection import select
from trio_lb.config.schema import DEFAULT_POOL, Config
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError, UnknownServer
from trio_lb.model.events import ConfigUpdated, Event, FailOpenEntered, ServerEvent
from trio_lb.model.message import RequestHead
from trio_lb.model.request import Request
from trio_lb.model.response import Response
from trio_lb.net.bus import Callback, Subscription
from trio_lb.net.env import Stream
from trio_lb.proxy.context import ProxyContext
from trio_lb.state.ledger import Statistics
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

    def __init__(self, household: Household, context: ProxyContext) -> None:
        self.env = context.env
        self.bus = context.bus
        self.registry = household.registry
        self.context = context
        self.front = Front(self.env, self.registry, context)
        self._household = household
        self._pulse = Pulse(self.bus, self.env.now, self.statistics, household.timers.touch)

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

    def pool(self, name: str = DEFAULT_POOL) -> PoolFace:
        """Return a pool by its name.

        Raises:
          LookupError: there is none of that name.
        """
        return PoolFace(self._household, self.bus, self.registry.pool(name))

    # ------------------------------------------------------------------ servers

    def add_server(self, **given: object) -> Server:
        """Add a server to the default pool; see ``PoolFace.add_server``."""
        return self.pool().add_server(**given)

    def update_server(self, name: str, **given: object) -> Server:
        """Change a server of any pool; see ``PoolFace.update_server``."""
        pool, server_id = self._pool_of(name)
        return pool.update_server(server_id, **given)

    async def remove_server(
        self, name: str, *, drain: bool = True, deadline_seconds: float | None = None
    ) -> None:
        """Remove a server of any pool; see ``PoolFace.remove_server``."""
        pool, server_id = self._pool_of(name)
        await pool.remove_server(server_id, drain=drain, deadline_seconds=deadline_seconds)

    async def drain(self, name: str, *, deadline_seconds: float | None = None) -> bool:
        """Let a server of any pool finish what it has; see ``PoolFace.drain``."""
        pool, server_id = self._pool_of(name)
        return await pool.drain(server_id, deadline_seconds=deadline_seconds)

    def resume(self, name: str) -> None:
        """Call a server's drain off, whether it is over or not; see ``PoolFace.resume``."""
        pool, server_id = self._pool_of(name)
        pool.resume(server_id)

    def _pool_of(self, name: str) -> tuple[PoolFace, str]:
        server = self.registry.find_server(name)
        return self.pool(server.pool), server.id

    # ------------------------------------------------------------------ settings

    def update_config(self, **given: object) -> Config:
        """Change settings of the balancer and its default pool, and return what is in force now.

        Takes what may stand in ``load_balancer``, the flat names of older interfaces
        included (``max_retries=5``, ``algorithm="least-connections"``); numbers are seconds.
        Requests under way end under the old terms.

        Raises:
          ConfigError: something is refused; nothing was changed.
        """
        from trio_lb.config.changes import changed  # Only who changes settings loads readers.

        try:
            plan = changed(self.config, **given)
        except ConfigError as error:
            self.reject(error)
            raise
        self._household.apply(plan)
        return self.config

    def apply(self, plan: Config) -> None:
        """Put a whole configuration in force; what it has in common with the old one stays.

        Files that it names, but that were loaded before, are not read again: see ``reload``.

        Raises:
          ConfigError: it is refused; nothing was changed.
        """
        if plan.listeners == self.config.listeners:
            self._household.apply(plan)
        else:
            self.reload(plan)  # Their certificates are other ones.

    def reload(self, plan: Config | None = None) -> None:
        """Put ``plan`` (the one in force if not given) in force, with every certificate read anew.

        New handshakes use them, open connections go on. All of it comes, or nothing.

        Raises:
          ConfigError: with every problem; nothing was changed.
        """
        self._household.renew(self.config if plan is None else plan, self.front.renewal)

    def reject(self, error: ConfigError) -> None:
        """Tell everybody that a configuration was refused, for who reads them for us."""
        self._household.reject(error)

    @property
    def health(self) -> HealthFace:
        """What is known of the servers' health, and checks on demand."""
        return HealthFace(self._household)

    def breaker(self, name: str) -> BreakerFace:
        """Return the circuit breaker of a server (its id, or ``pool/id``).

        Raises:
          UnknownServer: there is none of that name.
          AmbiguousServer: the id stands in several pools.
        """
        server = self.registry.find_server(name)
        pool = self.registry.pool(server.pool)
        return BreakerFace(self._household, pool.breaker(server.id))

    # ------------------------------------------------------------------ selection and calls

    def select_server(
        self,
        client_id: str | None = None,
        *,
        request: RequestHead | None = None,
        pool: str = DEFAULT_POOL,
    ) -> Server | None:
        """Pick a server as for a request; None, and ``no_healthy_servers`` told, without one.

        ``client_id`` is what hashing algorithms look at; a ``request`` is looked at as
        ``hash_key`` says. No lease is taken: the pick counts as no request.

        Raises:
          LookupError: there is no such pool.
        """
        return select(self.context, self.registry.pool(pool), client_id, request)

    async def handle_request(
        self, client_id: str, request: Q, handler: Handler[Q, R], *, pool: str = DEFAULT_POOL
    ) -> R:
        """Call ``await handler(server, request)`` under the balancer's rules; return its result.

        Around the call stand selection, limits, retries with backoff on other servers, the
        retry budget, breaker, ejection, statistics and events. Whatever the handler raises
        is a failed attempt.

        Raises:
          NoServerAvailable: no server can be used; the handler was not called.
          LookupError: there is no such pool.
          Exception: the handler's own last one, as it is, when tries have ended.
        """
        return await Call(self.context, self.registry.pool(pool), client_id).run(handler, request)

    # ------------------------------------------------------------------ in process

    def connect(
        self, client: Address | None = None, *, pool: str = DEFAULT_POOL, scheme: str = "http"
    ) -> Stream:
        """Come in without a listener: return a stream on which HTTP/1.1 is spoken.

        It counts as a connection of ``client`` (None: of this machine), under the same
        limits; ``shutdown`` and the end of the block end it. The caller owns and closes it.

        Raises:
          LookupError: there is no such pool.
          trio.ClosedResourceError: the balancer has ended.
        """
        self.registry.pool(pool)
        return self.front.door.enter(OnePool(self.registry, pool), client, scheme)

    async def route(
        self, request: Request, *, pool: str = DEFAULT_POOL, scheme: str = "http"
    ) -> Response:
        """Proxy one request in process, and return its answer, whose body streams.

        Everything that befalls requests befalls this one, and comes as a response: 503 without
        a usable server, 502, 504. Read the response to its end or close it. Cancelled, the
        request is taken back.

        Raises:
          RequestCut: the balancer was stopped in the middle.
          ValueError: the body has not the length that the headers declare.
          LookupError: there is no such pool.
          trio.ClosedResourceError: the balancer has ended.
          Exception: whatever the iterator of the request's own body raised.
        """
        self.registry.pool(pool)
        router = OnePool(self.registry, pool)
        return await route(
            self.front.door, router, self.context.own_answer_reader, request, scheme=scheme
        )

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
          OSError: an address can't be bound (the text names it); none is left open then.
        """
        await self.front.serve(task_status=task_status)

    async def wait_ready(self) -> None:
        """Wait until every pool that has servers has a usable one."""
        async with self.bus.subscribe(ServerEvent, FailOpenEntered, ConfigUpdated) as news:
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
