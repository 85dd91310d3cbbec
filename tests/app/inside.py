"""Balancers whose requests come from inside, or pass middleware; their books must balance."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from tests.conversations.play import Play, check_books, config_of, until
from tests.support.servers import RawServer
from tests.support.world import World
from trio_lb import CallNext, Event, Middleware, MiddlewareContext, Request, Response
from trio_lb.app import open_load_balancer
from trio_lb.config.schema import ServerConfig


@asynccontextmanager
async def open_inside(
    world: World, *servers: RawServer | ServerConfig, **options: Any
) -> AsyncGenerator[Play, None]:
    """Run a balancer that nobody listens for; afterwards its books must balance."""
    for each in servers:
        name = each.id if isinstance(each, ServerConfig) else each.name
        world.net.link("lb", name).set_latency(0.0)
    async with open_load_balancer(config_of(world, servers, **options), env=world.env) as lb:
        news: list[Event] = []
        lb.on(Event, news.append)
        play = Play(world, lb, news)
        yield play
        await wait_all_tasks_blocked()
        assert lb.connection_count == 0
    check_books(play)


@asynccontextmanager
async def open_wrapped(
    world: World, servers: list[RawServer], *middleware: Middleware, **options: Any
) -> AsyncGenerator[Play, None]:
    """Run a balancer with middleware behind a listener; afterwards its books must balance."""
    for host in ("client", *(server.name for server in servers)):
        world.net.link("lb", host).set_latency(0.0)
    config = config_of(world, servers, **options)
    async with (
        open_load_balancer(config, env=world.env, middleware=middleware) as lb,
        trio.open_nursery() as nursery,
    ):
        news: list[Event] = []
        lb.on(Event, news.append)
        (world.front,) = await nursery.start(lb.serve)
        play = Play(world, lb, news)
        yield play
        await until(lambda: not lb.statistics().active_connections)
        nursery.cancel_scope.cancel()
    check_books(play)


async def pieces(*parts: bytes, every_seconds: float = 0.0) -> AsyncGenerator[bytes, None]:
    for part in parts:
        await trio.sleep(every_seconds)
        yield part


async def as_it_is(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    return await call_next()
