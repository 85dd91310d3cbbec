"""The trials of a sweep: one scenario, a seed each, with the faults that are asked for.

    scenario's own  |  a file's  ----+---->  + a swarm's, drawn from the seed  ---->  Trial

A file's faults stand instead of the scenario's; a swarm's join whatever there is. Both are made
certain here, so that a trial, which is data, holds them.
"""

from collections.abc import Iterator

import attrs

from trio_lb.sim.chance import derive_rng
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.field import field_of
from trio_lb.sim.scenario import OWN_FAULTS
from trio_lb.sim.search.swarm import swarm
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.sweep.faults_file import FaultsFile
from trio_lb.sim.trial_run import simulation_of
from trio_lb.sim.vain import late_line, no_fault


@attrs.frozen
class Swarm:
    """That random faults are wanted; ``harsh`` ones are more than a system copes with."""

    harsh: bool = False


@attrs.frozen
class Sweep:
    """As many trials as seeds; ``base`` is the first, without the faults that are added.

    It is sized, and makes each trial when it is asked for it.
    """

    base: Trial
    count: int = 1
    faults: FaultsFile | None = None
    swarm: Swarm | None = None

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Trial]:
        return map(self.trial, range(self.base.seed, self.base.seed + self.count))

    @property
    def late(self) -> str:
        """Return how many faults of the file begin after the end; "" if none does."""
        return "" if self.faults is None else late_line([self.faults.schedule], self.base.until)

    @property
    def vain(self) -> tuple[str, ...]:
        """Why no fault can come, though a file of them was given; a swarm may draw none."""
        if self.faults is None or self.swarm is not None:
            return ()
        why = no_fault([self.faults.schedule], self.base.until)
        return (f"{self.faults.path}: {why}",) if why else ()

    @property
    def first(self) -> Trial:
        """Return the trial of the first seed."""
        return self.trial(self.base.seed)

    def trial(self, seed: int) -> Trial:
        """Return the trial of a seed.

        Raises:
          ConfigError: the scenario, its configuration or the faults are refused.
        """
        trial = attrs.evolve(self.base, seed=seed)
        if self.faults is None and self.swarm is None:
            return trial
        # A world is made only for its names: which servers there are may depend on the seed.
        sim = simulation_of(trial)
        found: list[Fault] = []
        if self.faults is not None:
            found += self.faults.expand(trial.until, derive_rng(seed, "faults"), sim.cast)
            trial = attrs.evolve(trial, options={**trial.options, OWN_FAULTS: False})
        if self.swarm is not None:
            found += swarm(seed, field_of(sim), trial.until, harsh=self.swarm.harsh)
        return attrs.evolve(trial, faults=tuple(found))
