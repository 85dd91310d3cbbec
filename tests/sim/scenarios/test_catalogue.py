"""The catalogue: every module of the package is in it, and every name leads to its scenario."""

from pathlib import Path

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim import scenarios as package
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.scenarios.catalogue import MODULES, find, scenarios
from trio_lb.sim.simulation import Simulation


def test_every_module_of_the_package_stands_in_the_table() -> None:
    folder = Path(package.__path__[0])
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "catalogue"}
    helpers = {name for name in modules if name.startswith("_")}
    assert modules - helpers == set(MODULES.values())


@pytest.mark.parametrize("name", MODULES)
def test_a_scenario_is_called_as_in_the_table_and_says_what_it_is(name: str) -> None:
    scenario = find(name)
    assert scenario.name == name
    assert 10 < len(scenario.summary) <= 90
    assert scenario.until > 0.0


@pytest.mark.parametrize("name", MODULES)
def test_each_option_has_a_limit_and_its_default_is_within(name: str) -> None:
    scenario = find(name)
    assert list(scenario.limits) == list(scenario.options)
    wrong = {key: scenario.objection(key, value) for key, value in scenario.options.items()}
    assert set(wrong.values()) <= {""}


@pytest.mark.parametrize("name", ["zone-partition", "connection-leak-hunt", "fleet"])
def test_the_load_is_scaled_to_the_number_of_servers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[OpenLoop] = []
    monkeypatch.setattr(Simulation, "clients", lambda sim, name, load, **more: loads.append(load))

    def offered(servers: int) -> float:
        loads.clear()
        found = [f"10.0.0.{number}:80" for number in range(1, servers + 1)]
        find(name).simulation(config={"servers": found})
        return sum(load.arrivals.expected(1.0, 61.0) for load in loads)

    assert offered(8) == pytest.approx(4 * offered(2))


def test_numbers_are_given_once() -> None:
    numbers = [scenario.number for scenario in scenarios() if scenario.number]
    assert len(numbers) == len(set(numbers))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'zone-partition'"):
        find("zone-partitoin")
