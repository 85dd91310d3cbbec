"""Policies at work together: a breaker, ejection, slow start, drains, limits, tiers and hashes in one pool."""

from collections import Counter

import attrs
import pytest
import trio

from tests.conversations.play import Play, open_play, quick_retries, until
from tests.support.servers import HttpServer, answer_of
from tests.support.world import World
from trio_lb.config.schema import (
    BreakerConfig,
    HealthCheckConfig,
    OutlierConfig,
    RetryConfig,
    ServerConfig,
)
from trio_lb.model.events import (
    CircuitBreakerHalfOpened,
    CircuitBreakerOpened,
    CircuitBreakerReset,
    FailOpenEntered,
    FailOpenLeft,
    NoHealthyServers,
    RequestRetried,
    ServerDrained,
    ServerDraining,
    ServerEjected,
    ServerReadmitted,
)
from trio_lb.sim.link import Connects

PROMPT = HealthCheckConfig(interval=5.0, fast_interval=1.0, jitter_fraction=0.0)
OFF = OutlierConfig(enabled=False)
ONCE = RetryConfig(max_retries=0)


def server(made: HttpServer, **own: object) -> ServerConfig:
    return ServerConfig(id=made.name, address=made.address, **own)  # type: ignore[arg-type] # mypy can't spread.


def asked(*servers: HttpServer) -> list[int]:
    return [len(each.requests) for each in servers]


async def statuses(play: Play, count: int) -> Counter[int]:
    return Counter([(await play.ask()).status for _ in range(count)])


# ---------------------------------------------------------------------- who is out, and why


async def test_an_ejected_server_whose_breaker_opened_too_returns_when_both_let_it(
    world: World,
) -> None:
    """Ejected for 5 s, open for 20 s: the later of the two decides, and a trial comes first."""
    s1, s2 = [await world.http_server(name) for name in ("s1", "s2")]
    s1.answer = lambda request: answer_of(500)
    async with open_play(
        world,
        s1,
        s2,
        retry=ONCE,
        outlier=OutlierConfig(consecutive_failures=3, base_ejection_time=5.0),
        pool={
            "circuit_breaker": BreakerConfig(
                failure_threshold=3, threshold=None, timeout=20.0, success_threshold=1
            )
        },
    ) as play:
        assert await statuses(play, 6) == {200: 3, 500: 3}
        assert [event.at for event in play.told(CircuitBreakerOpened)] == [0.0]
        assert [event.at for event in play.told(ServerEjected)] == [0.0]
        s1.answer = lambda request: answer_of(200)
        await trio.sleep_until(19.9)
        assert [event.server_id for event in play.told(ServerReadmitted)] == ["s1"]
        await statuses(play, 4)
        assert asked(s1, s2) == [3, 7], "its breaker is still open"
        await trio.sleep_until(20.0)
        assert await statuses(play, 4) == {200: 4}
        assert [event.at for event in play.told(CircuitBreakerHalfOpened)] == [20.0]
        assert [event.at for event in play.told(CircuitBreakerReset)] == [20.0]
        assert asked(s1, s2) == [5, 9]


async def test_who_comes_back_from_a_breaker_or_an_ejection_starts_slowly(world: World) -> None:
    s1, s2 = [await world.http_server(name) for name in ("s1", "s2")]
    s1.answer = lambda request: answer_of(500)
    async with open_play(
        world,
        s1,
        s2,
        algorithm="weighted_round_robin",
        retry=ONCE,
        outlier=OutlierConfig(consecutive_failures=3, base_ejection_time=5.0),
        pool={"slow_start": 100.0},
    ) as play:
        await statuses(play, 6)
        s1.answer = lambda request: answer_of(200)
        await until(lambda: bool(play.told(ServerReadmitted)))
        before = asked(s1, s2)
        await statuses(play, 110)
        first = [now - then for now, then in zip(asked(s1, s2), before, strict=True)]
        assert first == [10, 100], "a tenth of its share, where ten times as much is the other's"
        await trio.sleep(101.0)
        before = asked(s1, s2)
        await statuses(play, 20)
        assert [n - t for n, t in zip(asked(s1, s2), before, strict=True)] == [10, 10]


