"""Health for programs: what is known, checks on demand, a person's word."""

import pytest

from tests.app.balancers import open_lb
from tests.support.world import World
from trio_lb.model.errors import UnknownServer
from trio_lb.model.events import ServerHealthChanged
from trio_lb.model.probe_result import ProbeResult


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
