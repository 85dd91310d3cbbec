"""Picks without a request: whose turn it is, what the hash looks at, nobody."""

from tests.app.balancers import open_lb
from tests.proxy.stage import head_of
from tests.support.world import World
from trio_lb.model.events import NoHealthyServers, ServerSelected


async def test_picks_take_turns_hold_no_lease_and_are_told(world: World) -> None:
    async with open_lb(world) as at:
        picks = [at.lb.select_server("me") for _ in range(4)]
        assert [pick and pick.id for pick in picks] == ["s1", "s2", "s1", "s2"]
        assert [server.active_connections for server in at.lb.servers()] == [0, 0]
        first = at.told(ServerSelected)[0]
        assert (first.server_id, first.client_id) == ("s1", "me")


async def test_a_client_keeps_its_server_under_a_hash(world: World) -> None:
    async with open_lb(world, algorithm="ip_hash") as at:
        assert len({at.lb.select_server("client-7") for _ in range(20)}) == 1
        assert len({at.lb.select_server(f"client-{n}") for n in range(50)}) == 2


async def test_a_request_is_hashed_by_what_the_pool_looks_at(world: World) -> None:
    async with open_lb(world, algorithm="consistent_hash", hash_key="header:X-Tenant") as at:
        one = head_of("GET /a HTTP/1.1\nHost: a\nX-Tenant: blue")
        other = head_of("GET /b HTTP/1.1\nHost: b\nX-Tenant: blue")
        assert at.lb.select_server(request=one) is at.lb.select_server(request=other)


async def test_without_a_usable_server_there_is_none_and_it_is_told(world: World) -> None:
    async with open_lb(world, servers=[]) as at:
        assert at.lb.select_server("me") is None
        assert len(at.told(NoHealthyServers)) == 1
