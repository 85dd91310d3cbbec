"""What ``trio-lb simulate`` is told: its options, and the trials that they ask for."""

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from trio_lb.cli.arguments import of_kind
from trio_lb.config.kinds import show
from trio_lb.config.knobs import SECONDS, SECONDS_OR_OFF
from trio_lb.model.errors import ConfigError
from trio_lb.sim.scenario import PROTECTED, Scenario
from trio_lb.sim.search.shrink import DEFAULT_SECONDS
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.sweep.choices import chosen_scenario, importable, read_options
from trio_lb.sim.sweep.faults_file import FaultsFile
from trio_lb.sim.sweep.trials import Swarm, Sweep

_SCHEDULE: Final = re.compile(r"fifo|shuffle:[0-9]+")


def add_simulate_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``trio-lb simulate``."""
    parser.add_argument(
        "scenario",
        metavar="NAME",
        nargs="?",
        type=scenario,
        help="a scenario, or module:function (with --seeds: fleet, with --swarm)",
    )
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    _add_world(parser.add_argument_group("what is run"))
    _add_seeds(parser.add_argument_group("seeds"))
    _add_results(parser.add_argument_group("what comes of it"))


def _add_world(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("-c", "--config", metavar="FILE", help="your configuration (the scenario's)")
    group.add_argument(
        "--option",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="of the scenario; --list shows them",
    )
    group.add_argument(
        "--unprotected", action="store_true", help="the control run, which should fail"
    )
    group.add_argument(
        "--faults", metavar="FILE", help="a schedule in YAML or JSON, instead of the scenario's own"
    )
    group.add_argument(
        "--swarm", action="store_true", help="add random faults, drawn from each seed"
    )
    group.add_argument("--harsh", action="store_true", help="a swarm of more than can be borne")
    group.add_argument(
        "--until", metavar="TIME", type=of_kind(SECONDS), help="length with faults (the scenario's)"
    )
    group.add_argument(
        "--settle",
        metavar="TIME",
        type=of_kind(SECONDS_OR_OFF),
        help="length after the last heal (the scenario's)",
    )
    group.add_argument(
        "--schedule", default="fifo", type=schedule, help="order of tasks: fifo or shuffle:N (fifo)"
    )


def _add_seeds(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--seed", metavar="N", type=natural, default=0, help="the first seed (0)")
    group.add_argument("--seeds", metavar="N", type=positive, help="so many, over all cores")
    group.add_argument("--jobs", metavar="N", type=positive, help="processes at a time (cores)")
    group.add_argument(
        "--twins", action="store_true", help="each seed in two processes that should agree"
    )
    group.add_argument(
        "--shrink",
        metavar="TIME",
        type=of_kind(SECONDS_OR_OFF),
        default=DEFAULT_SECONDS,
        help="to make the first failure small; 0 leaves it as it is (60)",
    )


def _add_results(group: "argparse._ArgumentGroup") -> None:
    for name, says in (
        ("--html", "write the report, one page"),
        ("--json", "write the figures; - is standard output"),
        ("--trace", "write the trace, for trio-lb replay"),
        ("--emit", "make a failure small and write it as a pytest file"),
    ):
        group.add_argument(name, metavar="FILE", type=output, help=says)


# ------------------------------------------------------------------ values


def scenario(text: str) -> str:
    """Check that there is such a scenario; an argparse type."""
    try:
        name = importable(text)
        chosen_scenario(name)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name


def schedule(text: str) -> str:
    """Check that it is an order of tasks; an argparse type."""
    if not _SCHEDULE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{show(text)} is neither fifo nor shuffle:N")
    return text


def output(text: str) -> str:
    """Check that a file can be there, before a long run that would be lost; an argparse type."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{show(text)} is a folder")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {show(str(path.parent))}")
    return text


def natural(text: str) -> int:
    """Read a whole number from 0 on; an argparse type."""
    return _whole(text, 0)


def positive(text: str) -> int:
    """Read a whole number from 1 on; an argparse type."""
    return _whole(text, 1)


def _whole(text: str, least: int) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{show(text)} is not a whole number from {least} on")
    return int(text)


# ------------------------------------------------------------------ what is asked for


@attrs.frozen
class Asked:
    """A command line that was understood: the scenario, and the trials of it."""

    scenario: Scenario
    sweep: Sweep
    args: argparse.Namespace

    def command(self, seed: int) -> str:
        """Return the command that runs this seed again, without what is written down."""
        words = ["trio-lb", "simulate", *_words(self.args), "--seed", str(seed)]
        return shlex.join(words)


def asked(args: argparse.Namespace) -> Asked:
    """Return what is asked for.

    Raises:
      ConfigError: an option is none of the scenario's, or beyond its limit, a control run is
        asked for of a configuration that has none, or the file of faults is refused.
    """
    chosen = chosen_scenario(args.scenario)
    options = read_options(chosen, args.option)
    if args.unprotected:
        _require_control(chosen, args.config)
        options[PROTECTED] = False
    trial = Trial(
        args.scenario,
        seed=args.seed,
        schedule=args.schedule,
        config=args.config,
        until=chosen.until if args.until is None else args.until,
        settle=chosen.settle if args.settle is None else args.settle,
        options=options,
    )
    faults = None if args.faults is None else FaultsFile.read(args.faults)
    swarm = Swarm(args.harsh) if args.swarm or args.harsh else None
    return Asked(chosen, Sweep(trial, args.seeds or 1, faults, swarm), args)


def _require_control(chosen: Scenario, config: str | None) -> None:
    """What protects is in a configuration; a user's own is run as it is, so it has no control run.

    Raises:
      ConfigError: the run would be the same with and without ``--unprotected``.
    """
    if config is None or chosen.protects_outside or not chosen.about:
        return
    raise ConfigError(
        f"argument --unprotected: leaves out what protects the scenario's own configuration, and"
        f" {config} is run as it is: without --config, or with a file that lacks {chosen.about}"
    )


_FLAGS: Final = ("unprotected", "swarm", "harsh")
_VALUES: Final = ("config", "faults", "until", "settle")


def _words(args: argparse.Namespace) -> Iterator[str]:
    yield args.scenario
    for name in _VALUES:
        value: Any = getattr(args, name)
        if value is not None:
            yield from (f"--{name}", f"{value:g}" if isinstance(value, float) else str(value))
    for option in args.option:
        yield from ("--option", option)
    yield from (f"--{name}" for name in _FLAGS if getattr(args, name))
    if args.schedule != "fifo":
        yield from ("--schedule", args.schedule)
