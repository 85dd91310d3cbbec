"""Wrapped calls: the handler is the program's, everything around it the balancer's."""

import pytest
import trio

from tests.app.balancers import LB, open_lb
from tests.support.world import World
from trio_lb.model.errors import NoServerAvailable
from trio_lb.model.events import NoHealthyServers, RequestCompleted, RequestFailed, RequestRetried
from trio_lb.state.server import Server


class Refusing:
    """A handler that fails on the servers it is told of, and notes all that it was asked."""

    def __init__(self, *bad: str) -> None:
        self.bad = bad
        self.asked: list[str] = []

    async def __call__(self, server: Server, request: str) -> str:
        assert server.active_connections == 1, "the call holds a lease"
        await trio.sleep(0.5)
        self.asked.append(server.id)
        if server.id in self.bad:
            raise ConnectionError(f"{server.id} is down")
        return f"{server.id} did {request}"


async def test_a_call_goes_to_a_server_and_is_counted_once(world: World) -> None:
    async with open_lb(world) as at:
        assert await at.lb.handle_request("me", "this", Refusing()) == "s1 did this"
        (done,) = at.told(RequestCompleted)
        assert (done.server_id, done.response_time_seconds) == ("s1", 0.5)
        counts = at.lb.statistics()
        assert (counts.total_requests, counts.successful_requests) == (1, 1)


async def test_a_failed_call_is_tried_on_another_server(world: World) -> None:
    async with open_lb(world) as at:
        handler = Refusing("s1")
        assert await at.lb.handle_request("me", "this", handler) == "s2 did this"
        assert handler.asked == ["s1", "s2"]
        assert [each.server_id for each in at.told(RequestRetried)] == ["s1"]
        assert at.lb.statistics().successful_requests == 1
        assert [server.failures for server in at.lb.servers()] == [1, 0]


async def test_the_last_exception_comes_as_it_is_when_tries_have_ended(world: World) -> None:
    async with open_lb(world, retry={"max_retries": 1, "budget": False}) as at:
        handler = Refusing("s1", "s2")
        with pytest.raises(ConnectionError, match="s2 is down"):
            await at.lb.handle_request("me", "this", handler)
        assert handler.asked == ["s1", "s2"]
        (failed,) = at.told(RequestFailed)
        assert (failed.server_id, failed.error) == ("s2", "ConnectionError")
        assert at.lb.statistics().failed_requests == 1


async def test_the_one_server_that_is_left_is_tried_again_after_a_wait(world: World) -> None:
    async with open_lb(world, servers=["10.0.9.9:1"]) as at:
        calls = iter([ConnectionError("once"), None])

        async def handler(server: Server, request: str) -> str:
            await trio.lowlevel.checkpoint()
            if (error := next(calls)) is not None:
                raise error
            return "well"

        assert await at.lb.handle_request("me", "this", handler) == "well"
        assert 0 <= trio.current_time() <= 0.025, "the backoff, with full jitter"


async def test_without_a_usable_server_the_handler_is_not_called(world: World) -> None:
    async with open_lb(world) as at:
        for name in ("s1", "s2"):
            at.lb.update_server(name, disabled=True)
        handler = Refusing()
        with pytest.raises(NoServerAvailable, match="no healthy server"):
            await at.lb.handle_request("me", "this", handler)
        assert handler.asked == []
        assert len(at.told(NoHealthyServers)) == 1


async def test_a_cancelled_call_gives_its_lease_back_and_ends_in_the_books(world: World) -> None:
    async with open_lb(world) as at:
        with trio.move_on_after(0.2):
            await at.lb.handle_request("me", "this", Refusing())
        assert [server.active_connections for server in at.lb.servers()] == [0, 0]
        assert [each.error for each in at.told(RequestFailed)] == ["cancelled"]


async def test_a_breaker_keeps_calls_away_from_a_server(world: World) -> None:
    async with open_lb(world) as at:
        at.lb.breaker("s1").open()
        handler = Refusing()
        for _ in range(3):
            await at.lb.handle_request("me", "this", handler)
        assert handler.asked == ["s2", "s2", "s2"]


def test_the_stage_has_two_servers() -> None:
    assert LB["servers"] == [
        {"id": "s1", "address": "10.0.9.9:1"},
        {"id": "s2", "address": "10.0.9.9:2"},
    ]
