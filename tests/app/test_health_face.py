"""Health for programs: what is known, checks on demand, a person's word."""

from typing import Any

import pytest
import trio

from tests.app.balancers import open_lb
from tests.support.world import World
from trio_lb.model.errors import UnknownServer
from trio_lb.model.events import ServerHealthChanged
from trio_lb.model.probe_result import ProbeResult
from trio_lb.state.server import Server


async def test_a_person_s_word_stands_until_it_is_taken_back(world: World) -> None:
    async with open_lb(world) as at:
        at.lb.health.set("s1", healthy=False)
        assert [server.id for server in at.lb.healthy_servers()] == ["s2"]
        assert not at.lb.health.status()["s1"].healthy
        (told,) = at.told(ServerHealthChanged)
        assert (told.server_id, told.is_healthy, told.reason) == ("s1", False, "manual")
        at.lb.health.set("s1", healthy=None)
        assert len(at.lb.healthy_servers()) == 2
        with pytest.raises(UnknownServer):
            at.lb.health.set("s9", healthy=True)


async def test_servers_are_checked_on_demand(world: World) -> None:
    server = await world.http_server("s3")
    servers = [{"id": "s3", "address": str(server.address)}, {"id": "s1", "address": "10.0.9.9:1"}]
    async with open_lb(world, servers=servers, health_check={}) as at:
        good = await at.lb.health.check_server("s3")
        assert good.healthy
        assert good.latency_seconds is not None
        results = await at.lb.health.check_all()
        assert list(results) == ["s3", "s1"]
        assert isinstance(results["s1"], ProbeResult)
        assert not results["s1"].healthy
        assert results["s1"].error
        assert at.lb.health.status()["s1"].last_error == results["s1"].error


async def test_a_name_in_two_pools_is_told_with_its_pool(world: World) -> None:
    pools = {"api": {"servers": [{"id": "s1", "address": "10.0.9.9:8"}]}}
    async with open_lb(world, pools=pools) as at:
        assert list(at.lb.health.status()) == ["default/s1", "s2", "api/s1"]


async def test_a_probe_of_the_program_s_own_decides_and_its_faults_are_failed_checks(
    world: World,
) -> None:
    asked: list[str] = []

    async def check(server: Server) -> ProbeResult:
        asked.append(server.id)
        if server.id == "s1":
            return ProbeResult(healthy=True, details={"queue": 3})
        if server.id == "s2":
            return ProbeResult(healthy=False, error="the queue is full")
        if server.id == "s3":
            raise ZeroDivisionError("the program's own")
        await trio.sleep_forever()
        raise AssertionError("it sleeps for ever")

    servers = [{"id": f"s{number}", "address": f"10.0.9.9:{number}"} for number in range(1, 5)]
    probing = {"type": "custom", "check": check, "interval": 5, "timeout": 2}
    async with open_lb(world, servers=servers, health_check=probing, fail_open=False) as at:
        await trio.sleep(3.0)
        assert set(asked) == {"s1", "s2", "s3", "s4"}
        assert [server.id for server in at.lb.healthy_servers()] == ["s1"]
        status = at.lb.health.status()
        assert status["s1"].details == {"queue": 3}
        assert status["s2"].last_error == "the queue is full"
        assert "the program's own" in (status["s3"].last_error or "")
        assert status["s4"].last_error
        assert at.lb.select_server("me") is at.lb.get_server("s1"), "the one that hangs harms none"


async def test_a_probe_that_returns_nonsense_is_a_failed_check_that_says_so(world: World) -> None:
    async def check(server: Server) -> Any:
        return "fine"

    async with open_lb(world, health_check={"type": "custom", "check": check}) as at:
        result = await at.lb.health.check_server("s1")
        assert not result.healthy
        assert "ProbeResult" in (result.error or "")
