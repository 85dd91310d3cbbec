"""One TCP connection by itself: which server it takes, and what its record says when none is."""

from typing import TypeVar

import pytest
import trio

from tests.proxy.stage import context_of, news_of
from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.config.schema import (
    BudgetConfig,
    HealthCheckConfig,
    PoolConfig,
    RetryConfig,
    ServerConfig,
    TimeoutsConfig,
)
from trio_lb.model.address import Address
from trio_lb.model.events import (
    Event,
    NoHealthyServers,
    RequestCompleted,
    RequestFailed,
    RequestRecord,
    RequestRetried,
    ServerSelected,
)
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.tcp import TcpConnection
from trio_lb.state.pool import Pool

E = TypeVar("E", bound=Event)

QUICK = RetryConfig(max_retries=2, base_delay=0.0, max_delay=0.0)


def pool_of(
    *addresses: Address,
    retry: RetryConfig = QUICK,
    timeouts: TimeoutsConfig | None = None,
    max_connections: int | None = None,
) -> Pool:
    """Servers s1, s2, ... that nobody probes."""
    servers = tuple(
        ServerConfig(id=f"s{number}", address=address, max_connections=max_connections)
        for number, address in enumerate(addresses, 1)
    )
    pool = Pool("db")
    config = PoolConfig(
        name="db",
        servers=servers,
        algorithm="round_robin",
        retry=retry,
        timeouts=timeouts,
        health_check=HealthCheckConfig(enabled=False),
    )
    pool.apply(config, 0.0)
    return pool


class Scene:
    """A client before a listener, and the connection that serves it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.context = context_of(world.env)
        self.news: list[Event] = news_of(self.context)

    async def serve(self, pool: Pool | None) -> RequestRecord:
        """Let one client come, end its half and hear the rest; return the record of it."""
        await _serve(self.context, self.world, pool)
        (record,) = [
            event.record
            for event in self.news
            if isinstance(event, RequestCompleted | RequestFailed)
        ]
        counts = self.context.ledger.statistics()
        assert (counts.total_requests, counts.active_connections) == (1, 0)
        assert counts.failed_requests == (record.error is not None)
        return record

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.news if isinstance(event, kind)]


async def _serve(context: ProxyContext, world: World, pool: Pool | None) -> None:
    listener = await world.env.network.listen(world.stage.bind("lb", 80))
    client = await world.client(listener.address)
    (stream,) = await listener.accept_batch(1)
    await listener.aclose()
    await client.send(b"hello")
    await client.send_eof()
    await TcpConnection(context, lambda: pool, stream).run()


@pytest.fixture
def scene(world: World) -> Scene:
    world.net.link("client", "lb").set_latency(0.0)
    for number in range(1, 5):
        world.link(f"s{number}").set_latency(0.0)
    return Scene(world)


async def answer(peer: RawPeer) -> None:
    assert await peer.expect_rest() == b"hello"
    await peer.send(b"world!")


def closed(world: World, host: str) -> Address:
    """A port on which nobody listens."""
    return Address(world.net.host(host).address, 9)


async def test_a_connection_that_goes_well_leaves_a_full_record(scene: Scene) -> None:
    s1 = await scene.world.server("s1", answer)
    record = await scene.serve(pool_of(s1.address))
    assert (record.method, record.version, record.status, record.error) == ("TCP", "-", 200, None)
    assert record.target == f"{scene.world.net.host('lb').address}:80"
    assert record.client == scene.world.net.host("client").address
    assert (record.pool, record.server_id, record.attempts) == ("db", "s1", 1)
    assert (record.bytes_in, record.bytes_out) == (5, 6)
    assert len(record.id) == 32


async def test_who_is_reset_leaves_a_record_too(any_world: World) -> None:
    """On the loopback: a socket that was closed can't tell its address any more."""
    record = await Scene(any_world).serve(None)
    assert (record.method, record.status, record.error) == ("TCP", 503, "no_route")
    assert record.target.partition(":")[0] == any_world.stage.bind("lb", 80).host


async def test_another_server_is_tried_at_once_where_one_refuses(scene: Scene) -> None:
    s3 = await scene.world.server("s3", answer)
    pool = pool_of(closed(scene.world, "s1"), closed(scene.world, "s2"), s3.address)
    record = await scene.serve(pool)
    assert (record.server_id, record.attempts, record.error) == ("s3", 3, None)
    assert trio.current_time() == 0.0
    assert [event.server_id for event in scene.told(ServerSelected)] == ["s1", "s2", "s3"]
    retried = scene.told(RequestRetried)
    assert [(each.attempt, each.request_id) for each in retried] == [
        (1, record.id),
        (2, record.id),
    ]
    counted = [(each.requests, each.failures) for each in pool.members]
    assert counted == [(1, 1), (1, 1), (1, 0)]


async def test_a_host_that_is_silent_costs_the_connect_time_and_no_more(scene: Scene) -> None:
    s1, s2 = [await scene.world.server(name, answer) for name in ("s1", "s2")]
    scene.world.link("s1").stall()
    record = await scene.serve(pool_of(s1.address, s2.address))
    assert (record.server_id, record.head_seconds, trio.current_time()) == ("s2", 3.0, 3.0)


