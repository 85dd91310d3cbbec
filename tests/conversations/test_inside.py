"""Faults inside the proxy, and requests that come back to it: one connection pays, no other."""

import logging
from collections.abc import Iterator, Sequence

import pytest
import trio

from tests.conversations.play import (
    GET,
    LAST_GET,
    OLD_GET,
    POST,
    Play,
    answering,
    hang,
    open_play,
    until,
)
from tests.support.world import World
from trio_lb.config.schema import ServerConfig
from trio_lb.model.address import Address
from trio_lb.model.events import Event, RequestCompleted, RequestFailed, ServerSelected
from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Context
from trio_lb.policy.balance.rotation import RoundRobin
from trio_lb.proxy.connection import ClientConnection


class Trap(RoundRobin):
    """A balancer with a bug that the trap's owner switches on."""

    armed = False

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Raise when armed."""
        if self.armed:
            raise ZeroDivisionError("a bug in a balancer")
        return super().order(candidates, context, rng)


def trapped(play: Play) -> Trap:
    trap = play.lb.registry.pool("default").balancer = Trap()
    return trap


async def test_a_bug_costs_the_connection_that_met_it_and_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 5.0
    async with open_play(world, s1) as play:
        trap = trapped(play)
        others = [await play.client() for _ in range(3)]
        for other in others:
            await other.send(GET)
        idle = await play.client()
        await play.settle()
        trap.armed = True
        victim = await play.client()
        await victim.send(GET)
        answer = await victim.read_response()
        assert (trio.current_time(), answer.status) == (0.0, 500)
        assert answer.header("connection") == "close"
        assert b"balancer" not in answer.body  # No details.
        trap.armed = False
        await idle.send(GET)
        for other in (*others, idle):
            assert (await other.read_response()).body == b"s1"
        (logged,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert logged.exc_info is not None
        assert logged.exc_info[0] is ZeroDivisionError
        await play.settle()
        assert play.errors() == ["internal_error", None, None, None, None]


async def test_a_bug_in_the_middle_of_an_answer_never_looks_like_its_end(world: World) -> None:
    s1 = await world.server("s1", answering(b"HTTP/1.1 200 OK\r\n\r\npart", then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(OLD_GET)
        await client.expect_until(b"part")
        (connection,) = play.lb.front.connections._open
        assert isinstance(connection, ClientConnection)
        connection._client.inbox = None  # type: ignore[assignment] # A bug, on purpose.
        await trio.sleep(0.1)
        await client.expect_reset()
        assert play.errors() == ["internal_error"]
        assert play.server("s1").active_connections == 0


@pytest.mark.parametrize("kind", [Event, ServerSelected, RequestCompleted])
async def test_an_observer_that_raises_disturbs_nobody(
    world: World, kind: type[Event], caplog: pytest.LogCaptureFixture
) -> None:
    def raise_always(event: Event) -> None:
        raise RuntimeError("a bug in an observer")

    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        play.lb.on(kind, raise_always)
        client = await play.client()
        for _ in range(3):
            await client.send(GET)
            assert (await client.read_response()).status == 200
        assert "a callback for" in caplog.text


async def test_an_observer_that_raises_at_a_failure_disturbs_nobody(world: World) -> None:
    def raise_always(event: Event) -> None:
        raise RuntimeError("a bug in an observer")

    s1 = await world.server("s1", answering())
    async with open_play(world, s1) as play:
        play.lb.on(RequestFailed, raise_always)
        client = await play.client()
        for _ in range(2):
            await client.send(POST)
            assert (await client.read_response()).status == 502


async def test_a_request_that_comes_back_to_the_proxy_is_a_508(world: World) -> None:
    itself = ServerConfig(id="itself", address=Address(world.net.host("lb").address, 80))
    async with open_play(world, itself) as play:
        answer = await play.ask(GET.replace(b"\r\n\r\n", b"\r\nVia: 1.1 elsewhere\r\n\r\n"))
        assert (trio.current_time(), answer.status) == (0.0, 508)
        await play.settle()
        assert play.errors() == ["loop_detected", None]
        assert [record.attempts for record in play.records()] == [0, 1]


async def test_a_loop_through_the_network_ends_too(world: World) -> None:
    itself = ServerConfig(id="itself", address=Address(world.net.host("lb").address, 80))
    async with open_play(world, itself) as play:
        for _ in range(10):
            assert (await play.ask(LAST_GET)).status == 508
        await until(lambda: play.lb.connection_count <= 1)
