"""A failure of a sweep, made small and written down.

    finding --run it whole--> the faults that came, each by name --shrink--> trial --emit--> test

Each run of the search happens in a process of its own: a run that crashes, or takes its process
with it, is one more that fails.
"""

from collections.abc import Callable
from functools import partial

import attrs

from trio_lb.sim.search.emit import emit
from trio_lb.sim.search.explore import NO_END, Finding, explore
from trio_lb.sim.search.patience import LEAST_SECONDS, TIMES
from trio_lb.sim.search.shrink import Budget, DoesNotFail, Shrunk, Step, shrink
from trio_lb.sim.search.trial import CRASHED, Outcome, Run, Trial
from trio_lb.sim.search.twins import DIVERGED, TwinRun
from trio_lb.sim.sweep.stopwatch import Stopwatch
from trio_lb.sim.trial_run import RUN_NAME, as_certain, run_trial, run_whole


@attrs.frozen
class Small:
    """What is left of a failure. ``before`` is the trial with all its faults by name.

    ``test`` is a pytest file; "" where only a comparison of two processes fails, and for a run
    without an end: nobody wants a test of which one has to wait for that.
    """

    before: Trial
    shrunk: Shrunk
    test: str


def made_small(
    finding: Finding,
    *,
    budget: Budget | None = None,
    on_progress: Callable[[Step], object] = lambda step: None,
) -> Small | None:
    """Return a failed finding as small as it gets; None if it does not happen again.

    Raises:
      KeyboardInterrupt: Ctrl-C came before anything was known; later it only ends the shrinking.
    """
    check = next(iter(finding.outcome.violations))
    watch = Stopwatch()
    before = _certain(finding)
    patience = _patience(finding, watch.seconds())
    run: Run = TwinRun(RUN_NAME)
    if check != DIVERGED:
        run = partial(apart, enough=check, patience=patience)
    try:
        shrunk = shrink(
            before,
            run,
            clock=Stopwatch().seconds,
            check=check,
            budget=budget,
            on_progress=on_progress,
        )
    except DoesNotFail:
        return None
    finally:
        if isinstance(run, TwinRun):
            run.close()
    if check == DIVERGED or _has_no_end(finding):
        return Small(before, shrunk, "")
    return Small(
        before, shrunk, emit(shrunk.trial, run=RUN_NAME, check=shrunk.check, says=shrunk.says)
    )


def _has_no_end(finding: Finding) -> bool:
    return f": {NO_END}: " in finding.outcome.violations.get(CRASHED, "")


def _patience(finding: Finding, seconds: float) -> float | None:
    """Return what a run may take, if one took so many seconds; how long a crash takes nobody knows."""
    if CRASHED not in finding.outcome.violations:
        return max(LEAST_SECONDS, TIMES * seconds)
    return LEAST_SECONDS if _has_no_end(finding) else None


def _certain(finding: Finding) -> Trial:
    """Name the faults that the scenario brings; who crashes, or changes, can't be asked for them."""
    if {CRASHED, DIVERGED} & finding.outcome.violations.keys():
        return finding.trial
    return as_certain(finding.trial, run_whole(finding.trial, tally=False))


def apart(trial: Trial, *, enough: str = "", patience: float | None = None) -> Outcome:
    """Run a trial in a process of its own; until a check objects, if that is ``enough``.

    One that takes more than ``patience`` seconds is given up, and has crashed.

    Raises:
      KeyboardInterrupt: Ctrl-C came meanwhile.
    """
    explored = explore([trial], partial(run_trial, enough=enough), processes=1, patience=patience)
    if explored.interrupted:
        raise KeyboardInterrupt
    outcome = explored.findings[0].outcome
    if CRASHED not in outcome.violations:
        return outcome
    # Crashes are told apart by what they begin with: the class, or how the process ended.
    says = outcome.violations[CRASHED].removeprefix(f"seed {trial.seed}: ")
    return attrs.evolve(outcome, violations={CRASHED: says})
