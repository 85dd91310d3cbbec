"""A zone is gone for half a minute."""

import pytest

from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.scenarios.catalogue import find


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("way", ["both", "there", "back"])
def test_hardly_anybody_notices(seed: int, way: str) -> None:
    run_scenario("zone-partition", seed=seed, options={"way": way}).require()


def test_without_checks_and_retries_many_fail() -> None:
    assert "error_rate" in broken(run_scenario("zone-partition", protected=False))


def test_the_user_s_own_servers_take_the_place_of_the_scenario_s() -> None:
    config = {
        "load_balancer": {
            "backends": [
                {"id": "east", "address": "east.example:8080", "zone": "a"},
                {"id": "west", "address": "10.7.0.1:8080", "zone": "b"},
            ],
            "health_check": {"interval": "2s", "timeout": "1s"},
        }
    }
    result = run_scenario("zone-partition", config=config, options={"rate": 10.0})
    assert set(result.figures().tally.servers) == {"east", "west"}
    assert result.trace_hash


def test_of_zones_with_names_of_their_own_the_second_is_gone() -> None:
    zones = ("eu-1a", "eu-1b", "eu-1c")
    servers = [
        {"id": f"s{place}", "address": f"10.0.0.{place}:80", "zone": zone}
        for place, zone in enumerate(zones, start=1)
    ]
    scenario = find("zone-partition")
    sim = scenario.simulation(seed=1, config={"servers": servers}, options={"rate": 10.0})
    (fault,) = sim.run(until=25.0).faults
    assert fault.target.names == ("lb", "zone:eu-1b")
    assert sim.cast.zone_names["lb"] == "eu-1a"
