"""Plans one after the other, good and bad: each comes true whole, or changes nothing at all."""

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.balancers import At, open_lb
from tests.support.clock import run_in_virtual_time
from tests.support.stage import VirtualStage
from tests.support.world import open_world
from trio_lb.config.load import load_mapping
from trio_lb.config.schema import Config, ListenerConfig, UpstreamTls
from trio_lb.model.errors import ConfigError
from trio_lb.model.events import ConfigRejected, ConfigUpdated, ServerAdded, ServerRemoved
from trio_lb.sim.network import VirtualNetwork

SERVERS = st.lists(st.integers(1, 6), unique=True, max_size=4)
ALGORITHMS = st.sampled_from(["round_robin", "least_connections", "maglev", "random"])
POOLS = st.dictionaries(st.sampled_from(["api", "db"]), SERVERS, max_size=2)
FAULTS = st.sampled_from(["none", "none", "listener", "certificate", "algorithm", "double"])


def plan_of(default: list[int], pools: dict[str, list[int]], algorithm: str) -> Config:
    """A plan whose servers are called by their ports."""

    def listed(ports: list[int]) -> list[dict[str, Any]]:
        return [{"id": f"s{port}", "address": f"10.0.9.9:{port}"} for port in ports]

    further = {name: {"servers": listed(ports)} for name, ports in pools.items()}
    given = {"servers": listed(default), "pools": further, "algorithm": algorithm}
    return load_mapping({"name": "law", **given})


def spoilt(plan: Config, fault: str) -> Config:
    """The same with a fault that shows only when it is to come true."""
    if fault == "listener":
        return attrs.evolve(plan, listeners=(ListenerConfig(),))
    pool = plan.pools["default"]
    if fault == "certificate":
        pool = attrs.evolve(pool, tls=UpstreamTls(ca="/nowhere/ca.pem"))
    elif fault == "algorithm":
        pool = attrs.evolve(pool, algorithm=_Broken)
    elif fault == "double" and pool.servers:
        pool = attrs.evolve(pool, servers=(*pool.servers, pool.servers[0]))
    return attrs.evolve(plan, pools={**plan.pools, "default": pool})


class _Broken:
    """A class of algorithm that can't be made."""

    def __init__(self) -> None:
        raise ZeroDivisionError("the program's own")


def picture(at: At) -> dict[str, list[str]]:
    """The members of each pool, as the books have them."""
    return {
        name: [server.id for server in pool.members]
        for name, pool in at.lb.registry.pools().items()
    }


@settings(max_examples=80)
@given(st.lists(st.tuples(SERVERS, POOLS, ALGORITHMS, FAULTS, st.booleans()), max_size=6))
def test_law_a_plan_comes_true_whole_or_changes_nothing(
    steps: list[tuple[list[int], dict[str, list[int]], str, str, bool]],
) -> None:
    async def play() -> None:
        async with open_world(VirtualStage(VirtualNetwork())) as world, open_lb(world) as at:
            for default, pools, algorithm, fault, by_reload in steps:
                plan = spoilt(plan_of(default, pools, algorithm), fault)
                step(at, plan, at.lb.reload if by_reload else at.lb.apply)

    run_in_virtual_time(play)


def step(at: At, plan: Config, verb: Any) -> None:
    before, was, told = at.lb.config, picture(at), len(at.news)
    try:
        verb(plan)
    except ConfigError:
        assert (at.lb.config, picture(at)) == (before, was)
        assert [type(event) for event in at.news[told:]] == [ConfigRejected]
        return
    assert at.lb.config == plan
    assert picture(at) == {
        name: [server.id for server in pool.servers] for name, pool in plan.pools.items()
    }
    assert (plan == before) is (at.news[told:] == [])
    assert sum(isinstance(event, ConfigUpdated) for event in at.news[told:]) == (plan != before)


@pytest.mark.parametrize("fault", ["listener", "certificate", "algorithm", "double"])
def test_each_of_these_faults_is_refused(fault: str) -> None:
    async def play() -> None:
        async with open_world(VirtualStage(VirtualNetwork())) as world, open_lb(world) as at:
            with pytest.raises(ConfigError):
                at.lb.reload(spoilt(plan_of([1, 2], {}, "random"), fault))

    run_in_virtual_time(play)


def test_servers_that_come_and_go_are_told_once_each() -> None:
    async def play() -> None:
        async with open_world(VirtualStage(VirtualNetwork())) as world, open_lb(world) as at:
            for ports in ([1, 2, 3], [3], [1, 3], []):
                at.lb.apply(plan_of(ports, {}, "round_robin"))
            assert [event.server_id for event in at.told(ServerAdded)] == ["s3", "s1"]
            gone = [event.server_id for event in at.told(ServerRemoved)]
            assert gone == ["s1", "s2", "s1", "s3"]

    run_in_virtual_time(play)
