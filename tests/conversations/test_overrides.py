"""A server's own settings over its pool's, given at the start, changed in place, taken back."""

from itertools import pairwise
from pathlib import Path

import attrs
import trio

from tests.conversations.play import open_play
from tests.net.identities import write_ca
from tests.support.messages import Message
from tests.support.servers import HttpServer, answer_of
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig, ServerConfig, UpstreamTls
from trio_lb.model.events import RequestRetried

POOL_CHECK = HealthCheckConfig(path="/pool", interval=10.0, jitter_fraction=0.0)


def noting(server: HttpServer) -> list[tuple[float, str]]:
    """Note when a server is asked for what, and answer well."""
    asked: list[tuple[float, str]] = []

    def answer(request: Message) -> bytes:
        asked.append((round(trio.current_time(), 3), request.target))
        return answer_of(200)

    server.answer = answer
    return asked


async def seconds_pass(asked: list[tuple[float, str]], seconds: float) -> list[tuple[float, str]]:
    """What was asked in the next seconds, counted from now."""
    begun = trio.current_time()
    asked.clear()
    await trio.sleep(seconds)
    return [(round(at - begun, 3), what) for at, what in asked]


async def test_a_server_gets_a_check_of_its_own_in_place_and_gives_it_back(world: World) -> None:
    s1 = await world.http_server("s1")
    asked = noting(s1)
    async with open_play(world, s1, health_check=POOL_CHECK) as play:
        await trio.sleep(1.0)
        assert asked == [(0.0, "/pool")]
        play.lb.update_server("s1", health_check={"path": "/own", "interval": 3})
        heard = await seconds_pass(asked, 19.5)
        assert {what for _, what in heard} == {"/own"}
        gaps = [round(b - a, 3) for (a, _), (b, _) in pairwise(heard)]
        assert set(gaps) == {3.0}
        assert heard[0][0] <= 3.0, "the new interval counts from the next check on"
        play.lb.update_server("s1", health_check=None)
        heard = await seconds_pass(asked, 35.0)
        assert {what for _, what in heard} == {"/pool"}
        assert play.server("s1").is_usable


async def test_one_server_s_checks_are_switched_off_and_on(world: World) -> None:
    """Off, it takes requests unasked; on again, it stays in service until a check fails."""
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    asked = noting(s1)
    async with open_play(world, s1, s2, health_check=POOL_CHECK) as play:
        await trio.sleep(1.0)
        play.lb.update_server("s1", health_check={"enabled": False})
        assert await seconds_pass(asked, 60.0) == []
        assert play.server("s1").is_usable
        play.lb.update_server("s1", health_check={"enabled": True})
        assert play.server("s1").is_usable
        assert {what for _, what in await seconds_pass(asked, 25.0)} == {"/pool"}


async def test_a_pool_s_new_check_reaches_those_without_one_of_their_own(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    first, second = noting(s1), noting(s2)
    own = ServerConfig(
        id="s2", address=s2.address, health_check=attrs.evolve(POOL_CHECK, path="/own")
    )
    async with open_play(world, s1, own, health_check=POOL_CHECK) as play:
        await trio.sleep(1.0)
        play.lb.update_config(health_check={"path": "/new"})
        second.clear()
        assert {what for _, what in await seconds_pass(first, 25.0)} == {"/new"}
        assert {what for _, what in second} == {"/own"}


async def test_a_new_server_is_asked_at_once_as_its_own_check_says(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    asked = noting(s2)
    async with open_play(world, s1, health_check=POOL_CHECK) as play:
        await trio.sleep(1.0)
        world.link("s2").set_latency(0.0)
        play.lb.add_server(id="s2", address=str(s2.address), health_check={"path": "/own"})
        assert not play.server("s2").is_usable
        await play.settle()
        assert asked == [(1.0, "/own")]
        assert play.server("s2").is_usable


async def test_a_server_that_moves_is_another_server_with_all_that_was_said_of_it(
    world: World,
) -> None:
    """Weight, metadata and check stay; health and counts are the new one's own."""
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    asked = noting(s2)
    own = ServerConfig(
        id="api", address=s1.address, weight=7, metadata={"a": 1},
        health_check=attrs.evolve(POOL_CHECK, path="/own"),
    )  # fmt: skip
    async with open_play(world, own, health_check=POOL_CHECK) as play:
        await trio.sleep(1.0)
        assert (await play.ask()).body == b"s1"
        world.link("s2").set_latency(0.0)
        moved = play.lb.update_server("api", address=str(s2.address))
        assert (moved.weight, moved.metadata, moved.requests) == (7, {"a": 1}, 0)
        await play.settle()
        assert [what for _, what in asked] == ["/own"]
        assert (await play.ask()).status == 200
        assert [one.id for one in play.lb.servers()] == ["api"]


async def test_a_server_s_own_tls_is_looked_at_before_its_pool_s(
    world: World, tmp_path: Path
) -> None:
    """A pool that speaks TLS may hold a server that does not, and the other way round."""
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    plain = ServerConfig(id="s1", address=s1.address, tls=UpstreamTls(enabled=False))
    pool = {"tls": UpstreamTls(ca=write_ca(tmp_path), server_name="s2.test")}
    async with open_play(world, plain, s2, pool=pool) as play:
        answers = [(await play.ask()).status for _ in range(4)]
        assert answers == [200, 200, 200, 200], "s2 does not speak TLS: its turns went to s1"
        assert play.server("s2").failures == len(play.told(RequestRetried)) > 0
        play.lb.update_server("s2", tls={"enabled": False})
        assert {(await play.ask()).body for _ in range(2)} == {b"s1", b"s2"}
