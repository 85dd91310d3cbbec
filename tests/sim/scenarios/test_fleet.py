"""An ordinary day: nothing fails, and everybody gets a share."""

import random

import pytest

from tests.sim.scenarios.support import run_scenario
from trio_lb.sim.arrivals import Every
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.scenarios.fleet import READY_SECONDS, SCENARIO, Later


def test_nothing_happens_on_an_ordinary_day() -> None:
    result = run_scenario("fleet").require()
    figures = result.figures()
    assert figures.success_fraction == 1.0
    assert result.faults == ()


def test_options_make_it_larger() -> None:
    result = run_scenario("fleet", options={"servers": 3, "rate": 5.0}).require()
    assert len(result.figures().tally.servers) == 3


def heard(*whats: What, until: float) -> list[Happening]:
    sim = SCENARIO.simulation(seed=1)
    told: list[Happening] = []
    sim.wire.hear(told.append, *whats)
    assert sim.run(until=until, trace=False).ok
    return told


def test_clients_come_when_servers_are_known() -> None:
    later = Later(Every(0.3))
    chance = random.Random(1)
    assert later.next_after(0.0, chance) == 1.2
    assert later.next_after(1.2, chance) == 1.5
    assert later.expected(0.0, 4.0) == Every(0.3).expected(1.0, 4.0)
    arrivals = heard(What.ARRIVE, until=3.0)
    assert len(arrivals) > 50
    assert min(each.at for each in arrivals) >= READY_SECONDS


def test_there_is_something_of_everything() -> None:
    answers = heard(What.ANSWER, until=30.0)
    own = {(each.entity, each.values[0]) for each in answers if not each.values[3]}
    assert own == {("uploads", 413)}, "too large for the balancer, and nothing else is wrong"
    slow = [int(each.values[2]) / 1e9 for each in answers if each.entity == "mobile"]
    assert len(slow) > 20
    assert min(slow) > 0.9
    watched = [each.at for each in answers if each.entity == "watchers"]
    assert len(watched) == 3
    assert min(watched) > 30.0, "they stay until the run is over"


@pytest.mark.parametrize(
    ("algorithm", "more"),
    [
        ("round_robin", {"backup": True}),
        ("random", {"priority": 1}),
        ("least_connections", {"weight": 9}),
        ("ip_hash", {}),
        ("maglev", {"disabled": True}),
        ("weighted_random", {"weight": 40, "zone": "b"}),
    ],
)
def test_a_configuration_of_the_user_s_own_is_fair_without_faults(
    algorithm: str, more: dict[str, object]
) -> None:
    first = [{"address": f"10.0.0.{n}:80"} for n in (1, 2)]
    second = [{"address": f"10.0.0.{n}:80", **more} for n in (3, 4)]
    config = {
        "load_balancer": {
            "algorithm": algorithm,
            "listeners": [{"port": 80}],
            "servers": [*first, *second],
        }
    }
    result = SCENARIO.simulation(seed=1, config=config).run(until=10.0, settle=5.0).require()
    assert result.figures().success_fraction == 1.0
