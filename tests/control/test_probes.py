"""Probes: exact instants of asking, and how fast a server goes out and comes back."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import attrs
import pytest
import trio

from tests.control.watching import open_watch
from tests.state.books import REFUSED, brief, member, plan, usable
from tests.support.raw import RawPeer
from tests.support.servers import HttpServer, answer_of
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig, PoolConfig, ServerConfig
from trio_lb.control.health_checks import HealthChecks
from trio_lb.control.probes import MOST_FAST_PER_SECOND, SPREAD_SECONDS
from trio_lb.control.supervisor import Supervisor
from trio_lb.model.address import Address
from trio_lb.model.events import Event, ServerHealthChanged
from trio_lb.state.pool import Pool

STEADY = HealthCheckConfig(jitter_fraction=0.0)
"""The defaults (every 5 s, 1 s when in doubt, rise 2, fall 3) without chance."""


class Play:
    """A pool of HTTP servers without latency, probed; ``told`` are the changes of health."""

    def __init__(self, world: World, pool: Pool) -> None:
        self.world = world
        self.pool = pool
        self.told: list[tuple[float, str, bool]] = []
        self.servers: dict[str, HttpServer] = {}
        self.checks: HealthChecks | None = None

    async def start(self, server_id: str) -> HttpServer:
        """Let the server listen (again)."""
        self.world.link(server_id).set_latency(0.0)
        self.servers[server_id] = await self.world.http_server(server_id)
        return self.servers[server_id]

    def note(self, event: Event) -> None:
        assert isinstance(event, ServerHealthChanged)
        self.told.append((event.at, event.server_id, event.is_healthy))

    def asked_at(self, server_id: str) -> list[float]:
        return self.asked[server_id]

    asked: dict[str, list[float]]


@asynccontextmanager
async def playing(
    world: World, *ids: str, down: tuple[str, ...] = (), **knobs: Any
) -> AsyncGenerator[Play, None]:
    """Probe servers of these ids; those that are ``down`` do not listen yet."""
    knobs.setdefault("health_check", STEADY)
    servers = tuple(config_of(world, server_id) for server_id in (*ids, *down))
    pool = Pool("api")
    pool.apply(PoolConfig(name="api", servers=servers, **knobs), world.env.now())
    play = Play(world, pool)
    play.asked = {each.id: [] for each in servers}
    for server_id in down:
        world.link(server_id).set_latency(0.0)
    for server_id in ids:
        server = await play.start(server_id)
        server.answer = noting(world, play.asked[server_id])
    async with open_watch(pool, world.env, play.note) as play.checks:
        yield play


def config_of(world: World, server_id: str, **knobs: Any) -> ServerConfig:
    address = Address(world.net.host(server_id).address, 8000)
    return ServerConfig(id=server_id, address=address, **knobs)


def noting(world: World, instants: list[float], status: int = 200) -> Callable[[object], bytes]:
    """An answer that notes when it was asked for."""

    def answer(_: object) -> bytes:
        instants.append(world.env.now())
        return answer_of(status)

    return answer


async def test_the_first_probe_goes_out_at_once_and_one_good_check_is_enough(
    world: World,
) -> None:
    async with playing(world, "s1", "s2") as play:
        await trio.sleep_until(0.5)
        assert sorted(play.told) == [(0.0, "s1", True), (0.0, "s2", True)]
        assert usable(play.pool) == ["s1", "s2"]


async def test_a_healthy_server_is_asked_each_interval(world: World) -> None:
    async with playing(world, "s1") as play:
        await trio.sleep_until(17.0)
        assert play.asked_at("s1") == [0.0, 5.0, 10.0, 15.0]
        assert member(play.pool, "s1").next_check_at == 20.0


async def test_falls_and_rises_at_the_exact_probes_of_the_fast_interval(world: World) -> None:
    async with playing(world, "s1", "s2") as play:
        await trio.sleep_until(7.0)
        await play.servers["s1"].crash()
        await trio.sleep_until(11.5)
        assert member(play.pool, "s1").state == "healthy"
        await trio.sleep_until(20.5)
        await play.start("s1")
        await trio.sleep_until(30.0)
    assert play.told[2:] == [(12.0, "s1", False), (22.0, "s1", True)]


async def test_a_first_check_that_fails_makes_a_server_unhealthy_at_once(world: World) -> None:
    async with playing(world, "s1", down=("s2",)) as play:
        await trio.sleep_until(0.5)
        assert (0.0, "s2", False) in play.told
        assert usable(play.pool) == ["s1"]


async def test_a_suspect_is_asked_at_once_and_then_each_fast_interval(world: World) -> None:
    async with playing(world, "s1", "s2") as play:
        await trio.sleep_until(7.25)
        await play.servers["s1"].crash()
        play.pool.observe(member(play.pool, "s1"), REFUSED, 7.25)
        await trio.sleep_until(20.0)
    assert play.told[2:] == [(9.25, "s1", False)]


async def test_a_server_that_refuses_request_after_request_is_out_in_a_fifth_of_a_second(
    world: World,
) -> None:
    async with playing(world, "s1", "s2") as play:
        await trio.sleep_until(7.0)
        await play.servers["s1"].crash()
        while member(play.pool, "s1").state == "healthy":
            play.pool.observe(member(play.pool, "s1"), REFUSED, world.env.now())
            await trio.sleep(0.01)
    (at, server_id, is_healthy) = play.told[-1]
    assert (server_id, is_healthy) == ("s1", False)
    assert at == pytest.approx(7.2)


async def test_a_suspicion_that_proves_wrong_costs_one_probe(world: World) -> None:
    async with playing(world, "s1") as play:
        await trio.sleep_until(7.0)
        play.pool.observe(member(play.pool, "s1"), REFUSED, 7.0)
        await trio.sleep_until(16.0)
        assert play.asked_at("s1") == [0.0, 5.0, 7.0, 12.0]
        assert len(play.told) == 1


async def test_a_suspicion_during_a_probe_leads_to_another_one(world: World) -> None:
    async with playing(world, "s1") as play:
        play.servers["s1"].think_seconds = 0.5
        await trio.sleep_until(5.25)
        play.pool.observe(member(play.pool, "s1"), REFUSED, 5.25)
        await trio.sleep_until(8.0)
        assert play.asked_at("s1") == [0.5, 5.5, 6.0], "it answers half a second later"


async def test_when_all_are_down_the_first_one_back_serves_within_a_second(world: World) -> None:
    async with playing(world, down=("s1", "s2")) as play:
        await trio.sleep_until(10.1)
        assert usable(play.pool) == []
        await play.start("s2")
        await trio.sleep_until(12.0)
    assert [told for told in play.told if told[2]] == [(10.5, "s2", True)]


async def test_probes_hurry_as_soon_as_the_last_usable_server_goes_out(world: World) -> None:
    async with playing(world, "s1") as play:
        world.link("s2").set_latency(0.0)
        await trio.sleep_until(1.0)
        play.pool.add_server(config_of(world, "s2"), 1.0)
        await trio.sleep_until(6.2)
        play.pool.drain_server("s1", 6.2, expires_at=None)
        await play.start("s2")
        await trio.sleep_until(6.6)
    assert play.told[-1] == (6.5, "s2", True)


async def test_a_server_that_hangs_fails_after_the_timeout_and_is_asked_again_at_once(
    world: World,
) -> None:
    async with playing(world, "s1", "s2") as play:
        await trio.sleep_until(6.0)
        play.servers["s1"].think_seconds = 60.0
        await trio.sleep_until(20.0)
    assert play.told[2:] == [(16.0, "s1", False)]
    health = member(play.pool, "s1").health
    assert health is not None
    assert health.last_error == "timed out after 2 s"


async def test_a_status_that_is_not_expected_says_so_in_the_event(world: World) -> None:
    reasons: list[str] = []
    async with playing(world, "s1", "s2") as play:
        await trio.sleep_until(1.0)
        play.servers["s1"].answer = lambda _: answer_of(503)
        await trio.sleep_until(9.5)
        health = member(play.pool, "s1").health
        assert health is not None
        reasons += [record.result.detail for record in health.history if not record.result.ok]
    assert reasons == ["status 503"] * 5


async def test_a_new_server_is_asked_at_once_and_gets_nothing_before_the_answer(
    world: World,
) -> None:
    async with playing(world, "s1") as play:
        await trio.sleep_until(3.0)
        late = await world.http_server("s2")
        world.link("s2").set_latency(0.25)
        play.pool.add_server(config_of(world, "s2"), 3.0)
        await trio.sleep_until(3.9)
        assert usable(play.pool) == ["s1"]
        await trio.sleep_until(4.1)
        assert usable(play.pool) == ["s1", "s2"]
    assert play.told[-1] == (4.0, "s2", True)
    assert len(late.requests) == 1


async def test_a_server_that_left_is_asked_no_more_even_while_its_probe_runs(
    world: World,
) -> None:
    async with playing(world, "s1", "s2") as play:
        play.servers["s2"].think_seconds = 1.5
        await trio.sleep_until(5.5)
        two = member(play.pool, "s2")
        assert len(play.servers["s2"].requests) == 2
        play.pool.remove_server("s2", 5.5)
        await trio.sleep_until(20.0)
        assert len(play.servers["s2"].requests) == 2
        assert two.next_check_at is None


async def test_a_plan_may_switch_probes_off_and_on_and_change_their_pace(world: World) -> None:
    async with playing(world, "s1") as play:
        await trio.sleep_until(6.0)
        pool, pace = play.pool, HealthCheckConfig(interval=2.0, jitter_fraction=0.0)
        pool.apply(attrs.evolve(pool.config, health_check=pace), 6.0)
        await trio.sleep_until(10.0)
        off = HealthCheckConfig(enabled=False)
        pool.apply(attrs.evolve(pool.config, health_check=off), 10.0)
        await trio.sleep_until(15.5)
        pool.apply(attrs.evolve(pool.config, health_check=pace), 15.5)
        await trio.sleep_until(19.0)
        assert play.asked_at("s1") == [0.0, 5.0, 7.0, 9.0, 15.5, 17.5]


async def test_waits_are_jittered_by_a_tenth_either_way(world: World) -> None:
    async with playing(world, "s1", health_check=HealthCheckConfig()) as play:
        await trio.sleep_until(200.0)
        asked = play.asked_at("s1")
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert all(4.5 <= wait <= 5.5 for wait in waits)
    assert len(set(waits)) == len(waits) > 30


async def test_first_probes_of_very_many_servers_are_spread_over_a_second(world: World) -> None:
    ids = tuple(f"s{number}" for number in range(100))
    async with playing(world, down=ids) as play:
        await trio.sleep_until(SPREAD_SECONDS)
        instants = [at for at, _, is_healthy in play.told if not is_healthy]
    assert len(set(instants)) == 100
    assert max(instants) <= SPREAD_SECONDS


async def test_hurry_is_bounded_for_very_many_servers(world: World) -> None:
    ids = tuple(f"s{number}" for number in range(400))
    async with playing(world, down=ids) as play:
        await trio.sleep_until(21.0)
        counts = [len(each.health.history) for each in play.pool.members if each.health]
    assert sum(counts) <= 400 + 20 * MOST_FAST_PER_SECOND
    assert min(counts) >= 10


async def test_a_check_by_hand_counts(world: World) -> None:
    async with playing(world, "s1", "s2") as play:
        await trio.sleep_until(1.0)
        await play.servers["s1"].crash()
        assert play.checks is not None
        for _ in range(3):
            result = await play.checks.check(member(play.pool, "s1"))
            assert (result.ok, result.detail) == (False, "connect refused")
    assert play.told[-1] == (1.0, "s1", False)


async def test_garbage_and_silence_are_failed_checks(world: World) -> None:
    async def garbage(peer: RawPeer) -> None:
        await peer.send(b"\x00\x01 what is this\r\n\r\n")
        await peer.expect_rest()

    server = await world.server("s1", garbage)
    pool, told = Pool("api"), list[Event]()
    config = ServerConfig(id="s1", address=server.address)
    pool.apply(PoolConfig(name="api", servers=(config,), health_check=STEADY), 0.0)
    async with open_watch(pool, world.env, told.append):
        await trio.sleep_until(0.1)
    assert brief(told) == ["server_health_changed s1"]
    assert isinstance(told[0], ServerHealthChanged)
    assert told[0].reason.startswith("first check failed: not HTTP: ")


async def test_a_prober_that_crashes_is_started_anew_and_leaves_the_others_alone(
    world: World,
) -> None:
    supervisor, crashes = Supervisor(world.env), [OSError("full")]

    def publish(event: Event) -> None:
        assert isinstance(event, ServerHealthChanged)
        if event.server_id == "s2" and crashes:
            raise crashes.pop()

    first, second = await world.http_server("s1"), await world.http_server("s2")
    pool = Pool("api")
    servers = (config_of(world, "s1"), config_of(world, "s2"))
    pool.apply(PoolConfig(name="api", servers=servers, health_check=STEADY), 0.0)
    async with open_watch(pool, world.env, publish, supervisor=supervisor):
        await trio.sleep_until(12.0)
    assert supervisor.statistics().crashes == {"probe of api/s2": 1}
    assert (len(first.requests), len(second.requests)) == (3, 4)


async def test_after_its_block_a_pool_s_hooks_are_free_again(world: World) -> None:
    async with playing(world, "s1") as play:
        await trio.sleep_until(1.0)
    play.pool.observe(member(play.pool, "s1"), REFUSED, 1.0)
    play.pool.apply(plan(2), 2.0)
    assert [each.id for each in play.pool.members] == ["s1", "s2"]


async def test_a_server_s_own_check_has_a_pace_and_thresholds_of_its_own(world: World) -> None:
    async with playing(world, "s1") as play:
        await play.start("s2")
        play.servers["s2"].answer = noting(world, play.asked.setdefault("s2", []))
        own = attrs.evolve(STEADY, interval=2.0, unhealthy_threshold=1, path="/deep")
        play.pool.add_server(config_of(world, "s2", health_check=own), 0.0)
        await trio.sleep_until(9.0)
        await play.servers["s1"].crash()
        await play.servers["s2"].crash()
        await trio.sleep_until(20.0)
        assert play.asked_at("s1") == [0.0, 5.0]
        assert play.asked_at("s2") == [0.0, 2.0, 4.0, 6.0, 8.0]
        assert {each.target for each in play.servers["s2"].requests} == {"/deep"}
    assert play.told[2:] == [(10.0, "s2", False), (12.0, "s1", False)]


async def test_a_server_may_be_probed_in_a_pool_that_is_not(world: World) -> None:
    async with playing(world, "s1", health_check=HealthCheckConfig(enabled=False)) as play:
        await play.start("s2")
        play.servers["s2"].answer = noting(world, play.asked.setdefault("s2", []))
        play.pool.add_server(config_of(world, "s2", health_check=STEADY), 0.0)
        await trio.sleep_until(6.0)
        assert (play.asked_at("s1"), play.asked_at("s2")) == ([], [0.0, 5.0])
        config = config_of(world, "s2")
        play.pool.update_server(config, 6.0)
        await trio.sleep_until(16.0)
        assert play.asked_at("s2") == [0.0, 5.0]