async def test_a_pool_s_own_timeouts_win(scene: Scene) -> None:
    s1, s2 = [await scene.world.server(name, answer) for name in ("s1", "s2")]
    scene.world.link("s1").stall()
    record = await scene.serve(
        pool_of(s1.address, s2.address, timeouts=TimeoutsConfig(connect=0.5))
    )
    assert (record.server_id, record.head_seconds) == ("s2", 0.5)


@pytest.mark.parametrize(
    ("silent", "status", "error"),
    [(False, 502, "upstream_connect_refused"), (True, 504, "upstream_connect_timeout")],
)
async def test_after_the_last_try_the_record_says_what_the_last_one_met(
    scene: Scene, silent: bool, status: int, error: str
) -> None:
    dead = [closed(scene.world, f"s{number}") for number in range(1, 5)]
    if silent:
        for number in range(1, 5):
            scene.world.link(f"s{number}").stall()
    record = await scene.serve(pool_of(*dead))
    assert (record.status, record.error, record.attempts) == (status, error, 3)
    assert trio.current_time() == (9.0 if silent else 0.0)
    assert (record.bytes_in, record.bytes_out, record.head_seconds) == (0, 0, None)


async def test_an_unknown_name_is_a_502(scene: Scene) -> None:
    record = await scene.serve(pool_of(Address("nowhere.example", 80)))
    assert (record.status, record.error) == (502, "upstream_connect_failed")


async def test_the_total_time_bounds_all_tries(scene: Scene) -> None:
    for number in range(1, 5):
        scene.world.link(f"s{number}").stall()
    pool = pool_of(
        *[closed(scene.world, f"s{number}") for number in range(1, 5)],
        timeouts=TimeoutsConfig(connect=3.0, total=4.0),
    )
    record = await scene.serve(pool)
    assert (record.attempts, trio.current_time()) == (2, 4.0)


async def test_the_retry_budget_counts_for_tcp_too(scene: Scene) -> None:
    frugal = RetryConfig(
        max_retries=2, base_delay=0.0, budget=BudgetConfig(fraction=0.0, min_per_second=0.0)
    )
    dead = [closed(scene.world, name) for name in ("s1", "s2")]
    record = await scene.serve(pool_of(*dead, retry=frugal))
    assert (record.attempts, record.status) == (1, 502)


async def test_the_only_server_is_tried_again_after_the_backoff(scene: Scene) -> None:
    record = await scene.serve(
        pool_of(closed(scene.world, "s1"), retry=RetryConfig(max_retries=2, base_delay=1.0))
    )
    delays = [each.delay_seconds for each in scene.told(RequestRetried)]
    assert record.attempts == 3
    assert trio.current_time() == pytest.approx(sum(delays))
    assert sum(delays) > 0.0


@pytest.mark.parametrize("servers", ["none", "full"])
async def test_nobody_to_ask_is_told_and_nothing_is_tried(scene: Scene, servers: str) -> None:
    s1 = await scene.world.server("s1", answer)
    pool = pool_of() if servers == "none" else pool_of(s1.address, max_connections=1)
    with pool.members[0].lease() if servers == "full" else trio.CancelScope():
        record = await scene.serve(pool)
    assert (record.status, record.error, record.attempts) == (503, "no_healthy_server", 0)
    assert (record.pool, record.server_id) == ("db", None)
    assert scene.told(NoHealthyServers) == [NoHealthyServers(at=0.0, pool="db")]


async def test_a_pool_that_left_the_configuration_is_no_route(scene: Scene) -> None:
    record = await scene.serve(None)
    assert (record.status, record.error, record.pool) == (503, "no_route", None)


async def test_a_bug_in_finding_a_server_cuts_the_client_and_is_in_the_books(
    scene: Scene,
) -> None:
    def lost() -> Pool | None:
        raise RuntimeError("a bug in a router")

    world, context = scene.world, scene.context
    listener = await world.env.network.listen(world.stage.bind("lb", 80))
    client = await world.client(listener.address)
    (stream,) = await listener.accept_batch(1)
    await listener.aclose()
    with pytest.raises(RuntimeError, match="a bug in a router"):
        await TcpConnection(context, lost, stream).run()
    await client.expect_reset()
    (failed,) = scene.told(RequestFailed)
    assert (failed.error, context.ledger.failed) == ("internal_error", 1)


async def test_a_lease_is_held_from_the_try_to_the_end_and_never_longer(scene: Scene) -> None:
    held = []

    async def watch(peer: RawPeer) -> None:
        held.append(pool.members[0].active_connections)
        await answer(peer)

    s1 = await scene.world.server("s1", watch)
    pool = pool_of(s1.address)
    await scene.serve(pool)
    assert (held, pool.members[0].active_connections) == ([1], 0)


async def test_without_a_listener_no_record_is_made_but_all_is_counted(world: World) -> None:
    s1 = await world.server("s1", answer)
    context = context_of(world.env)
    await _serve(context, world, pool_of(s1.address))
    assert (context.ledger.successful, context.ledger.failed) == (1, 0)
