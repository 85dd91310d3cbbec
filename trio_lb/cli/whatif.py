"""Compare two configurations in the same outages: the same clients, faults and chance for both.

  trio-lb whatif old.yaml new.yaml
  trio-lb whatif old.yaml new.yaml --scenario zone-partition --seeds 10 --html ab.html

Exit code 0; with --fail-if-worse 1 when the new one breaks a check that the old one keeps.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from trio_lb.cli.arguments import of_kind
from trio_lb.cli.exits import Exit
from trio_lb.cli.progress import progress
from trio_lb.cli.simulate_one import write_json
from trio_lb.cli.simulate_options import natural, output, positive, scenario
from trio_lb.cli.unheard import unheard
from trio_lb.cli.whatif_table import Chapter, chapter_text, whatif_data
from trio_lb.config.knobs import SECONDS
from trio_lb.sim.scenario import Scenario
from trio_lb.sim.scenarios.catalogue import MODULES
from trio_lb.sim.search.explore import Exploration, explore
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.sweep.choices import chosen_scenario
from trio_lb.sim.sweep.faults_file import FaultsFile
from trio_lb.sim.sweep.trials import Sweep
from trio_lb.sim.whatif.compare import Comparison, require_usable

ALL: Final = "all"
LONGEST_SECONDS: Final = 3600.0
"""What takes longer has to be named: ``all`` is an answer that one waits for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``trio-lb whatif``."""
    parser.add_argument("old", metavar="OLD", help="a configuration: a YAML, JSON or TOML file")
    parser.add_argument("new", metavar="NEW", help="the one that might take its place")
    parser.add_argument(
        "--scenario",
        metavar="NAMES",
        type=scenario_names,
        default=ALL,
        help="one or more, with commas between; all of up to an hour (all)",
    )
    parser.add_argument("--seed", metavar="N", type=natural, default=0, help="the first seed (0)")
    parser.add_argument("--seeds", metavar="N", type=positive, default=1, help="so many each (1)")
    parser.add_argument("--jobs", metavar="N", type=positive, help="processes at a time (cores)")
    parser.add_argument(
        "--faults", metavar="FILE", help="a schedule in YAML or JSON, instead of the scenarios' own"
    )
    parser.add_argument(
        "--until", metavar="TIME", type=of_kind(SECONDS), help="length with faults (the scenario's)"
    )
    parser.add_argument("--html", metavar="FILE", type=output, help="write a page that shows both")
    parser.add_argument(
        "--json", metavar="FILE", type=output, help="write the figures; - is standard output"
    )
    parser.add_argument(
        "--fail-if-worse", action="store_true", help="exit with 1 if new breaks what old keeps"
    )


def scenario_names(text: str) -> str:
    """Check that all of the names are scenarios; an argparse type."""
    return text if text == ALL else ",".join(scenario(name.strip()) for name in text.split(","))


def run(args: argparse.Namespace) -> int:
    """Run both in all scenarios, tell what came of it, and return the exit code.

    Raises:
      ConfigError: one of the two configurations, or the file of faults, is refused.
    """
    for config in (args.old, args.new):
        require_usable(config)
    chosen = list(chosen_scenarios(args.scenario))
    comparison = Comparison(args.new, pages_of(args.html, chosen, args.seed), args.faults)
    faults = None if args.faults is None else FaultsFile.read(args.faults)
    sweeps = [_sweep(args, each, faults) for each in chosen]
    with unheard():
        explored = _explored(args, sweeps, comparison)
    chapters = [_chapter(sweep, explored) for sweep in sweeps]
    _tell(args, chapters, explored.interrupted)
    if explored.interrupted:
        return Exit.INTERRUPTED
    return _code(args, chapters)


def chosen_scenarios(names: str) -> Iterator[Scenario]:
    """Yield what ``--scenario`` names."""
    for name in MODULES if names == ALL else dict.fromkeys(names.split(",")):
        found = chosen_scenario(name)
        if names != ALL or found.until <= LONGEST_SECONDS:
            yield found


def pages_of(
    html: str | None, chosen: Sequence[Scenario], seed: int
) -> Mapping[tuple[str, int], str]:
    """Return a page for the first seed of each scenario: ``ab.html``, or ``ab-NAME.html`` of several."""
    if html is None:
        return {}
    if len(chosen) == 1:
        return {(chosen[0].name, seed): html}
    path = Path(html)
    names = {each.name: each.name.replace(":", "-") for each in chosen}
    return {
        (name, seed): str(path.with_name(f"{path.stem}-{file}{path.suffix}"))
        for name, file in names.items()
    }


def _sweep(args: argparse.Namespace, chosen: Scenario, faults: FaultsFile | None) -> Sweep:
    """Return the trials of one scenario. What a file's faults leave open is drawn in OLD's world."""
    trial = Trial(
        chosen.name,
        seed=args.seed,
        config=args.old,
        until=chosen.until if args.until is None else args.until,
        settle=chosen.settle,
    )
    return Sweep(trial, args.seeds, faults)


def _explored(
    args: argparse.Namespace, sweeps: Sequence[Sweep], comparison: Comparison
) -> Exploration:
    trials = [trial for sweep in sweeps for trial in sweep]
    with progress(sys.stderr) as show:
        return explore(trials, comparison, processes=args.jobs, on_progress=show)


def _chapter(sweep: Sweep, explored: Exploration) -> Chapter:
    name = sweep.base.scenario
    findings = [each for each in explored.findings if each.trial.scenario == name]
    late = [sweep.late] if sweep.late else []
    return Chapter(name, findings, [*late, *(f"VACUOUS: {why}" for why in sweep.vain)])


def _tell(args: argparse.Namespace, chapters: Sequence[Chapter], interrupted: bool) -> None:
    done = [chapter for chapter in chapters if chapter.findings]
    if args.json != "-":
        if interrupted:
            print("interrupted; what was done:")
        print("\n\n".join(chapter_text(chapter) for chapter in done))
    if args.json is not None:
        data = whatif_data(args.old, args.new, done, interrupted=interrupted)
        write_json(args.json, data)


def _code(args: argparse.Namespace, chapters: Sequence[Chapter]) -> Exit:
    if any(chapter.crashed for chapter in chapters):
        return Exit.FAILURE
    worse = any(chapter.is_worse for chapter in chapters)
    return Exit.FAILURE if worse and args.fail_if_worse else Exit.OK
