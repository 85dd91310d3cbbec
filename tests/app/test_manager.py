"""The register of balancers: by name, each name once."""

import pytest

from tests.app.balancers import LB, open_lb
from tests.support.world import World
from trio_lb import LoadBalancerManager
from trio_lb.app import open_load_balancer


async def test_balancers_are_found_by_name_and_listed_in_order(world: World) -> None:
    manager = LoadBalancerManager()
    assert manager.list() == []
    async with (
        open_load_balancer({**LB, "name": "edge"}, env=world.env) as edge,
        open_load_balancer({**LB, "name": "inner"}, env=world.env) as inner,
    ):
        manager.register(edge)
        manager.register(inner)
        assert (manager.get("edge"), manager.get("inner")) == (edge, inner)
        assert manager.list() == [edge, inner]
        manager.deregister("edge")
        assert manager.list() == [inner]
        assert edge.select_server("me") is edge.get_server("s1"), "it goes on"


async def test_a_name_is_given_once(world: World) -> None:
    manager = LoadBalancerManager()
    async with open_lb(world, name="edge") as one, open_lb(world, name="edge") as other:
        manager.register(one.lb)
        for again in (one, other):
            with pytest.raises(ValueError, match="'edge' is registered already"):
                manager.register(again.lb)
        manager.deregister("edge")
        manager.register(other.lb)
        assert manager.get("edge") is other.lb


async def test_an_unknown_name_is_told_with_the_known_ones(world: World) -> None:
    manager = LoadBalancerManager()
    with pytest.raises(LookupError, match="'edge'; registered are: none"):
        manager.get("edge")
    async with open_lb(world, name="inner") as at:
        manager.register(at.lb)
        for verb in (manager.get, manager.deregister):
            with pytest.raises(LookupError, match="'edge'; registered are: inner"):
                verb("edge")
