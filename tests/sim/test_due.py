"""What each server is due."""

from tests.sim.checks.support import servers
from trio_lb.config.schema import Config, PoolConfig
from trio_lb.sim.due import Due, due


def test_backups_and_disabled_servers_are_due_nothing() -> None:
    one, two, three, four = servers(1)[0], *servers(4, backup=True)[1:3], servers(4)[3]
    plan = Config(pools={"default": PoolConfig(servers=(one, two, three, four))})
    assert due([(plan, {})]).weights == {"s1": 1.0, "s2": 0.0, "s3": 0.0, "s4": 1.0}
    off = PoolConfig(servers=(*servers(1, disabled=True), two))
    assert due([(Config(pools={"default": off}), {})]).weights == {"s1": 0.0, "s2": 1.0}


def test_weights_count_unless_the_algorithm_looks_at_none() -> None:
    heavy = servers(1, weight=4)
    for algorithm, weight in (("weighted_round_robin", 4.0), ("round_robin", 1.0)):
        plan = Config(pools={"default": PoolConfig(servers=heavy, algorithm=algorithm)})
        assert due([(plan, {("default", "s1"): "web"})]).weights == {"web": weight}


def test_pools_are_apart_unless_they_share_a_server() -> None:
    first, second, third = ((each,) for each in servers(3))
    pools = {"default": PoolConfig(servers=first), "b": PoolConfig(name="b", servers=second)}
    assert due([(Config(pools=pools), {})]).pools == {"s1": 0, "s2": 1}
    both = Config(pools={"default": PoolConfig(servers=(*first, *second, *third))})
    assert due([(Config(pools=pools), {}), (both, {})]).pools == {"s1": 0, "s2": 0, "s3": 0}


def test_without_a_balancer_nothing_is_known() -> None:
    assert due([]) == Due({}, {})
    assert due([(Config(pools={"default": PoolConfig()}), {})]) == Due({}, {})
