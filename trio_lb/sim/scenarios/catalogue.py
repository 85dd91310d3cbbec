"""Which scenarios there are, and where. A module is imported when somebody wants its scenario."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from trio_lb.config.kinds import show, suggestion
from trio_lb.model.errors import ConfigError
from trio_lb.sim.scenario import Scenario

MODULES: Final[Mapping[str, str]] = {
    "accept-stall": "accept_stall",
    "breaker-fleet": "breaker_fleet",
    "connection-leak-hunt": "connection_leak_hunt",
    "fleet": "fleet",
    "keep-alive-race": "keep_alive_race",
    "panic-threshold": "panic_threshold",
    "poison-request": "poison_request",
    "silent-nat-drop": "silent_nat_drop",
    "rolling-deploy": "rolling_deploy",
    "slowloris": "slowloris",
    "gray-failure": "gray_failure",
    "fast-failing-node": "fast_failing_node",
    "flapping-health": "flapping_health",
    "stable-day": "stable_day",
    "zone-partition": "zone_partition",
    "metastable-failure": "metastable_failure",
    "retry-storm": "retry_storm",
    "thundering-herd": "thundering_herd",
}
"""The module of each scenario in this package, by the scenario's name."""


def find(name: str) -> Scenario:
    """Return the scenario of that name.

    Raises:
      ConfigError: there is none.
    """
    module = MODULES.get(name)
    if module is None:
        known = tuple(MODULES)
        hint = suggestion(name, known) or f"; there are: {', '.join(known)}"
        raise ConfigError(f"{show(name)} is no scenario{hint}")
    found = import_module(f"trio_lb.sim.scenarios.{module}").SCENARIO
    assert isinstance(found, Scenario), "each module of this package has one"
    return found


def scenarios() -> Iterator[Scenario]:
    """Yield all of them, in the order of the table."""
    return map(find, MODULES)
