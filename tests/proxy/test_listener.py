"""A listener's life: it says when it opens and closes, and takes whoever waits."""

import errno
import logging
from collections.abc import Sequence
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.net.wires import Recorded
from tests.proxy.stage import context_of, news_of
from tests.support.stage import LOOPBACK
from tests.support.world import World
from trio_lb.config.schema import LimitsConfig
from trio_lb.model.address import Address
from trio_lb.model.events import ListenerClosed, ListenerOpened, RequestShed
from trio_lb.model.message import RequestHead
from trio_lb.net.env import AcceptError, Listener, Stream
from trio_lb.proxy.connection import ClientConnection
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.dispatch import Router
from trio_lb.proxy.listener import Connections, Welcome, serve_listener
from trio_lb.sim.env import SimEnv
from trio_lb.state.pool import Pool

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Nowhere:
    """A router without a route."""

    def pool_for(self, head: RequestHead) -> Pool | None:
        return None


class Broken:
    """A router with a bug."""

    def pool_for(self, head: RequestHead) -> Pool | None:
        raise RuntimeError("a bug in a router")


def leading(context: ProxyContext, router: Router) -> Welcome:
    """HTTP connections that ask ``router``."""
    return partial(ClientConnection, context, router, scheme="http")


def admitted(connections: Connections, context: ProxyContext, stream: Stream) -> ClientConnection:
    """A connection that was counted in."""
    guest = ClientConnection(context, Nowhere(), stream, scheme="http")
    connections.admit(guest, stream)
    return guest


async def listening(world: World) -> tuple[ProxyContext, Listener]:
    """A context, and a listener that ``world.front`` leads to."""
    listener = await world.env.network.listen(world.stage.bind("lb", 80))
    world.front = listener.address
    return context_of(world.env), listener


async def test_it_serves_until_it_is_stopped_and_tells_both(any_world: World) -> None:
    world = any_world
    context, listener = await listening(world)
    news, stop, connections = news_of(context), trio.Event(), Connections(context)
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await serve_listener(
                context, listener, leading(context, Nowhere()), connections, stop=stop
            )

        nursery.start_soon(serve)
        client = await world.client()
        await client.send(GET)
        assert (await client.read_response()).status == 404
        assert len(connections) == 1
        stop.set()
        await client.close()
    assert len(connections) == 0
    address = str(listener.address)
    opened, closed = (e for e in news if isinstance(e, (ListenerOpened, ListenerClosed)))
    assert isinstance(opened, ListenerOpened)
    assert isinstance(closed, ListenerClosed)
    assert (opened.address, closed.address) == (address, address)


async def test_who_waits_when_the_stop_comes_is_still_taken(any_world: World) -> None:
    world = any_world
    context, listener = await listening(world)
    stop, connections = trio.Event(), Connections(context)
    clients = [await world.client() for _ in range(20)]
    for client in clients:
        await client.send(GET)
    if world.stage.kind != LOOPBACK:
        await trio.sleep(0.01)
    stop.set()
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await serve_listener(
                context, listener, leading(context, Nowhere()), connections, stop=stop
            )

        nursery.start_soon(serve)
        for client in clients:
            assert (await client.read_response()).status == 404
            await client.close()


