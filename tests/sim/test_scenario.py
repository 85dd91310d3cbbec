"""What a scenario is built from."""

import attrs
import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim.limits import POSITIVE
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


def test_an_option_beyond_its_limit_is_refused_with_what_it_may_be() -> None:
    story = attrs.evolve(STORY, limits={"rate": POSITIVE})
    with pytest.raises(ConfigError) as caught:
        story.simulation(options={"rate": 0})
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == ("options.rate", "0 is not > 0 (default 10.0)")
    assert story.simulation(options={"rate": 0.5}).seed == 0


def met(config: dict[str, object]) -> list[str]:
    """Return the servers that a scenario sends clients and faults to."""
    setup = Setup(STORY, config=config)
    return setup.fleet(setup.simulation(), 3)


def test_clients_and_faults_are_for_the_pool_of_the_first_listener() -> None:
    listeners = [{"port": 8080, "pool": "api"}, {"port": 80}]
    pools = {"api": {"servers": ["10.0.1.1:9000", "10.0.1.2:9000"]}}
    config = {"listeners": listeners, "servers": ["10.0.0.1:80"], "pools": pools}
    assert met(config) == ["10.0.1.1-9000", "10.0.1.2-9000"]
    assert "10.0.0.1-80" in STORY.simulation(config=config).servers


@pytest.mark.parametrize(
    ("reserve", "left"),
    [
        ({"backup": True}, ["x", "y"]),
        ({"disabled": True}, ["x", "y"]),
        ({"priority": 1}, ["x", "y"]),
        ({"weight": 9}, ["x", "y", "z"]),
    ],
)
def test_a_server_in_reserve_meets_nobody_on_an_ordinary_day(
    reserve: dict[str, object], left: list[str]
) -> None:
    servers: list[dict[str, object]] = [
        {"id": name, "address": f"10.0.0.{place}:80"} for place, name in enumerate("xyz", start=1)
    ]
    servers[2] |= reserve
    assert met({"servers": servers}) == left


def test_where_all_are_in_reserve_all_count() -> None:
    assert met({"servers": [{"id": "x", "address": "10.0.0.1:80", "backup": True}]}) == ["x"]


@pytest.mark.parametrize("servers", [[], [{"address": "10.0.0.1:80", "disabled": True}]])
def test_a_story_in_which_nobody_would_serve_is_refused(servers: list[object]) -> None:
    with pytest.raises(ConfigError, match="servers: nobody serves in pool 'default', to which"):
        met({"servers": servers})
