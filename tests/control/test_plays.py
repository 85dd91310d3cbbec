"""Plays of the whole control path: pool, probes and timers together, in virtual time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from tests.control.watching import open_watch
from tests.state.books import ERROR, OK, REFUSED, brief, eject, member, usable
from tests.support.world import World
from trio_lb.config.schema import Config, HealthCheckConfig, PoolConfig, ServerConfig
from trio_lb.control.timers import open_timers
from trio_lb.model.address import Address
from trio_lb.model.events import Event, ServerEjected
from trio_lb.net.bus import Bus
from trio_lb.state.pool import Pool
from trio_lb.state.registry import Registry

STEADY = HealthCheckConfig(jitter_fraction=0.0)


class Play:
    """A registry with the pool ``api`` under full control; ``told`` is the timeline."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.registry = Registry()
        self.told: list[tuple[float, str]] = []

    @property
    def pool(self) -> Pool:
        return self.registry.pool("api")

    def note(self, event: Event) -> None:
        self.told.extend((event.at, text) for text in brief([event]))

    def plan(self, *ids: str) -> Config:
        servers = tuple(
            ServerConfig(id=each, address=Address(self.world.net.host(each).address, 8000))
            for each in ids
        )
        pool = PoolConfig(name="api", servers=servers, health_check=STEADY)
        return Config(pools={"api": pool}, drain_timeout=30.0)


@asynccontextmanager
async def playing(world: World, *ids: str) -> AsyncGenerator[Play, None]:
    """Run the control path over servers without latency that are well."""
    play, bus = Play(world), Bus()
    bus.on(Event, play.note)
    for each in ids:
        world.link(each).set_latency(0.0)
        await world.http_server(each)
    play.registry.apply(play.plan(*ids), world.env.now())
    async with open_timers(world.env, bus.publish) as timers:
        play.pool.on_deadline_moved = timers.touch
        async with open_watch(play.pool, world.env, bus.publish):
            await trio.sleep_until(1.0)
            play.told.clear()
            yield play


async def test_an_ejection_ends_exactly_five_seconds_after_it_began(world: World) -> None:
    async with playing(world, "s1", "s2") as play:
        await trio.sleep_until(7.25)
        (ejected,) = eject(play.pool, "s1", 7.25)
        assert isinstance(ejected, ServerEjected)
        await trio.sleep_until(12.125)
        assert usable(play.pool) == ["s2"]
        await trio.sleep_until(20.0)
        assert usable(play.pool) == ["s1", "s2"]
    assert play.told == [(12.25, "server_readmitted s1")]


async def test_a_drain_is_complete_in_the_instant_of_the_last_release(world: World) -> None:
    async with playing(world, "s1", "s2") as play:
        one = member(play.pool, "s1")
        with one.lease():
            for event in play.pool.drain_server("s1", 1.0, expires_at=31.0):
                play.note(event)
            await trio.sleep_until(9.875)
        await trio.sleep_until(40.0)
    assert play.told == [(1.0, "server_draining s1"), (9.875, "server_drained s1")]


async def test_a_drain_ends_at_its_limit_with_the_request_still_there(world: World) -> None:
    async with playing(world, "s1", "s2") as play:
        with member(play.pool, "s1").lease():
            play.pool.drain_server("s1", 1.0, expires_at=31.0)
            await trio.sleep_until(40.0)
    assert play.told == [(31.0, "server_drained s1")]


async def test_a_reload_keeps_what_stays_and_lets_go_what_goes(world: World) -> None:
    async with playing(world, "s1", "s2") as play:
        world.link("s3").set_latency(0.0)
        await world.http_server("s3")
        kept = member(play.pool, "s2")
        with member(play.pool, "s1").lease():
            for event in play.registry.apply(play.plan("s2", "s3"), 1.0):
                play.note(event)
            await trio.sleep_until(4.5)
            assert usable(play.pool) == ["s2", "s3"]
        await trio.sleep_until(5.0)
        assert member(play.pool, "s2") is kept
        assert kept.state == "healthy"
    assert play.told == [
        (1.0, "server_added s3"),
        (1.0, "server_draining s1"),
        (1.0, "config_updated"),
        (1.0, "server_health_changed s3"),
        (4.5, "server_drained s1"),
        (4.5, "server_removed s1"),
    ]


async def test_a_killed_server_is_out_within_a_second_and_back_with_its_second_good_check(
    world: World,
) -> None:
    """Requests at 50 a second, in turn; what meets the dead server goes to the other."""
    async with playing(world, "s1", "s2") as play:
        pool, failed = play.pool, 0
        dead_from, back_from = 7.0, 12.5
        world.link("s1").reset()
        address = member(pool, "s1").address
        listener = next(each for each in world.net.open_listeners() if each.address == address)
        await trio.sleep_until(dead_from)
        await listener.aclose()
        for step in range(500):
            now = dead_from + step / 50
            await trio.sleep_until(now)
            if now == back_from:
                await world.http_server("s1")
            target = pool.usable[step % len(pool.usable)]
            refused = target.id == "s1" and now < back_from
            failed += refused
            for event in pool.observe(target, REFUSED if refused else OK, now):
                play.note(event)
    assert [(round(at, 3), text) for at, text in play.told] == [
        (7.16, "server_ejected s1"),  # the fifth refusal
        (7.2, "server_health_changed s1"),  # the third probe since the first refusal
        (12.16, "server_readmitted s1"),  # which changes nothing: its probes still fail
        (14.2, "server_health_changed s1"),  # the second good one of a probe a second
    ]
    assert (failed, usable(pool)) == (5, ["s1", "s2"])


async def test_errors_of_all_servers_at_once_eject_nobody(world: World) -> None:
    async with playing(world, "s1", "s2") as play:
        for step in range(100):
            target = play.pool.usable[step % 2]
            assert list(play.pool.observe(target, ERROR, world.env.now())) == []
            await trio.sleep(0.01)
        assert usable(play.pool) == ["s1", "s2"]
