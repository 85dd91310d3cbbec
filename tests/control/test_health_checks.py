"""Health checks of a whole balancer: pools come and go, and anybody may ask at any time."""

import attrs
import pytest
import trio

from tests.state.books import REFUSED, member, usable
from tests.support.raw import RawPeer
from tests.support.servers import HttpServer, answer_of
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig, PoolConfig, ServerConfig
from trio_lb.control.health_checks import MOST_AT_ONCE, open_health_checks
from trio_lb.control.health_status import HealthStatus
from trio_lb.model.address import Address
from trio_lb.model.events import Event, ServerHealthChanged
from trio_lb.model.probe_result import ProbeResult
from trio_lb.policy.health import CheckResult
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server

STEADY = HealthCheckConfig(jitter_fraction=0.0)


def ignore(_: Event) -> None:
    """News that this test is not about."""


def pool_of(world: World, name: str, *ids: str, check: HealthCheckConfig = STEADY) -> Pool:
    servers = tuple(
        ServerConfig(id=each, address=Address(world.net.host(each).address, 8000)) for each in ids
    )
    pool = Pool(name)
    pool.apply(PoolConfig(name=name, servers=servers, health_check=check), world.env.now())
    return pool


async def start(world: World, *ids: str) -> list[HttpServer]:
    for each in ids:
        world.link(each).set_latency(0.0)
    return [await world.http_server(each) for each in ids]


async def test_a_pool_that_comes_later_is_probed_at_once(world: World) -> None:
    await start(world, "s1", "s2")
    told: list[tuple[float, str]] = []

    def note(event: Event) -> None:
        assert isinstance(event, ServerHealthChanged)
        told.append((event.at, f"{event.pool}/{event.server_id}"))

    async with open_health_checks(world.env, note) as checks:
        checks.watch(pool_of(world, "api", "s1"))
        await trio.sleep_until(7.0)
        checks.watch(pool_of(world, "web", "s2"))
        await trio.sleep_until(8.0)
    assert told == [(0.0, "api/s1"), (7.0, "web/s2")]


async def test_a_pool_that_is_forgotten_is_asked_no_more_and_has_its_hooks_back(
    world: World,
) -> None:
    (server,) = await start(world, "s1")
    pool, heard = pool_of(world, "api", "s1"), list[str]()
    pool.on_suspect = lambda each: heard.append(each.id)
    async with open_health_checks(world.env, ignore) as checks:
        checks.watch(pool)
        server.think_seconds = 1.0
        await trio.sleep_until(5.5)
        assert len(server.requests) == 2
        checks.forget(pool)
        checks.forget(pool)
        await trio.sleep_until(30.0)
        pool.observe(member(pool, "s1"), REFUSED, 30.0)
        assert (len(server.requests), heard) == (2, ["s1"])
        assert member(pool, "s1").next_check_at is None
        with pytest.raises(LookupError, match="no pool that is watched has <Server api/s1"):
            await checks.check(member(pool, "s1"))


async def test_watching_twice_is_watching_once(world: World) -> None:
    (server,) = await start(world, "s1")
    pool = pool_of(world, "api", "s1")
    async with open_health_checks(world.env, ignore) as checks:
        checks.watch(pool)
        checks.watch(pool)
        await trio.sleep_until(6.0)
        checks.forget(pool)
        checks.watch(pool)
        await trio.sleep_until(7.0)
    assert len(server.requests) == 3


async def test_a_check_on_demand_counts_and_tells(world: World) -> None:
    (server,) = await start(world, "s1")
    pool, told = pool_of(world, "api", "s1"), list[Event]()
    async with open_health_checks(world.env, told.append) as checks:
        checks.watch(pool)
        await trio.sleep_until(1.0)
        server.answer = lambda _: answer_of(500)
        results = [await checks.check(member(pool, "s1")) for _ in range(3)]
    assert [each.detail for each in results] == ["status 500"] * 3
    assert [event.at for event in told] == [0.0, 1.0]
    assert usable(pool) == []


async def test_what_nobody_probes_can_be_checked_and_is_not_judged(world: World) -> None:
    pool = pool_of(world, "api", "s1", check=HealthCheckConfig(enabled=False))
    async with open_health_checks(world.env, ignore) as checks:
        checks.watch(pool)
        result = await checks.check(member(pool, "s1"))
    assert (result.ok, result.refused, usable(pool)) == (False, True, ["s1"])


async def test_all_are_checked_at_the_same_time_whatever_their_pool(world: World) -> None:
    servers = await start(world, "s1", "s2", "s3")
    api, web = pool_of(world, "api", "s1", "s2"), pool_of(world, "web", "s3")
    async with open_health_checks(world.env, ignore) as checks:
        checks.watch(api)
        checks.watch(web)
        await trio.sleep_until(1.0)
        for each in servers:
            each.think_seconds = 0.5
        await servers[1].crash()
        results = await checks.check_all()
        assert world.env.now() == 1.5
    assert [(each.id, result.ok) for each, result in results.items()] == [
        ("s1", True),
        ("s2", False),
        ("s3", True),
    ]


async def test_a_check_of_very_many_servers_does_not_ask_all_of_them_at_once(world: World) -> None:
    under_way, most = 0, 0

    async def count(server: Server) -> ProbeResult:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await trio.sleep(0.25)
        under_way -= 1
        return ProbeResult(True)

    check = HealthCheckConfig(enabled=False, type="custom", check=count)
    pool = pool_of(world, "api", *(f"s{number}" for number in range(200)), check=check)
    async with open_health_checks(world.env, ignore) as checks:
        checks.watch(pool)
        results = await checks.check_all()
    assert (len(results), most, world.env.now()) == (200, MOST_AT_ONCE, 1.0)


async def test_a_server_that_leaves_while_all_are_checked_has_no_result(world: World) -> None:
    (server, _) = await start(world, "s1", "s2")
    pool = pool_of(world, "api", "s1", "s2", check=attrs.evolve(STEADY, enabled=False))
    server.think_seconds = 1.0
    got: list[dict[Server, CheckResult]] = []

    async with open_health_checks(world.env, ignore) as checks, trio.open_nursery() as nursery:
        checks.watch(pool)

        async def check_all() -> None:
            got.append(dict(await checks.check_all()))

        nursery.start_soon(check_all)
        await trio.sleep(0.5)
        pool.remove_server("s1", 0.5)
    assert [[each.id for each in results] for results in got] == [["s2"]]


async def test_status_tells_of_every_server_what_is_known(world: World) -> None:
    async def silent(peer: RawPeer) -> None:
        await peer.expect_rest()

    await start(world, "s1")
    world.link("s2").set_latency(0.0)
    await world.server("s2", silent)
    pool = pool_of(world, "api", "s1", "s2")
    async with open_health_checks(world.env, ignore) as checks:
        checks.watch(pool)
        await trio.sleep_until(2.5)
        status = {each.id: known for each, known in checks.status().items()}
    wall_at_start = world.env.wall() - world.env.now()
    assert status["s1"] == HealthStatus(
        healthy=True,
        state="healthy",
        overridden=False,
        last_check=wall_at_start,
        consecutive_successes=1,
        consecutive_failures=0,
        average_latency_seconds=0.0,
        last_error=None,
        details={},
    )
    assert (status["s2"].healthy, status["s2"].last_error) == (False, "timed out after 2 s")
    assert status["s2"].last_check == wall_at_start + 2.0