async def test_a_draining_server_s_breaker_and_limit_are_nobody_s_business(world: World) -> None:
    """It finishes what it has; the full one is passed over; the third takes the rest."""
    s1, s2, s3 = [await world.http_server(name) for name in ("s1", "s2", "s3")]
    s1.think_seconds = s2.think_seconds = 10.0
    async with (
        open_play(
            world, server(s1), server(s2, max_connections=1), server(s3), outlier=OFF
        ) as play,
        trio.open_nursery() as nursery,
    ):
        for _ in range(2):
            nursery.start_soon(play.ask)
            await play.settle()
        assert [one.active_connections for one in play.lb.servers()] == [1, 1, 0]
        drained: list[bool] = []

        async def drain() -> None:
            drained.append(await play.lb.drain("s1"))

        nursery.start_soon(drain)
        await play.settle()
        assert await statuses(play, 5) == {200: 5}
        assert asked(s1, s2, s3) == [1, 1, 5]
        await until(lambda: bool(drained))
        assert drained == [True]
        assert [event.at for event in play.told(ServerDraining)] == [0.0]
        assert [event.clean for event in play.told(ServerDrained)] == [True]
        assert 10.0 <= play.told(ServerDrained)[0].at < 10.01
        assert await statuses(play, 2) == {200: 2}