async def test_a_router_with_a_bug_costs_one_connection_at_a_time(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    context, listener = await listening(world)
    stop, connections = trio.Event(), Connections(context)
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await serve_listener(
                context, listener, leading(context, Broken()), connections, stop=stop
            )

        nursery.start_soon(serve)
        for number in range(1, 4):
            client = await world.client()
            await client.send(GET)
            assert (await client.read_response()).status == 500
            await wait_all_tasks_blocked()
            assert len([r for r in caplog.records if r.levelno == logging.ERROR]) == number
            await client.close()
        stop.set()
    assert context.ledger.active == 0


class Stumbling:
    """A listener whose first accepts fail as accept(2) may, for no reason that we know of."""

    def __init__(self, listener: Listener, failures: int) -> None:
        self.address = listener.address
        self.failures = failures
        self._listener = listener

    async def accept_batch(self, limit: int) -> Sequence[Stream]:
        await trio.lowlevel.checkpoint()
        if self.failures:
            self.failures -= 1
            raise AcceptError(errno.EINVAL, "invalid argument")
        return await self._listener.accept_batch(limit)

    async def aclose(self) -> None:
        await self._listener.aclose()


async def test_an_error_of_accepting_is_logged_once_and_costs_a_tenth_of_a_second(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "trio_lb.listener")
    context, listener = await listening(world)
    stop, stumbling = trio.Event(), Stumbling(listener, failures=3)
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            connections = Connections(context)
            await serve_listener(
                context, stumbling, leading(context, Nowhere()), connections, stop=stop
            )

        client = await world.client()
        began = trio.current_time()
        nursery.start_soon(serve)
        await client.send(GET)
        assert (await client.read_response()).status == 404
        assert trio.current_time() - began == pytest.approx(0.301), "and 1 ms is the answer's way"
        await client.close()
        stop.set()
    where = f"listener {listener.address}"
    assert [(each.levelname, each.message) for each in caplog.records] == [
        (
            "WARNING",
            f"{where}: [Errno 22] invalid argument; accepting pauses while 0 connections are open",
        ),
        ("INFO", f"{where}: accepting again after 0.3 s"),
    ]


async def test_the_limit_counts_from_the_moment_of_admission_to_the_end(env: SimEnv) -> None:
    context = context_of(env, limits=LimitsConfig(max_connections=2))
    connections, stream = Connections(context), Recorded([])
    admitted(connections, context, stream)
    assert connections.limit_met(stream) is None
    connection = admitted(connections, context, stream)
    assert connections.limit_met(stream) == "max_connections"
    assert len(connections) == 2
    await connections.serve(connection, stream)
    assert connections.limit_met(stream) is None


class Elsewhere(Recorded):
    """A client with another address."""

    peer = Address("192.0.2.2", 1)


async def test_one_client_has_a_limit_of_its_own_until_its_connections_end(env: SimEnv) -> None:
    context = context_of(env, limits=LimitsConfig(per_client=1))
    connections, stream = Connections(context), Recorded([])
    connection = admitted(connections, context, stream)
    assert connections.limit_met(Recorded([])) == "per_client"
    assert connections.limit_met(Elsewhere([])) is None
    await connections.serve(connection, stream)
    assert connections.limit_met(Recorded([])) is None


class OverUnixSocket(Recorded):
    """A client whose socket has no name, as most have none."""

    peer = Address("unix:", 0)


async def test_clients_of_a_unix_socket_are_not_taken_for_one(env: SimEnv) -> None:
    context = context_of(env, limits=LimitsConfig(max_connections=3, per_client=1))
    connections = Connections(context)
    for _ in range(2):
        stream = OverUnixSocket([])
        assert connections.limit_met(stream) is None
        admitted(connections, context, stream)
    named = OverUnixSocket([])
    guests = [admitted(connections, context, named) for _ in range(2)]
    assert connections.limit_met(named) == "max_connections", "this limit is everybody's"
    told = [connections.identify(guest, "192.0.2.7") for guest in guests]
    assert told == [None, "per_client"], "a PROXY header has named them"


async def test_a_refused_connection_is_told_so_and_counted(env: SimEnv) -> None:
    context = context_of(env)
    news = news_of(context)
    stream = Recorded([b"a request that nobody reads"])
    await Connections(context).refuse(stream, "per_client")
    assert stream.sent.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 1\r\n" in stream.sent
    assert news == [RequestShed(at=0.0, reason="per_client")]


class Lost(Recorded):
    """A client that is gone; whether it was cut is noted."""

    def __init__(self) -> None:
        super().__init__([])
        self.was_cut = False

    def receive_nowait(self, max_bytes: int) -> None:
        return None

    def abort(self) -> None:
        self.was_cut = True


async def test_only_so_many_are_refused_politely_at_one_time(env: SimEnv) -> None:
    connections = Connections(context_of(env))
    streams = [Lost() for _ in range(200)]
    async with trio.open_nursery() as nursery:
        for stream in streams:
            nursery.start_soon(connections.refuse, stream, "max_connections")
        await wait_all_tasks_blocked()
        assert sum(stream.was_cut for stream in streams) == 200 - 128
    assert trio.current_time() == 1.0
    again = Lost()
    await connections.refuse(again, "max_connections")
    assert not again.was_cut


async def test_everybody_who_waits_for_the_last_connection_hears_of_its_end(env: SimEnv) -> None:
    context = context_of(env)
    connections, stream = Connections(context), Lost()
    connection = admitted(connections, context, stream)
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(connections.wait_empty)
        nursery.start_soon(connections.serve, connection, stream)
        await wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 4
    assert trio.current_time() == 10.0, "a silent connection lasts as long as a head may take"
    await connections.wait_empty()
