"""Every policy behind a TCP listener: breakers, ejection, retries, limits, tiers, hashes, health."""

from typing import Any

import pytest
import trio

from tests.conversations.play import Play, open_play, quick_retries, until
from tests.support.raw import RawClient, RawPeer
from tests.support.servers import RawServer
from tests.support.world import World
from trio_lb.config.schema import (
    AccessConfig,
    BreakerConfig,
    HealthCheckConfig,
    OutlierConfig,
    RetryConfig,
    ServerConfig,
)
from trio_lb.model.address import Address
from trio_lb.model.events import (
    CircuitBreakerHalfOpened,
    CircuitBreakerOpened,
    CircuitBreakerReset,
    NoHealthyServers,
    RequestCompleted,
    RequestFailed,
    RequestRetried,
    ServerEjected,
    ServerReadmitted,
    ServerSelected,
)
from trio_lb.sim.link import Connects

TCP = {"protocol": "tcp"}
OFF = OutlierConfig(enabled=False)


async def name_itself(peer: RawPeer) -> None:
    try:
        await peer.send(peer.name.partition("#")[0].encode())
        await peer.expect_rest()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return


def server(made: RawServer, **own: Any) -> ServerConfig:
    return ServerConfig(id=made.name, address=made.address, **own)


async def visit(play: Play) -> str:
    """Whom a client meets; "" when it is reset."""
    client = await play.client()
    try:
        met = (await client.expect_bytes(2)).decode()
    except trio.BrokenResourceError:
        met = ""
    await client.close()
    await play.settle()
    return met


async def stay(play: Play) -> RawClient:
    client = await play.client()
    await client.expect_bytes(2)
    return client


async def three(world: World) -> list[RawServer]:
    return [await world.server(name, name_itself) for name in ("s1", "s2", "s3")]


# ---------------------------------------------------------------------- failures


async def test_a_breaker_s_whole_life_is_made_of_connects(world: World) -> None:
    s1, s2, _ = await three(world)
    breaker = BreakerConfig(failure_threshold=3, threshold=None, timeout=10.0, success_threshold=2)
    async with open_play(
        world,
        s1,
        s2,
        listener=TCP,
        outlier=OFF,
        retry=quick_retries(),
        pool={"circuit_breaker": breaker},
    ) as play:
        world.link("s1").connects = Connects.REFUSE
        assert [await visit(play) for _ in range(8)] == ["s2"] * 8
        assert [(e.server_id, e.at) for e in play.told(CircuitBreakerOpened)] == [("s1", 0.0)]
        assert len(play.told(RequestRetried)) == 3
        world.link("s1").connects = Connects.PASS
        await trio.sleep_until(10.0)
        met = [await visit(play) for _ in range(6)]
        assert met.count("s1") >= 2
        assert [e.at for e in play.told(CircuitBreakerHalfOpened)] == [10.0]
        assert [e.at for e in play.told(CircuitBreakerReset)] == [10.0]
        await play.settle()
        counts = play.lb.statistics()
        assert (counts.total_requests, counts.failed_requests) == (14, 0)
        assert [one.requests for one in counts.server_stats] == [
            3 + met.count("s1"),
            14 - met.count("s1"),
        ]


async def test_a_trial_s_permit_is_back_when_the_connect_is_done_however_long_it_lasts(
    world: World,
) -> None:
    s1, *_ = await three(world)
    breaker = BreakerConfig(failure_threshold=1, threshold=None, timeout=10.0, success_threshold=2)
    async with open_play(
        world, s1, listener=TCP, outlier=OFF, retry=RetryConfig(max_retries=0),
        pool={"circuit_breaker": breaker},
    ) as play:  # fmt: skip
        world.link("s1").connects = Connects.REFUSE
        assert await visit(play) == ""
        world.link("s1").connects = Connects.PASS
        await trio.sleep_until(10.0)
        first, second = await stay(play), await stay(play)
        assert [e.at for e in play.told(CircuitBreakerReset)] == [10.0]
        for client in (first, second):
            await client.close()


async def test_a_silent_host_is_ejected_and_costs_each_client_one_connect_time(
    world: World,
) -> None:
    s1, s2, s3 = await three(world)
    async with open_play(
        world, s1, s2, s3, listener=TCP,
        outlier=OutlierConfig(consecutive_failures=2, base_ejection_time=30.0),
    ) as play:  # fmt: skip
        world.link("s1").connects = Connects.BLACKHOLE
        met = [await visit(play) for _ in range(12)]
        assert "" not in met
        assert "s1" not in met
        assert trio.current_time() == 2 * 3.0
        assert [(e.server_id, e.at) for e in play.told(ServerEjected)] == [("s1", 6.0)]
        world.link("s1").connects = Connects.PASS
        await until(lambda: bool(play.told(ServerReadmitted)))
        assert "s1" in [await visit(play) for _ in range(3)]