async def test_the_503_counts_each_server_under_one_reason(world: World) -> None:
    made = [await world.http_server(f"s{n}") for n in range(1, 6)]
    made[1].think_seconds = 10.0
    made[2].answer = lambda request: answer_of(500)
    async with (
        open_play(
            world,
            server(made[0], disabled=True),
            server(made[1], max_connections=1),
            server(made[2]),
            server(made[3]),
            server(made[4]),
            retry=ONCE,
            outlier=OutlierConfig(consecutive_failures=2, max_ejection_fraction=1.0),
        ) as play,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(play.ask)
        await play.settle()
        while not play.told(ServerEjected):
            await play.ask()
        play.lb.breaker("s4").open()
        nursery.start_soon(play.lb.drain, "s5")
        await play.settle()
        answer = await play.ask()
        assert answer.status == 503
        assert (
            b"no healthy server has room, of 5 (1 at max_connections, 1 circuit breaker open,"
            b" 1 disabled, 1 draining, 1 ejected)" in answer.body
        )
        assert play.told(NoHealthyServers)
        nursery.cancel_scope.cancel()


# ---------------------------------------------------------------------- hashes and retries


@pytest.mark.parametrize("algorithm", ["consistent_hash", "maglev", "rendezvous", "ip_hash"])
async def test_a_key_whose_server_fails_is_tried_again_at_one_other(
    world: World, algorithm: str
) -> None:
    """Five failures eject; each is retried where the one before was. Around the ring it stays."""
    made = [await world.http_server(f"s{n}") for n in range(1, 6)]
    async with open_play(
        world, *made, algorithm=algorithm, retry=quick_retries(), pool={"hash_balance_factor": None}
    ) as play:
        assert (await play.ask()).status == 200
        (first,) = [one for one in made if one.requests]
        await first.crash()
        assert await statuses(play, 5) == {200: 5}
        (second,) = [one for one in made if one.requests and one is not first]
        assert [event.server_id for event in play.told(RequestRetried)] == [first.name] * 5
        assert [event.server_id for event in play.told(ServerEjected)] == [first.name]
        assert await statuses(play, 3) == {200: 3}
        assert len(play.told(RequestRetried)) == 5, "it is out: nobody has to try"
        if algorithm == "consistent_hash":
            assert len(second.requests) == 8, "the ring's next is the owner now"


# ---------------------------------------------------------------------- tiers


async def test_a_backup_serves_while_the_others_are_out_and_not_a_request_longer(
    world: World,
) -> None:
    s1, s2, b1 = [await world.http_server(name) for name in ("s1", "s2", "b1")]
    async with open_play(
        world, server(s1), server(s2), server(b1, backup=True), health_check=PROMPT,
        retry=quick_retries(),
    ) as play:  # fmt: skip
        await play.settle()
        for one in (s1, s2):
            await one.stop_listening()
            for peer in one.peers:
                peer.reset()
        await until(lambda: not play.server("s1").is_usable and not play.server("s2").is_usable)
        assert not play.told(FailOpenEntered), "who refuses is dead"
        count = len(b1.requests)
        assert await statuses(play, 4) == {200: 4}
        assert len(b1.requests) - count >= 4


async def test_a_higher_priority_number_waits_its_turn_and_is_left_at_once(world: World) -> None:
    s1, s2, s3 = [await world.http_server(name) for name in ("s1", "s2", "s3")]
    async with open_play(
        world,
        server(s3, priority=2),
        server(s2, priority=1),
        server(s1, priority=0),
    ) as play:
        order = [(await play.ask()).body]
        for name, healthy in (("s1", False), ("s2", False), ("s1", None)):
            play.lb.health.set(name, healthy=healthy)
            order.append((await play.ask()).body)
        assert order == [b"s1", b"s2", b"s3", b"s1"]


async def test_a_whole_zone_that_fails_its_checks_is_held_until_requests_disprove_it(
    world: World,
) -> None:
    """Zone a's checks fail together while it serves: it stays in. Then it dies, and the backup
    serves alone after three requests that got no answer there."""
    made = [await world.http_server(name) for name in ("a1", "a2", "b1")]
    a1, a2, b1 = made
    async with open_play(
        world,
        server(a1, zone="a"),
        server(a2, zone="a"),
        server(b1, zone="b", backup=True),
        health_check=attrs.evolve(PROMPT, path="/health"),
        retry=quick_retries(),
        outlier=OFF,
    ) as play:
        await play.settle()
        for one in (a1, a2):
            one.answer = lambda request: answer_of(500 if request.target == "/health" else 200)
        await until(lambda: bool(play.told(FailOpenEntered)))
        assert await statuses(play, 4) == {200: 4}
        assert [r.target for r in b1.requests if r.target != "/health"] == [], "it needs no backup"
        for one in (a1, a2):
            world.link(one.name).connects = Connects.BLACKHOLE
            for peer in one.peers:
                peer.reset()
        dead_since = trio.current_time()
        assert await statuses(play, 3) == {200: 3}
        assert len(play.told(FailOpenLeft)) == 1
        assert trio.current_time() == dead_since + 3 * (3.0 + 3.0), "three connects to each of two"
        begun = trio.current_time()
        assert await statuses(play, 4) == {200: 4}
        assert trio.current_time() == begun, "nobody is sent to the dead any more"


async def test_fail_open_sends_nobody_to_whom_a_person_or_a_breaker_keeps_out(
    world: World,
) -> None:
    made = [await world.http_server(f"s{n}") for n in range(1, 5)]
    async with open_play(
        world, *made, health_check=attrs.evolve(PROMPT, path="/health"), outlier=OFF,
        pool={"fail_open": "true"},
    ) as play:  # fmt: skip
        await play.settle()
        for one in made:
            one.answer = lambda request: answer_of(500 if request.target == "/health" else 200)
        await until(lambda: bool(play.told(FailOpenEntered)))
        play.lb.health.set("s1", healthy=False)
        play.lb.breaker("s2").open()
        play.lb.update_server("s3", disabled=True)
        assert await statuses(play, 4) == {200: 4}
        served = {one.name for one in made if any(r.target == "/" for r in one.requests)}
        assert served == {"s4"}
