"""From a run that fails to the smallest that fails in the same way.

    first cut -> faults -> duration -> options -> numbers, and round again from the faults on
                                                   until nothing gets smaller

Each step only takes what fails the *same* check: a run that fails otherwise is another bug,
and a good search stumbles over many.
"""

import math
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from trio_lb.model.errors import ConfigError
from trio_lb.sim.search.ddmin import ddmin
from trio_lb.sim.search.simpler import (
    shortened,
    simpler_durations,
    simpler_faults,
    simpler_options,
    with_options,
)
from trio_lb.sim.search.trial import CRASHED, Run, Trial, attempt

DEFAULT_RUNS: Final = 500
DEFAULT_SECONDS: Final = 60.0


class DoesNotFail(ValueError):
    """The trial fails no check, or not the one that was named: there is nothing to shrink."""


@attrs.frozen(slots=True)
class Budget:
    """When to stop: after so many runs, or so many seconds by the caller's own clock."""

    runs: int = DEFAULT_RUNS
    seconds: float = DEFAULT_SECONDS


@attrs.frozen(slots=True)
class Step:
    """Progress: what is being tried, and the smallest trial so far that fails."""

    name: str
    runs: int
    best: Trial


@attrs.frozen(slots=True)
class Shrunk:
    """The smallest trial that was found to fail ``check``, with what the check said of it.

    ``finished`` says that nothing makes it smaller; False when the budget was spent before.
    """

    trial: Trial
    check: str
    says: str
    runs: int
    finished: bool


def shrink(
    trial: Trial,
    run: Run,
    *,
    clock: Callable[[], float],
    check: str | None = None,
    budget: Budget | None = None,
    on_progress: Callable[[Step], object] = lambda step: None,
) -> Shrunk:
    """Return the smallest trial to be found that fails ``check`` (the first one that fails now).

    ``clock`` returns seconds, those of a real clock; nothing here reads one. ``on_progress`` is
    called after each run. A candidate that is refused (it aims at a server that was left out)
    counts as one that does not fail. A run that raises fails the check ``crashed``.

    Raises:
      ConfigError: the trial itself is refused.
      DoesNotFail: as it is, the trial does not fail that check.
    """
    outcome = attempt(trial, run)
    if outcome.ok or (check is not None and check not in outcome.violations):
        wanted = "a check" if check is None else repr(check)
        failed = ", ".join(outcome.violations) or "none"
        raise DoesNotFail(f"{wanted} should fail with seed {trial.seed}; those that do: {failed}")
    check = check or next(iter(outcome.violations))
    shrinker = _Shrinker(trial, run, check, budget or Budget(), clock, on_progress)
    shrinker.says = outcome.violations[check]
    return shrinker.shrink()


class _Shrinker:
    """Holds the best trial so far, and knows which were tried."""

    def __init__(
        self,
        trial: Trial,
        run: Run,
        check: str,
        budget: Budget,
        clock: Callable[[], float],
        on_progress: Callable[[Step], object],
    ) -> None:
        self.best = trial
        self.says = ""
        self._run = run
        self._check = check
        self._budget = budget
        self._clock = clock
        self._begun = clock()
        self._on_progress = on_progress
        self._known: dict[str, bool] = {trial.text: True}
        self._runs = 1
        self._step = ""

    def shrink(self) -> Shrunk:
        """Take all steps until a round of them changes nothing, or the budget is spent."""
        before = None
        self._take("first cut", self._cut)
        while before != self.best and self._may_go_on():
            before = self.best
            self._take("faults", self._fewer_faults)
            self._take("duration", lambda: self._descend(simpler_durations))
            self._take("options", self._fewer_options)
            self._take("numbers", lambda: self._descend(simpler_faults))
        finished = before == self.best and self._may_go_on()
        return Shrunk(self.best, self._check, self.says, self._runs, finished)

    def _take(self, name: str, step: Callable[[], object]) -> None:
        self._step = name
        step()

    def _cut(self) -> None:
        """Halve the run while it fails: all that follows costs half as much each time."""
        if self._may_go_on():
            self._fails(attrs.evolve(self.best, settle=0.0))
        while self._may_go_on() and self.best.until > 1:
            if not self._fails(shortened(self.best, math.ceil(self.best.until / 2))):
                return

    def _fewer_faults(self) -> None:
        trial = self.best
        ddmin(
            trial.faults,
            lambda faults: self._fails(attrs.evolve(trial, faults=faults)),
            may_go_on=self._may_go_on,
        )

    def _fewer_options(self) -> None:
        """First which of them matter at all, then their values.

        What is False, 0 or empty stays: it switches something off that would come back.
        """
        trial = self.best
        off = [name for name, value in trial.options.items() if not value]
        ddmin(
            [name for name in trial.options if name not in off],
            lambda names: self._fails(with_options(trial, [*off, *names])),
            may_go_on=self._may_go_on,
        )
        self._descend(simpler_options)

    def _descend(self, simpler: Callable[[Trial], Iterator[Trial]]) -> None:
        """Go to the first simpler trial that fails, and on from there.

        ``simpler`` yields what is simpler in some measure, so that this comes to an end.
        """
        moved = True
        while moved and self._may_go_on():
            moved = any(self._fails(candidate) for candidate in self._while_allowed(simpler))

    def _while_allowed(self, simpler: Callable[[Trial], Iterator[Trial]]) -> Iterator[Trial]:
        for candidate in simpler(self.best):
            if not self._may_go_on():
                return
            yield candidate

    def _may_go_on(self) -> bool:
        spent = self._clock() - self._begun
        return self._runs < self._budget.runs and spent < self._budget.seconds

    def _fails(self, trial: Trial) -> bool:
        """Run it, unless it is known; one that fails is the best so far."""
        text = trial.text
        if text not in self._known:
            self._known[text] = self._tries(trial)
            self._on_progress(Step(self._step, self._runs, self.best))
        elif self._known[text]:
            self.best = trial
        return self._known[text]

    def _is_another_crash(self, says: str) -> bool:
        """Checks are told apart by name, crashes by what was raised."""
        return self._check == CRASHED and says.partition(":")[0] != self.says.partition(":")[0]

    def _tries(self, trial: Trial) -> bool:
        self._runs += 1
        try:
            says = attempt(trial, self._run).violations.get(self._check)
        except ConfigError:
            return False  # No such world: the scenario can't do without what was left out.
        if says is None or self._is_another_crash(says):
            return False
        self.best, self.says = trial, says
        return True