async def test_what_a_client_does_is_no_server_s_failure(world: World) -> None:
    s1, *_ = await three(world)
    async with open_play(
        world, s1, listener=TCP, pool={"circuit_breaker": BreakerConfig(failure_threshold=1)},
        outlier=OutlierConfig(consecutive_failures=1),
    ) as play:  # fmt: skip
        for _ in range(5):
            client = await stay(play)
            client.reset()
            await play.settle()
        assert play.server("s1").failures == 0
        assert (play.told(ServerEjected), play.told(CircuitBreakerOpened)) == ([], [])
        assert play.errors() == ["client_gone"] * 5


# ---------------------------------------------------------------------- who is picked


async def test_a_full_server_is_passed_over_and_a_full_pool_resets(world: World) -> None:
    s1, s2, _ = await three(world)
    async with open_play(
        world, server(s1, max_connections=1), server(s2, max_connections=2), listener=TCP
    ) as play:
        clients = [await stay(play) for _ in range(3)]
        assert [one.active_connections for one in play.lb.servers()] == [1, 2]
        assert await visit(play) == ""
        assert len(play.told(NoHealthyServers)) == 1
        await clients[0].close()
        await play.settle()
        assert await visit(play) == "s1"
        for client in clients[1:]:
            await client.close()
        await play.settle()
        assert [record.status for record in play.records()] == [503, 200, 200, 200, 200]


async def test_least_connections_and_weights_count_what_is_open(world: World) -> None:
    s1, s2, _ = await three(world)
    async with open_play(
        world, server(s1, weight=3), server(s2), listener=TCP, algorithm="least_connections"
    ) as play:
        clients = [await stay(play) for _ in range(8)]
        assert [one.active_connections for one in play.lb.servers()] == [6, 2]
        for client in clients:
            await client.close()


async def test_backups_and_priorities_wait_for_their_turn(world: World) -> None:
    s1, s2, s3 = await three(world)
    async with open_play(
        world,
        server(s3, backup=True),
        server(s2, priority=1),
        server(s1),
        listener=TCP,
        retry=quick_retries(),
    ) as play:
        met = [await visit(play)]
        for one in (s1, s2):
            await one.stop_listening()
            met.append(await visit(play))
        assert met == ["s1", "s2", "s3"]


@pytest.mark.parametrize("algorithm", ["ip_hash", "consistent_hash", "maglev", "rendezvous"])
async def test_a_client_keeps_its_server_by_its_address_alone(world: World, algorithm: str) -> None:
    servers = await three(world)
    async with open_play(
        world, *servers, listener=TCP, algorithm=algorithm, pool={"hash_key": "header:X-User"}
    ) as play:
        assert len({await visit(play) for _ in range(6)}) == 1


async def test_a_list_that_denies_is_asked_before_any_server(world: World) -> None:
    s1, *_ = await three(world)
    here = world.net.host("client").address
    async with open_play(world, s1, listener=TCP, access=AccessConfig(deny=(here,))) as play:
        assert await visit(play) == ""
        await play.settle()
        (record,) = play.records()
        assert (record.status, record.error, record.attempts) == (403, "access_denied", 0)
        assert (s1.peers, play.told(ServerSelected)) == ([], [])


# ---------------------------------------------------------------------- health, books


async def test_probes_only_connect_and_keep_dead_servers_out(world: World) -> None:
    s1, s2, _ = await three(world)
    check = HealthCheckConfig(type="tcp", interval=2.0, fast_interval=1.0, jitter_fraction=0.0)
    async with open_play(world, s1, s2, listener=TCP, health_check=check) as play:
        await play.settle()
        assert {await visit(play) for _ in range(4)} == {"s1", "s2"}
        await s1.stop_listening()
        await until(lambda: not play.server("s1").is_usable)
        assert [await visit(play) for _ in range(3)] == ["s2"] * 3
        assert not play.told(RequestRetried), "no client had to find out"


async def test_events_and_statistics_of_a_day_add_up(world: World) -> None:
    s1, s2, _ = await three(world)
    gone = ServerConfig(id="s9", address=Address(world.net.host("s9").address, 9))
    async with open_play(
        world, s1, s2, gone, listener=TCP, retry=quick_retries(1), outlier=OFF
    ) as play:
        for _ in range(9):
            assert await visit(play) != ""
        await play.settle()
        counts = play.lb.statistics()
        attempts = {one.server_id: one.requests for one in counts.server_stats}
        assert (counts.total_requests, counts.successful_requests) == (9, 9)
        assert attempts["s9"] == len(play.told(RequestRetried))
        assert sum(attempts.values()) == 9 + attempts["s9"] == len(play.told(ServerSelected))
        assert len(play.told(RequestCompleted)) == 9
        assert play.told(RequestFailed) == []
        assert [record.attempts for record in play.records()].count(2) == attempts["s9"]
