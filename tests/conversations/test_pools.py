"""Several pools behind one balancer: each has its servers, its rules, and its own failures."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import trio

from tests.app.test_front import shown, tls_client
from tests.conversations.play import GET, LAST_GET, Play, hang, patient, until
from tests.net.identities import write_ca
from tests.support.messages import Message
from tests.support.servers import HttpServer, answer_of
from tests.support.world import World
from trio_lb.app import open_load_balancer
from trio_lb.config.schema import ListenerTls
from trio_lb.model.address import Address
from trio_lb.model.events import CircuitBreakerOpened, Event, ServerHealthChanged
from trio_lb.sim.link import Connects


@asynccontextmanager
async def open_pools(
    world: World, listeners: Sequence[dict[str, Any]] = (), **pools: dict[str, Any]
) -> AsyncGenerator[tuple[Play, list[Address]], None]:
    """A balancer with these pools and, when nothing is said of listeners, one for each of them."""
    wanted = listeners or [{"pool": name} for name in pools]
    for host in ["client", *(one["id"] for pool in pools.values() for one in pool["servers"])]:
        world.net.link("lb", host).set_latency(0.0)
    plan = {
        "listeners": [
            {"bind": str(world.stage.bind("lb", 80 + number)), **each}
            for number, each in enumerate(wanted)
        ],
        "pools": pools,
    }
    async with open_load_balancer(plan, env=world.env) as lb, trio.open_nursery() as nursery:
        news: list[Event] = []
        lb.on(Event, news.append)
        fronts = await nursery.start(lb.serve)
        yield Play(world, lb, news), fronts
        nursery.cancel_scope.cancel()


def servers(*made: HttpServer, **own: Any) -> list[dict[str, Any]]:
    return [{"id": each.name, "address": str(each.address), **own} for each in made]


async def ask(play: Play, front: Address) -> int:
    play.world.front = front
    return int((await play.ask()).start.split()[1])


async def test_each_pool_has_servers_weights_and_an_algorithm_of_its_own(world: World) -> None:
    names = ["a1", "a2", "b1", "b2"]
    a1, a2, b1, b2 = [await world.http_server(name) for name in names]
    heavy = [*servers(b1, weight=3), *servers(b2)]
    async with open_pools(
        world,
        a={"servers": servers(a1, a2)},
        b={"servers": heavy, "algorithm": "weighted_round_robin"},
    ) as (play, (first, second)):
        for front in [first, second] * 8:
            assert await ask(play, front) == 200
        assert [len(each.requests) for each in (a1, a2, b1, b2)] == [4, 4, 6, 2]


async def test_a_pool_has_timeouts_retries_and_a_breaker_of_its_own(world: World) -> None:
    """In pool b alone an answer must come within 2 s, at the first try; two failures trip it."""
    slow = [await world.http_server(name) for name in ("a1", "b1")]
    for each in slow:
        each.think_seconds = 3.0
    b = {
        "servers": servers(slow[1]),
        "timeouts": {"first_byte": "2s"},
        "retry": {"max_retries": 0},
        "circuit_breaker": {"failure_threshold": 2},
        "outlier_detection": False,
    }
    async with open_pools(world, a={"servers": servers(slow[0])}, b=b) as (play, (first, second)):
        assert (await ask(play, first), trio.current_time()) == (200, 3.0)
        assert (await ask(play, second), trio.current_time()) == (504, 5.0)
        assert (await ask(play, second), trio.current_time()) == (504, 7.0)
        assert [each.server_id for each in play.told(CircuitBreakerOpened)] == ["b1"]
        assert (await ask(play, second), trio.current_time()) == (503, 7.0)
        assert (await ask(play, first), trio.current_time()) == (200, 10.0)


async def test_a_pool_has_a_time_to_connect_of_its_own(world: World) -> None:
    a1, b1 = await world.http_server("a1"), await world.http_server("b1")
    once = {"retry": {"max_retries": 0}, "outlier_detection": False}
    async with open_pools(
        world,
        a={"servers": servers(a1), **once},
        b={"servers": servers(b1), "timeouts": {"connect": "0.5s"}, **once},
    ) as (play, (first, second)):
        world.link("a1").connects = world.link("b1").connects = Connects.BLACKHOLE
        assert (await ask(play, second), trio.current_time()) == (504, 0.5)
        assert (await ask(play, first), trio.current_time()) == (504, 3.5)


async def test_a_pool_s_tunnels_may_be_silent_for_a_time_of_their_own(world: World) -> None:
    """Databases idle for longer than browsers: the one pool's hour is the other's day."""
    made = [await world.server(name, patient(hang)) for name in ("a1", "b1")]
    a, b = ({"servers": [{"id": one.name, "address": str(one.address)}]} for one in made)
    listeners = [{"pool": "a", "protocol": "tcp"}, {"pool": "b", "protocol": "tcp"}]
    async with open_pools(world, listeners, a=a, b={**b, "timeouts": {"tunnel_idle": "2h"}}) as (
        play,
        fronts,
    ):
        ended: list[float] = []

        async def idle(front: Address) -> None:
            client = await world.client(front)
            await client.expect_reset()
            ended.append(trio.current_time())

        async with trio.open_nursery() as nursery:
            for front in fronts:
                nursery.start_soon(idle, front)
        assert ended == [3600.0, 7200.0]
        assert play.errors() == ["tunnel_idle", "tunnel_idle"]


async def test_a_server_has_a_check_path_and_an_interval_of_its_own(world: World) -> None:
    asked: dict[tuple[str, str], list[float]] = {}

    async def server(name: str) -> HttpServer:
        def answer(request: Message) -> bytes:
            asked.setdefault((name, request.target), []).append(trio.current_time())
            return answer_of(200, b"")

        made = await world.http_server(name)
        made.answer = answer
        return made

    own = {"health_check": {"path": "/own", "interval": "3s"}}
    pool = {
        "health_check": {"path": "/all", "interval": "5s", "jitter_fraction": 0},
        "servers": [*servers(await server("s1")), *servers(await server("s2"), **own)],
    }
    async with open_pools(world, a=pool):
        await trio.sleep(10.5)
    gaps = {who: {b - a for a, b in pairwise(times)} for who, times in asked.items()}
    assert gaps == {("s1", "/all"): {5.0}, ("s2", "/own"): {3.0}}


async def test_http_and_https_are_served_at_the_same_time(world: World, tmp_path: Path) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    ssl = ListenerTls(certificates=shown(tmp_path, "a"))
    listeners: list[dict[str, Any]] = [
        {"pool": "a"},
        {"pool": "b", "protocol": "https", "ssl": _as_given(ssl)},
    ]
    async with open_pools(
        world, listeners, a={"servers": servers(s1)}, b={"servers": servers(s2)}
    ) as (play, (plain, encrypted)):
        assert await ask(play, plain) == 200
        play.world.front = encrypted
        write_ca(tmp_path)
        client = await tls_client(play, tmp_path, "a.test")
        await client.send(GET)
        assert (await client.read_response()).body == b"s2"
        assert await ask(play, plain) == 200, "while the other is open"
        await client.send(LAST_GET)
        assert (await client.read_response()).body == b"s2"
        await client.close()


def _as_given(ssl: ListenerTls) -> dict[str, Any]:
    return {
        "certificates": [
            {"certificate": each.certificate, "private_key": each.private_key}
            for each in ssl.certificates
        ]
    }


async def test_a_pool_whose_servers_all_fail_harms_no_other(world: World) -> None:
    a1, b1 = await world.http_server("a1"), await world.http_server("b1")
    check = {"path": "/", "interval": "2s", "jitter_fraction": 0}
    async with open_pools(
        world,
        a={"servers": servers(a1), "health_check": check, "fail_open": False},
        b={"servers": servers(b1), "health_check": check},
    ) as (play, (first, second)):
        await play.settle()
        a1.answer = lambda request: answer_of(500, b"")
        await until(lambda: bool(play.told(ServerHealthChanged)[2:]))
        assert (await ask(play, first), await ask(play, second)) == (503, 200)
