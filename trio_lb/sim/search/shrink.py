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
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.search.ddmin import ddmin
from trio_lb.sim.search.simpler import (
    Way,
    all_earlier,
    is_broken_within,
    joined,
    replaced,
    shortened,
    simpler_durations,
    simpler_options,
    until_broken,
    ways_of,
    with_options,
)
from trio_lb.sim.search.trial import CRASHED, Outcome, Run, Trial, attempt

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

    ``finished`` says that nothing makes it smaller; False when the budget was spent before, or
    somebody pressed Ctrl-C, which ``interrupted`` says.
    """

    trial: Trial
    check: str
    says: str
    runs: int
    finished: bool
    interrupted: bool = False


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
    counts as one that does not fail. A run that raises fails the check ``crashed``. After Ctrl-C
    the result is what was found so far.

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
    shrinker.keep(trial, outcome)
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
        self._broken_at: float | None = None
        self._run = run
        self._check = check
        self._budget = budget
        self._clock = clock
        self._begun = clock()
        self._on_progress = on_progress
        self._known: dict[str, Outcome | None] = {}
        self._runs = 1
        self._step = ""

    def keep(self, trial: Trial, outcome: Outcome) -> None:
        """Take it, which fails, for the best so far."""
        self._known[trial.text] = outcome
        self.best = trial
        self.says = outcome.violations[self._check]
        self._broken_at = outcome.broken_at.get(self._check)

    def shrink(self) -> Shrunk:
        """Take all steps until a round of them changes nothing, or nobody wants more."""
        try:
            finished, interrupted = self._take_all(), False
        except KeyboardInterrupt:
            finished, interrupted = False, True
        return Shrunk(self.best, self._check, self.says, self._runs, finished, interrupted)

    def _take_all(self) -> bool:
        """Return whether nothing is left that could be smaller; False when the budget is spent."""
        before = None
        self._take("first cut", self._cut)
        while before != self.best and self._may_go_on():
            before = self.best
            self._take("faults", self._fewer_faults)
            self._take("duration", self._less_time)
            self._take("options", self._fewer_options)
            self._take("numbers", self._simpler_faults)
        return before == self.best and self._may_go_on()

    def _take(self, name: str, step: Callable[[], object]) -> None:
        self._step = name
        step()

    def _cut(self) -> None:
        """End the run when the check has objected; where that is not known, halve it while it fails.

        All that follows costs as much less.
        """
        if is_broken_within(self.best, self._broken_at):
            cut = until_broken(self.best, self._broken_at)
            if cut == self.best or not self._may_go_on() or self._fails(cut):
                return
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
        self._descend(joined)

    def _less_time(self) -> None:
        """A run that begins sooner with what matters can end sooner, too."""
        for simpler in (self._shorter, all_earlier, self._shorter):
            self._descend(simpler)

    def _shorter(self, trial: Trial) -> Iterator[Trial]:
        return simpler_durations(trial, self._broken_at)

    def _simpler_faults(self) -> None:
        """One number after the other, each as far as it goes."""
        for fault in self.best.faults:
            for way in ways_of(fault):
                fault = self._simpler_fault(fault, way)

    def _simpler_fault(self, fault: Fault, way: Way) -> Fault:
        """Return what has become of the fault."""
        moved = True
        while moved:
            moved = False
            for simpler in way(fault):
                if not self._may_go_on():
                    return fault
                if self._fails(replaced(self.best, fault, simpler)):
                    fault, moved = simpler, True
                    break
        return fault

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
        is_new = text not in self._known
        outcome = self._known[text] = self._tried(trial) if is_new else self._known[text]
        if outcome is not None:
            self.keep(trial, outcome)
        if is_new:
            self._on_progress(Step(self._step, self._runs, self.best))
        return outcome is not None

    def _is_another_crash(self, says: str) -> bool:
        """Checks are told apart by name, crashes by what was raised."""
        return self._check == CRASHED and says.partition(":")[0] != self.says.partition(":")[0]

    def _tried(self, trial: Trial) -> Outcome | None:
        """Return what came of it if it fails as it should."""
        self._runs += 1
        try:
            outcome = attempt(trial, self._run)
        except ConfigError:
            return None  # No such world: the scenario can't do without what was left out.
        says = outcome.violations.get(self._check)
        return None if says is None or self._is_another_crash(says) else outcome
