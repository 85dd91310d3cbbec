"""``trio-lb simulate --seeds N``: all of them over all cores, the first failure made small."""

import sys
from collections.abc import Iterable

from trio_lb.cli.exits import Exit
from trio_lb.cli.progress import progress
from trio_lb.cli.simulate_one import (
    exit_of,
    plain_interrupts,
    run_trial_whole,
    tell_crash,
    write_json,
)
from trio_lb.cli.simulate_options import Asked
from trio_lb.cli.simulate_text import many_runs, many_runs_data, missed, small_text, vain
from trio_lb.cli.unheard import unheard
from trio_lb.sim.checks.board import Board
from trio_lb.sim.search.explore import Exploration, Finding, explore
from trio_lb.sim.search.shrink import Budget, Step
from trio_lb.sim.search.trial import CRASHED
from trio_lb.sim.search.twins import DIVERGED
from trio_lb.sim.sweep.failure import Small, made_small
from trio_lb.sim.trial_run import run_trial, simulation_of


def run_seeds(asked: Asked) -> int:
    """Run all seeds, tell what came of them, and return the exit code.

    Ctrl-C ends the search: what is done is told, and the exit code is 130.

    Raises:
      ConfigError: the configuration, or a fault, is refused by the first seed's world.
    """
    small: Small | None = None
    with unheard():
        wanted = points_of(asked)
        explored = explored_with_progress(asked)
        if asked.args.json != "-":
            print(many_runs(asked, explored, wanted), flush=True)
        interrupted = explored.interrupted
        try:
            small = None if interrupted else _small(asked, explored.failures)
        except KeyboardInterrupt:  # It came before there was anything smaller.
            interrupted = True
    interrupted = interrupted or (small is not None and small.shrunk.interrupted)
    if small is not None and asked.args.json != "-":
        print(small_text(small, asked.args.emit))
    _write_data(asked, explored, wanted, small)
    if interrupted:
        return Exit.INTERRUPTED
    _write_one(asked, explored)
    if _is_one_crash(explored):
        return Exit.SOFTWARE
    return exit_of(
        ok=not explored.failures, vacuous=bool(missed(explored, wanted) or vain(asked, explored))
    )


def _is_one_crash(explored: Exploration) -> bool:
    """Whether the only seed crashed: nothing was found out about what was to be simulated."""
    return len(explored.findings) == 1 and CRASHED in explored.findings[0].outcome.violations


def points_of(asked: Asked) -> list[str]:
    """Return the points of coverage that the scenario wants reached.

    Raises:
      ConfigError: there is no such world; better told now than once for each seed.
    """
    first = asked.sweep.first
    board = Board(simulation_of(first).checks, first.until, first.settle)
    return [point.name for point in board.coverage]


def explored_with_progress(asked: Asked) -> Exploration:
    """Run the trials; on a terminal a bar on standard error tells how far it is, elsewhere lines do."""
    args = asked.args
    with progress(sys.stderr) as show:
        return explore(
            asked.sweep, run_trial, processes=args.jobs, twins=args.twins, on_progress=show
        )


def _small(asked: Asked, failures: Iterable[Finding]) -> Small | None:
    """Shrink the first failure, if that is wanted; a test is written where it was asked for."""
    first = next(iter(failures), None)
    if first is None or not asked.args.shrink:
        return None
    show = _show_step if sys.stderr.isatty() else lambda step: None
    with plain_interrupts():
        small = made_small(first, budget=Budget(seconds=asked.args.shrink), on_progress=show)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if small is not None and asked.args.emit is not None and small.test:
        with open(asked.args.emit, "w", encoding="utf-8") as file:
            file.write(small.test)
    return small


def _show_step(step: Step) -> None:
    text = f"shrinking: {step.runs} runs, {len(step.best.faults)} faults, {step.best.until:g} s"
    print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


def _write_data(
    asked: Asked, explored: Exploration, wanted: list[str], small: Small | None
) -> None:
    if asked.args.json is not None:
        write_json(asked.args.json, many_runs_data(asked, explored, wanted, small))


def _write_one(asked: Asked, explored: Exploration) -> None:
    """Report and trace are those of the first seed that failed; of the first, if none did."""
    args = asked.args
    chosen = next(iter([*explored.failures, *explored.findings]), None)
    if chosen is None or (args.html is None and args.trace is None):
        return
    try:
        with plain_interrupts():
            trial = chosen.trial
            result = run_trial_whole(trial, asked.command(trial.seed), trace=args.trace or True)
    except Exception as error:
        if CRASHED not in chosen.outcome.violations and DIVERGED not in chosen.outcome.violations:
            raise
        tell_crash(error)
        return
    if args.html is not None:
        result.html(args.html)
