"""The hunt: each planted bug is looked for by scenarios as they are, and what it fails is shrunk.

    python -m tests.sim.planted.hunt [NAME ...]

hunts those bugs (all without a name), keeps what it found in ``found.json`` beside this file and
writes the table of docs/simulation/bug-finding.md anew. The trials and their order are the same
for every bug: a fleet with a mild swarm of faults, the same with a harsh one, the next scenario
of the catalogue, and round again with the next seed.

A trial finds a bug if it fails a check with the bug, and none without it: false alarms do not
count. CPU seconds are those of the runs with the bug.
"""

import argparse
import itertools
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Final

import attrs

from tests.sim.planted.bug import Bug
from tests.sim.planted.bugs import BUGS
from tests.sim.planted.found import Find, read_found, write_found, write_page
from trio_lb.sim.scenarios.catalogue import MODULES, find
from trio_lb.sim.search.shrink import Budget, shrink
from trio_lb.sim.search.trial import Outcome, Trial, attempt
from trio_lb.sim.sweep.trials import Swarm, Sweep
from trio_lb.sim.trial_run import as_certain, run_trial, run_whole

GROUND: Final = "fleet"
MOST_SECONDS: Final = 60.0
"""So much processor time each bug is hunted for."""
SHRINK_SECONDS: Final = 60.0


def trials() -> Iterator[Trial]:
    """Yield what is run, for every bug alike."""
    others = (name for name in MODULES if name != GROUND)
    for seed in itertools.count(1):
        for harsh in (False, True):
            yield Sweep(_as_it_comes(GROUND, seed), swarm=Swarm(harsh)).first
        name = next(others, None)
        if name is not None:
            yield _as_it_comes(name, 1)


def _as_it_comes(name: str, seed: int) -> Trial:
    scenario = find(name)
    return Trial(name, seed=seed, until=scenario.until, settle=scenario.settle)


@cache
def _clean(text: str) -> Outcome:
    return attempt(Trial.from_data(json.loads(text)), run_trial)


def is_clean(trial: Trial) -> bool:
    """Whether the trial fails nothing in the product as it is."""
    return _clean(trial.text).ok


def run_with(bug: Bug, trial: Trial, *, enough: str = "") -> Outcome:
    """Run a trial with the bug in the product; until a check objects, if that is ``enough``."""
    with bug.planted():
        return attempt(trial, partial(run_trial, enough=enough))


def hunt(bug: Bug, *, seconds: float = MOST_SECONDS) -> Find:
    """Look for a bug for so many seconds of processor time."""
    spent = 0.0
    for count, trial in enumerate(trials(), 1):
        begun = time.process_time()
        outcome = run_with(bug, trial)
        spent += time.process_time() - begun
        if spent > seconds:
            break
        if not outcome.ok and is_clean(trial):
            check, says = next(iter(outcome.violations.items()))
            certain = _certain(trial)
            faults = len(certain.faults)
            return Find(check, round(spent, 1), count, says, faults, trial=certain)
    return Find("", round(spent, 1), count)


def _certain(trial: Trial) -> Trial:
    """Name the faults that a scenario brings: they are the same without the bug."""
    return as_certain(trial, run_whole(trial, tally=False)) if trial.scenario != GROUND else trial


def made_smaller(bug: Bug, found: Find, *, seconds: float) -> Find:
    """Shrink what has found a bug, as far as it gets in so many seconds of processor time.

    That the product fails nothing is hardly ever in doubt: it is asked for the smallest trial,
    and for each one only if that was not clean.
    """
    if found.trial is None:
        return found
    quick = _shrunk(bug, found, found.trial, seconds, lambda trial: True)
    assert quick.trial is not None, "something is left of it"
    if is_clean(quick.trial):
        return quick
    return _shrunk(bug, found, found.trial, seconds, is_clean)


def _shrunk(
    bug: Bug, found: Find, trial: Trial, seconds: float, is_fair: Callable[[Trial], bool]
) -> Find:
    def differs(candidate: Trial) -> Outcome:
        """Fail only what the bug makes fail."""
        outcome = run_with(bug, candidate, enough=found.check)
        return outcome if outcome.ok or is_fair(candidate) else Outcome()

    budget = Budget(seconds=seconds)
    small = shrink(trial, differs, clock=time.process_time, check=found.check, budget=budget)
    if small.interrupted:
        raise KeyboardInterrupt
    runs = found.shrinking + small.runs - 1
    return attrs.evolve(found, trial=small.trial, says=small.says, shrinking=runs)


def main(argv: list[str]) -> int:
    """Hunt, and shrink."""
    parser = argparse.ArgumentParser(description="Hunt planted bugs.")
    parser.add_argument("name", nargs="*", help="bugs to hunt; all by default")
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS, help="CPU seconds for each")
    parser.add_argument("--shrink", type=float, default=SHRINK_SECONDS, help="CPU seconds for each")
    parser.add_argument("--again", action="store_true", help="only shrink further what was found")
    asked = parser.parse_args(argv)
    unknown = [name for name in asked.name if name not in BUGS]
    if unknown:
        parser.error(f"no such bug: {', '.join(unknown)}; there are: {', '.join(BUGS)}")
    logging.disable(logging.CRITICAL)
    for name in asked.name or BUGS:
        found = read_found()[name] if asked.again else hunt(BUGS[name], seconds=asked.seconds)
        if asked.shrink:
            found = made_smaller(BUGS[name], found, seconds=asked.shrink)
        # Read anew: somebody else may hunt others at the same time.
        write_found({**read_found(), name: found})
        told = found.check or "NOT FOUND"
        sys.stdout.write(f"{name}: {told} after {found.seconds} s, {found.trials} trials\n")
        sys.stdout.flush()
    write_page(read_found())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
