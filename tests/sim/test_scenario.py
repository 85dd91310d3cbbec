"""What a scenario is built from."""

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation


def build(setup: Setup) -> Simulation:
    """Return two servers in two zones."""
    sim = setup.simulation()
    setup.fleet(sim, 3, zones=("a", "b"), each=lambda index: {"queue": index})
    setup.balancer(sim, {"algorithm": "random"})
    return sim


STORY = Scenario("story", "a small one", build, until=1.0, options={"rate": 10.0})


def test_a_fleet_is_spread_over_the_zones_and_each_may_be_another() -> None:
    sim = STORY.simulation()
    assert [(name, actor.host.zone) for name, actor in sim.servers.items()] == [
        ("s1", "a"),
        ("s2", "b"),
        ("s3", "a"),
    ]
    assert [actor.settings.queue for actor in sim.servers.values()] == [0, 1, 2]


def test_a_user_s_configuration_brings_its_own_servers() -> None:
    servers = [{"id": "x", "address": "x.example:81"}, {"id": "y", "address": "10.3.0.1:82"}]
    sim = STORY.simulation(config={"servers": servers})
    assert [(name, str(actor.address.port)) for name, actor in sim.servers.items()] == [
        ("x", "81"),
        ("y", "82"),
    ]
    assert sim.net.look_up("x.example") == [sim.servers["x"].host.address]
    assert sim.servers["y"].host.address == "10.3.0.1"


def test_an_unknown_option_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'rat' is no option of story; did you mean 'rate'"):
        STORY.simulation(options={"rat": 5})
