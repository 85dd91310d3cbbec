"""The command line of the ledger."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

import trio

from benchmarks.ledger import accounts, report, stage, summary
from benchmarks.ledger.fleet import TooLate
from benchmarks.ledger.proxies import PROXIES, Proxy
from benchmarks.ledger.report import Cell
from benchmarks.ledger.scenarios import SCENARIOS, Scenario
from benchmarks.program import ProgramFailed

EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130
OURS: Final = "trio_lb"


class Named(Protocol):
    """A scenario or a proxy, as far as choosing goes."""

    @property
    def name(self) -> str: ...


NamedT = TypeVar("NamedT", bound=Named)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    0: every run could be made, and ours broke no rule and kept its limits; 1: not so;
    130: interrupted. What a peer breaks is a figure: it is there to be compared with.
    """
    options = parser().parse_args(arguments)
    proxies = _choose(PROXIES, options.proxy)
    cells: list[Cell] = []
    try:
        for scenario in _choose(SCENARIOS, options.scenario):
            for proxy in proxies:
                if proxy.is_present():
                    cells.append(_perform(scenario, proxy, options))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    print("\n" + report.table(cells), end="")
    for proxy in proxies:
        if not proxy.is_present():
            print(f"{proxy.name} is not here: {proxy.install}")
    if options.json:
        options.json.write_text(json.dumps([each.as_dict() for each in cells], indent=1), "utf-8")
    return EXIT_OK if all(each.is_fine for each in cells if each.proxy == OURS) else EXIT_FAILED


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.ledger",
        description="Prove over real sockets that nothing accepted is lost.",
    )
    scenarios = [each.name for each in SCENARIOS]
    made.add_argument(
        "--scenario", nargs="+", choices=scenarios, help="which stories (default: all)"
    )
    made.add_argument(
        "--proxy",
        nargs="+",
        choices=[each.name for each in PROXIES],
        default=[OURS],
        help=f"which proxies (default: {OURS})",
    )
    made.add_argument("--requests", type=int, default=3000, help="requests a scenario (3000)")
    made.add_argument("--seed", type=int, default=0, help="of the mix of requests (0)")
    made.add_argument("--json", type=Path, help="write all figures into this file")
    made.add_argument("--keep", type=Path, help="copy all journals and logs into this folder")
    return made


def _choose(there: Sequence[NamedT], names: Sequence[str] | None) -> list[NamedT]:
    return [each for each in there if names is None or each.name in names]


def _perform(scenario: Scenario, proxy: Proxy, options: argparse.Namespace) -> Cell:
    """One run; what it did wrong is printed at once."""
    print(f"{scenario.name}, {proxy.name}: {scenario.title}", flush=True)
    run, says = None, ""
    try:
        run = trio.run(_run, scenario, proxy, options)
    except* (ProgramFailed, TooLate) as group:
        says = "; ".join(map(str, _leaves(group)))
    if run is None:
        print(f"  failed: {says}", flush=True)
        return Cell(scenario, proxy.name, failed=says)
    figures = summary.figures_of(run)
    print(f"  {report.line(figures)}")
    problems = [*accounts.examples(run.violations), *summary.misses(figures, scenario.limits)]
    for problem in problems:
        print(f"  {problem}")
    sys.stdout.flush()
    return Cell(scenario, proxy.name, figures, problems)


async def _run(scenario: Scenario, proxy: Proxy, options: argparse.Namespace) -> stage.Run:
    return await stage.perform(
        scenario,
        proxy,
        requests=options.requests,
        seed=options.seed,
        keep=options.keep and options.keep / f"{scenario.name}-{proxy.name}",
    )


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for each in group.exceptions
        for leaf in (_leaves(each) if isinstance(each, BaseExceptionGroup) else [each])
    ]
