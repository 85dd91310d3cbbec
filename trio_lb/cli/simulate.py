"""Run a scenario: the real balancer, virtual time and network, an outage from a seed.

  trio-lb simulate zone-partition
  trio-lb simulate zone-partition -c lb.yaml --seed 17 --html out.html
  trio-lb simulate fleet --swarm --seeds 1000 --emit test_found.py
  trio-lb simulate -c lb.yaml --seeds 1000

Without a NAME the last is a search: ``fleet``, which has something of everything, in a swarm of
random faults.

Exit code 0 when every check held, 1 when one was broken; 5 when all held, but a point that
the scenario is about was never reached, so that it shows nothing (VACUOUS).
"""

import argparse
import sys
from typing import Final

from trio_lb.cli.exits import Exit
from trio_lb.cli.simulate_one import run_one
from trio_lb.cli.simulate_options import add_simulate_arguments, asked
from trio_lb.cli.simulate_seeds import run_seeds
from trio_lb.cli.simulate_text import catalogue
from trio_lb.model.errors import ConfigError
from trio_lb.sim.scenarios.catalogue import scenarios

SEARCHED: Final = "fleet"
"""What is searched when nobody says what: it has something of everything."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``trio-lb simulate``."""
    add_simulate_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run what is asked for and return the exit code.

    Raises:
      ConfigError: a configuration, or a file of faults, is refused.
    """
    if args.list:
        print(catalogue(list(scenarios())))
        return Exit.OK
    if args.scenario is None and args.seeds is not None:
        args.scenario, args.swarm = SEARCHED, True
    wrong = _misuse(args)
    if wrong:
        return _refuse(wrong)
    try:
        told = asked(args)
    except ConfigError as error:
        if any(each.file for each in error.problems):
            raise
        return _refuse(str(error))  # An option's: the command line says it by itself.
    alone = args.seeds is None and not args.twins and args.emit is None
    return run_one(told) if alone else run_seeds(told)


def _misuse(args: argparse.Namespace) -> str:
    if args.scenario is None:
        return "the name of a scenario is missing; --list shows them"
    for name in ("trace", "html", "emit"):
        if getattr(args, name) == "-":
            return f"argument --{name}: goes to a file, not to standard output"
    return ""


def _refuse(message: str) -> Exit:
    print(f"trio-lb simulate: {message}", file=sys.stderr)
    return Exit.USAGE
