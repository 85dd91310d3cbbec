"""What a check may look at: the plan in force, or the defaults where nothing can be seen."""

from tests.sim.checks.support import SmallBalancer, servers, world
from trio_lb.sim.checks.world import DEFAULTS, Nowhere, Standstill, name_of, pool_config


def test_the_plan_in_force_is_seen() -> None:
    small = world(servers=servers(3))
    assert [each.id for each in pool_config(small, "lb", "default").servers] == ["s1", "s2", "s3"]


def test_defaults_stand_in_for_what_cannot_be_seen() -> None:
    small = world(servers=servers(3))
    assert pool_config(small, "lb", "another") is DEFAULTS
    assert pool_config(small, "another", "default") is DEFAULTS
    small.balancers["lb"] = SmallBalancer(small.net.host("lb"), None)
    assert pool_config(small, "lb", "default") is DEFAULTS
    assert Nowhere(Standstill(3.0)).clock.current_time() == 3.0


def test_a_server_has_the_name_that_happenings_use() -> None:
    small = world()
    names = {("default", "10.0.0.1:80"): "s1"}
    small.balancers["lb"] = SmallBalancer(small.net.host("lb"), None, names)
    assert name_of(small, "lb", "default", "10.0.0.1:80") == "s1"
    assert name_of(small, "lb", "default", "s2") == "s2"
    assert name_of(small, "another", "default", "s2") == "s2"
