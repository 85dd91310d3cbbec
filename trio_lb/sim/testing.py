"""Simulations in a user's own tests: many seeds, drawn faults, and the smallest that fails.

    def test_my_service_survives(lb_sim):
        def world(sim):
            sim.server("s1"), sim.server("s2")
            sim.balancer({"algorithm": "power_of_two"})
            sim.clients("web", OpenLoop(Poisson(50)))
            sim.check(ErrorRate("<1%"))

        lb_sim.explore(world, until=60, seeds=20)

``lb_sim`` is a fixture of the pytest plugin; without pytest a ``SimulationTester`` does the same.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import attrs

from trio_lb.sim.checks.violation import CheckCrashed
from trio_lb.sim.clock import SimulationStuck
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.schedule import Schedule
from trio_lb.sim.result import Result
from trio_lb.sim.search.ddmin import ddmin
from trio_lb.sim.search.swarm import swarm
from trio_lb.sim.search.targets import Field
from trio_lb.sim.simulation import Simulation

World: TypeAlias = Callable[[Simulation], object]
"""Puts servers, balancers, clients, checks and, if it likes, faults into an empty simulation."""

MOST_SHRINKING_RUNS: Final = 200
"""So many runs are spent at the most on making a failing schedule smaller."""


@attrs.frozen(slots=True)
class _Failure:
    """What was broken first, in words, and under which faults."""

    check: str
    says: str
    faults: tuple[Fault, ...]


class SimulationTester:
    """Runs simulations for a test called ``name``.

    ``seed`` is that of the first run; ``only`` says that it was asked for by hand, so that
    ``explore`` tries no other.
    """

    def __init__(self, name: str, seed: int = 0, *, only: bool = False) -> None:
        self.name = name
        self.seed = seed
        self.only = only

    def simulation(self, **options: Any) -> Simulation:
        """Return an empty world with this test's seed; ``options`` are those of ``Simulation``."""
        return Simulation(self.seed, name=self.name, **options)

    def run(self, sim: Simulation, until: float, **options: Any) -> Result:
        """Run it and require that every check held and every point was reached.

        Raises:
          AssertionError: with the seed, the first violation of each check, and the faults.
        """
        result = sim.run(until, **options)
        if not result.ok or result.is_vacuous:
            raise AssertionError(f"{result.complaint()}\n{self._again(sim.seed)}")
        return result

    def explore(
        self,
        world: World,
        *,
        until: float,
        settle: float = 30.0,
        seeds: int = 10,
        kinds: Sequence[str] | None = None,
        harsh: bool = False,
        faults: bool = True,
        **options: Any,
    ) -> None:
        """Run the world with so many seeds, each under faults drawn from it, and require them all.

        ``kinds`` are the kinds of faults to draw from (None: all), ``harsh`` allows more of them at
        once than a system can cope with; without ``faults`` only the world's own come. A schedule
        that fails is shrunk before it is told.

        Raises:
          AssertionError: with the seed, what was violated, and the smallest schedule found.
        """
        for seed in [self.seed] if self.only else range(self.seed, self.seed + seeds):
            drawn = self._drawn(world, seed, until, kinds, harsh) if faults else None
            failure = self._failure(world, seed, drawn, until, settle, options)
            if failure is not None:
                raise AssertionError(
                    self._told(world, seed, failure, until=until, settle=settle, options=options)
                )

    # ------------------------------------------------------------------ one seed

    def _drawn(
        self, world: World, seed: int, until: float, kinds: Sequence[str] | None, harsh: bool
    ) -> list[Fault]:
        sim = Simulation(seed, name=self.name)
        world(sim)
        return swarm(seed, Field(sim.cast), until, kinds=kinds, harsh=harsh)

    def _failure(
        self,
        world: World,
        seed: int,
        drawn: Sequence[Fault] | None,
        until: float,
        settle: float,
        options: dict[str, Any],
        *,
        instead: Sequence[Fault] | None = None,
    ) -> _Failure | None:
        """Run once; ``drawn`` faults come beside the world's own, ``instead`` in their place."""
        sim = Simulation(seed, name=self.name, **options)
        world(sim)
        if instead is not None:
            sim.schedules = [Schedule.of(instead)]
        elif drawn:
            sim.faults(list(drawn))
        try:
            result = sim.run(until, settle=settle, tally=False)
        except (CheckCrashed, SimulationStuck) as error:
            faults = tuple(instead or drawn or ())
            return _Failure(type(error).__name__, str(error), faults)
        first = result.first
        return None if first is None else _Failure(first.check, str(first), result.faults)

    def _told(
        self,
        world: World,
        seed: int,
        failure: _Failure,
        *,
        until: float,
        settle: float,
        options: dict[str, Any],
    ) -> str:
        """Shrink the schedule of a failure, and say all that is needed to see it again."""
        runs = 0

        def fails(subset: list[Fault]) -> bool:
            nonlocal runs
            runs += 1
            again = self._failure(world, seed, None, until, settle, options, instead=subset)
            return again is not None and again.check == failure.check

        faults: Sequence[Fault] = failure.faults
        if faults and fails(list(faults)):
            faults = ddmin(faults, fails, may_go_on=lambda: runs < MOST_SHRINKING_RUNS).items
        lines = [f"simulation {self.name!r} fails with seed {seed}: {failure.says}"]
        lines.append(f"with {len(faults)} of {len(failure.faults)} faults, after {runs} runs:")
        lines += [f"  {json.dumps(fault.to_data())}" for fault in faults]
        return "\n".join([*lines, self._again(seed)])

    def _again(self, seed: int) -> str:
        return f"to see it again: --lb-seed {seed}"
