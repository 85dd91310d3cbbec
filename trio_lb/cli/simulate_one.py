"""``trio-lb simulate`` with one seed: run in this process, with all that it leaves behind."""

import argparse
import json
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import attrs

from trio_lb.cli.exits import Exit
from trio_lb.cli.simulate_options import Asked
from trio_lb.cli.simulate_text import one_run
from trio_lb.model.errors import ConfigError
from trio_lb.sim.result import Result
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.trial_run import simulation_of


def run_one(asked: Asked) -> int:
    """Run the first seed and return the exit code.

    Raises:
      ConfigError: a configuration, or a fault, is refused.
      KeyboardInterrupt: Ctrl-C, after a line that says what was cut off.
    """
    args, trial = asked.args, asked.sweep.first
    try:
        with plain_interrupts():
            result = run_trial_whole(trial, asked.command(trial.seed), trace=args.trace or True)
    except ConfigError:
        raise
    except KeyboardInterrupt:
        print(f"interrupted: seed {trial.seed} was not done", file=sys.stderr)
        raise
    except Exception as error:
        return tell_crash(error)
    if asked.sweep.faults is not None:  # The trial holds only those of the file that come.
        vain = (*result.vain, *asked.sweep.vain)
        result = attrs.evolve(result, late=asked.sweep.late, vain=vain)
    if args.json != "-":
        print(one_run(result, ascii_only=not writes_unicode()))
    write_down(args, result)
    return exit_of(ok=result.ok, vacuous=result.is_vacuous)


def exit_of(*, ok: bool, vacuous: bool) -> Exit:
    """Return how a simulation ends: a broken check says something, vacuous or not."""
    if not ok:
        return Exit.FAILURE
    return Exit.VACUOUS if vacuous else Exit.OK


def run_trial_whole(trial: Trial, command: str, *, trace: str | bool) -> Result:
    """Run a trial here; its reports say by which command it is run again.

    Raises:
      ConfigError: the scenario, its configuration or a fault is refused.
      Exception: what an actor, a check or the balancer raised, with notes on seed and instant.
    """
    sim = simulation_of(trial)
    sim.command = command
    return sim.run(trial.until, settle=trial.settle, trace=trace)


def write_down(args: argparse.Namespace, result: Result) -> None:
    """Write the reports that were asked for; the trace was written as it came."""
    if args.html is not None:
        result.html(args.html)
    if args.json is not None:
        write_json(args.json, result.to_data())


def write_json(path: str, data: Mapping[str, object]) -> None:
    """Write an object to a file, or to standard output for ``-``."""
    text = json.dumps(data, indent=2, allow_nan=False)
    if path == "-":
        print(text)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")


def tell_crash(error: Exception) -> Exit:
    """Say what raised, where, and in which seed; the last line is the sentence."""
    traceback.print_exception(error)
    notes = "; ".join(getattr(error, "__notes__", ()))
    said = f"{type(error).__name__}: {error}" + (f" ({notes})" if notes else "")
    print(f"trio-lb simulate: the simulation itself crashed: {said}", file=sys.stderr)
    return Exit.SOFTWARE


@contextmanager
def plain_interrupts() -> Iterator[None]:
    """A Ctrl-C that comes out of nurseries wrapped in groups is one Ctrl-C.

    Raises:
      KeyboardInterrupt: for a group with one in it.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        raise KeyboardInterrupt from None


def writes_unicode() -> bool:
    """Whether standard output takes more than ASCII."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
