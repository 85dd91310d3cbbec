"""What every play shares: a balancer between scripted peers, and books that must balance after.

All links of a play have no latency, so an instant in a test is the balancer's own
doing: 30.0 is a timeout of 30 seconds and nothing else.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.messages import Message
from tests.support.raw import RawClient, RawPeer
from tests.support.servers import RawServer, Script
from tests.support.stage import VIRTUAL
from tests.support.world import World
from trio_lb.app import LoadBalancer, open_load_balancer
from trio_lb.config.schema import (
    BudgetConfig,
    Config,
    HealthCheckConfig,
    LimitsConfig,
    ListenerConfig,
    OutlierConfig,
    PoolConfig,
    RetryConfig,
    ServerConfig,
    TimeoutsConfig,
)
from trio_lb.model.events import Event, RequestCompleted, RequestFailed, RequestRecord
from trio_lb.state.server import Server

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST_GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
OLD_GET = b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

E = TypeVar("E", bound=Event)


@attrs.frozen
class Play:
    """A running balancer, the world around it, and everything that it published."""

    world: World
    lb: LoadBalancer
    news: list[Event]

    async def client(self, host: str = "client") -> RawClient:
        """Connect one more client."""
        if self.world.stage.kind == VIRTUAL:
            self.world.net.link(host, "lb").set_latency(0.0)
        return await self.world.client(host=host)

    async def ask(self, request: bytes = LAST_GET) -> Message:
        """Send one request over a connection of its own; return the answer."""
        client = await self.client()
        await client.send(request)
        answer = await client.read_response(request.split(b" ")[0].decode())
        await client.close()
        return answer

    def server(self, name: str) -> Server:
        """The balancer's own picture of a server."""
        server = self.lb.get_server(name)
        assert server is not None
        return server

    def told(self, kind: type[E]) -> list[E]:
        """The events of one kind, oldest first."""
        return [event for event in self.news if isinstance(event, kind)]

    def records(self) -> list[RequestRecord]:
        """The records of the requests that ended, in the order of their ends."""
        ended = (RequestCompleted, RequestFailed)
        return [event.record for event in self.news if isinstance(event, ended)]

    def errors(self) -> list[str | None]:
        """The error codes of the requests that ended; None for a relayed answer."""
        return [record.error for record in self.records()]

    async def settle(self) -> None:
        """Let everything that needs no time happen."""
        await wait_all_tasks_blocked()


def config_of(
    world: World,
    servers: Sequence[RawServer | ServerConfig],
    *,
    algorithm: str = "round_robin",
    retry: RetryConfig | None = None,
    outlier: OutlierConfig | None = None,
    health_check: HealthCheckConfig | None = None,
    listener: Mapping[str, Any] | None = None,
    pool: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Config:
    """A configuration of one listener and one pool; what is not said has its default.

    ``listener`` and ``pool`` hold whatever else these two are to be.
    """
    only_pool = PoolConfig(
        algorithm=algorithm,
        servers=tuple(map(_server_config, servers)),
        retry=retry or RetryConfig(),
        outlier_detection=outlier or OutlierConfig(),
        health_check=health_check or HealthCheckConfig(enabled=False),
        **(pool or {}),
    )
    only_listener = ListenerConfig(**{"bind": world.stage.bind("lb", 80), **(listener or {})})
    return Config(listeners=(only_listener,), pools={"default": only_pool}, **sections)


def _server_config(server: RawServer | ServerConfig) -> ServerConfig:
    if isinstance(server, ServerConfig):
        return server
    return ServerConfig(id=server.name, address=server.address)


@asynccontextmanager
async def open_play(
    world: World, *servers: RawServer | ServerConfig, **options: Any
) -> AsyncGenerator[Play, None]:
    """Run a balancer in front of ``servers``; afterwards its books must balance."""
    config = config_of(world, servers, **options)
    if world.stage.kind == VIRTUAL:
        for host in ("client", *(each.id for each in config.pools["default"].servers)):
            world.net.link("lb", host).set_latency(0.0)
    async with open_load_balancer(config, env=world.env) as lb, trio.open_nursery() as nursery:
        news: list[Event] = []
        lb.on(Event, news.append)
        (world.front,) = await nursery.start(lb.serve)
        play = Play(world, lb, news)
        yield play
        await until(lambda: not lb.statistics().active_connections)
        nursery.cancel_scope.cancel()
    check_books(play)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds, looked at ten times a second; never: the play halts."""
    while not condition():  # noqa: ASYNC110 - a condition of any kind, in virtual time.
        await trio.sleep(0.1)


def check_books(play: Play) -> None:
    """Nothing is held, and each request that was accepted ended exactly once."""
    counts = play.lb.statistics()
    held = {server.id: server.active_connections for server in play.lb.servers()}
    assert set(held.values()) <= {0}, f"leases are still held: {held}"
    assert counts.active_connections == 0
    assert counts.total_requests == counts.successful_requests + counts.failed_requests
    assert counts.total_requests == len(play.records())
    assert counts.failed_requests == len(
        [record for record in play.records() if record.error or record.status >= 500]
    )


def quick_retries(max_retries: int = 2, **budget: Any) -> RetryConfig:
    """Retries without backoff, so that they take no time."""
    return RetryConfig(
        max_retries=max_retries, base_delay=0.0, max_delay=0.0, budget=BudgetConfig(**budget)
    )


def timeouts(**seconds: float | None) -> TimeoutsConfig:
    """The default timeouts but for these."""
    return TimeoutsConfig(**seconds)  # type: ignore[arg-type] # mypy can't spread into kw_only.


def limits(**sizes: int | None) -> LimitsConfig:
    """The default limits but for these."""
    return LimitsConfig(**sizes)  # type: ignore[arg-type] # mypy can't spread into kw_only.


def answering(*parts: bytes, then: Script | None = None) -> Script:
    """A script: read one request, send the parts, and do what follows (else close)."""

    async def script(peer: RawPeer) -> None:
        if await peer.at_end():
            return  # A connection without a request.
        await peer.read_request()
        for part in parts:
            await peer.send(part)
        if then is not None:
            await then(peer)

    return patient(script)


def patient(script: Script) -> Script:
    """Let a script end in peace when the proxy cuts its connection."""

    async def followed(peer: RawPeer) -> None:
        try:
            await script(peer)
        except trio.BrokenResourceError:
            return

    return followed


async def read_slowly(peer: RawPeer, *, piece: int, every_seconds: float) -> int:
    """Take ``piece`` bytes at a time, and rest after each, until the end; return how many came.

    Raises:
      trio.BrokenResourceError: the other side lost its patience.
    """
    size = 0
    while data := await peer.stream.receive_some(piece):
        size += len(data)
        await trio.sleep(every_seconds)
    return size


async def hang(peer: RawPeer) -> None:
    """Say nothing more, until the other side ends or breaks the connection."""
    await peer.expect_rest()


async def reset(peer: RawPeer) -> None:
    """Break the connection."""
    await trio.lowlevel.checkpoint()
    peer.reset()
