"""Running a scenario as a test: what it must show, and what its control run must show."""

from collections.abc import Mapping
from typing import Any

from trio_lb.sim.result import Result
from trio_lb.sim.scenarios.catalogue import find


def run_scenario(
    name: str,
    *,
    seed: int = 1,
    protected: bool = True,
    options: Mapping[str, object] | None = None,
    **more: Any,
) -> Result:
    """Run a scenario for as long as it wants."""
    scenario = find(name)
    sim = scenario.simulation(seed=seed, protected=protected, options=options, **more)
    return sim.run(until=scenario.until, settle=scenario.settle)


def broken(result: Result) -> list[str]:
    """Return the names of the checks that were broken, the first one first."""
    return [violation.check for violation in result.violations]
