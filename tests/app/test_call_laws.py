"""Wrapped calls under every mishap: tries bounded, books exact, nothing held, no server twice."""

from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.balancers import open_lb
from tests.support.clock import run_in_virtual_time
from tests.support.stage import VirtualStage
from tests.support.world import World, open_world
from trio_lb.model.errors import NoServerAvailable
from trio_lb.model.events import (
    CircuitBreakerOpened,
    NoHealthyServers,
    RequestCompleted,
    RequestFailed,
    RequestRetried,
)
from trio_lb.sim.network import VirtualNetwork
from trio_lb.state.server import Server

NO_WAIT = {"base_delay": 0, "max_delay": 0, "budget": False}


class Mishap(Exception):
    """What a handler of these tests raises."""


async def test_the_last_exception_comes_also_when_the_wait_left_nobody_to_try(
    world: World,
) -> None:
    breaker = {"failure_threshold": 1}
    async with open_lb(world, servers=["10.0.9.9:1"], circuit_breaker=breaker) as at:

        async def handler(server: Server, request: str) -> None:
            raise Mishap("the only one is down")

        with pytest.raises(Mishap, match="the only one is down"):
            await at.lb.handle_request("me", "this", handler)
        assert len(at.told(CircuitBreakerOpened)) == len(at.told(NoHealthyServers)) == 1
        with pytest.raises(NoServerAvailable, match="no healthy server"):
            await at.lb.handle_request("me", "this", handler)
        assert [each.requests for each in at.lb.servers()] == [1]


async def test_a_call_that_is_taken_back_is_an_attempt_that_says_nothing(world: World) -> None:
    async with open_lb(world, outlier_detection={"consecutive_failures": 1}) as at:

        async def handler(server: Server, request: str) -> None:
            await trio.sleep_forever()

        for _ in range(6):
            with trio.move_on_after(1.0):
                await at.lb.handle_request("me", "this", handler)
        counts = at.lb.statistics()
        assert (counts.total_requests, counts.failed_requests, counts.active_connections) == (
            6,
            6,
            0,
        )
        assert [(each.requests, each.failures) for each in counts.server_stats] == [(3, 0), (3, 0)]
        assert len(at.lb.healthy_servers()) == 2


async def test_a_handler_that_is_not_async_is_the_caller_s_slip_and_no_server_s_failure(
    world: World,
) -> None:
    async with open_lb(world) as at:
        slip: Any = lambda server, request: 5  # noqa: E731  # what somebody might write
        with pytest.raises(TypeError, match="has to be async; it returned 5"):
            await at.lb.handle_request("me", "this", slip)
        counts = at.lb.statistics()
        assert [(each.requests, each.failures) for each in counts.server_stats] == [(1, 0), (0, 0)]
        assert (counts.failed_requests, counts.active_connections) == (1, 0)
        none: Any = None
        with pytest.raises(TypeError, match="not None"):
            await at.lb.handle_request("me", "this", none)
        assert at.lb.statistics().total_requests == 1, "nothing was asked"


async def test_ten_calls_that_fail_at_once_all_have_their_retry(world: World) -> None:
    async with open_lb(world) as at, trio.open_nursery() as nursery:
        done: list[str] = []

        async def handler(server: Server, request: str) -> None:
            await trio.lowlevel.checkpoint()
            if server.id == "s1":
                raise Mishap
            done.append(request)

        at.lb.update_config(outlier_detection=False, algorithm=lambda servers, _: servers[0])
        for number in range(10):
            nursery.start_soon(at.lb.handle_request, "me", str(number), handler)
        await trio.sleep(5.0)
        assert sorted(done) == sorted(map(str, range(10)))
        assert len(at.told(RequestRetried)) == 10


async def test_a_half_open_breaker_lets_one_call_try(world: World) -> None:
    breaker = {"failure_threshold": 1, "timeout": 10, "success_threshold": 1}
    async with open_lb(world, servers=["10.0.9.9:1"], circuit_breaker=breaker) as at:

        async def fails(server: Server, request: str) -> None:
            raise Mishap

        async def works(server: Server, request: str) -> None:
            await trio.sleep(1.0)

        with pytest.raises(Mishap):
            await at.lb.handle_request("me", "this", fails)
        await trio.sleep(10.0)
        ended: list[str] = []

        async def call() -> None:
            try:
                await at.lb.handle_request("me", "this", works)
                ended.append("well")
            except NoServerAvailable:
                ended.append("nobody")

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(call)
        assert sorted(ended) == ["nobody", "nobody", "well"]
        assert at.lb.breaker("10.0.9.9:1").state == "closed"


async def test_a_server_that_is_full_is_passed_over(world: World) -> None:
    servers = [
        {"id": "s1", "address": "10.0.9.9:1", "max_connections": 1},
        {"id": "s2", "address": "10.0.9.9:2", "max_connections": 1},
    ]
    async with open_lb(world, servers=servers) as at, trio.open_nursery() as nursery:

        async def hold(server: Server, request: str) -> None:
            assert server.active_connections == 1
            await trio.sleep(1.0)

        for _ in range(2):
            nursery.start_soon(at.lb.handle_request, "me", "this", hold)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(NoServerAvailable):
            await at.lb.handle_request("me", "this", hold)


MISHAPS = st.lists(st.sampled_from(["well", "fails", "slow", "cancelled"]), max_size=12)


@settings(max_examples=60)
@given(
    servers=st.integers(1, 4),
    max_retries=st.integers(0, 4),
    calls=st.lists(MISHAPS, min_size=1, max_size=6),
)
def test_law_tries_are_bounded_books_exact_and_nothing_is_held(
    servers: int, max_retries: int, calls: list[list[str]]
) -> None:
    async def play() -> None:
        stage = VirtualStage(VirtualNetwork())
        async with open_world(stage) as world:
            await follow(world, servers, max_retries, calls)

    run_in_virtual_time(play)


async def follow(world: World, servers: int, max_retries: int, calls: list[list[str]]) -> None:
    settings: dict[str, Any] = {
        "servers": [f"10.0.9.9:{port}" for port in range(1, servers + 1)],
        "retry": {**NO_WAIT, "max_retries": max_retries},
        "outlier_detection": False,
    }
    async with open_lb(world, **settings) as at:
        asked = 0
        for mishaps in calls:
            tried: list[Server] = []

            async def handler(server: Server, left: list[str], tried: list[Server] = tried) -> str:
                assert server.is_usable
                tried.append(server)
                what = left.pop(0) if left else "well"
                if what == "cancelled":
                    await trio.sleep_forever()
                await trio.sleep(0.25 if what == "slow" else 0.0)
                if what == "fails":
                    raise Mishap
                return what

            with trio.move_on_after(5.0):
                try:
                    await at.lb.handle_request("me", [*mishaps], handler)
                except Mishap:
                    assert len(tried) == 1 + max_retries, "it gave up early"
            assert 1 <= len(tried) <= 1 + max_retries
            distinct = min(len(tried), servers)
            assert len(set(tried[:distinct])) == distinct, "one was tried twice, another not once"
            asked += len(tried)
        counts = at.lb.statistics()
        assert sum(each.requests for each in counts.server_stats) == asked
        assert all(each.active_connections == 0 for each in counts.server_stats)
        assert counts.active_connections == 0
        assert counts.total_requests == len(calls)
        assert counts.successful_requests == len(at.told(RequestCompleted))
        assert counts.failed_requests == len(at.told(RequestFailed))
        assert len(at.told(RequestRetried)) == asked - len(calls)
