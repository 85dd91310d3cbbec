"""Validate a configuration: every problem at once, by file, line and path.

Exit code 0 when nothing in it is wrong (warnings or not), 78 when something is. A certificate
that is not here is a warning and is not looked into: it may be where the configuration will
run. `trio-lb run` needs it, and ends with 78 without it.
"""

import argparse
import json
from collections.abc import Sequence

import attrs

from trio_lb.cli.certificates import certificate_problems, needed
from trio_lb.cli.exits import Exit
from trio_lb.config.load import Examined, examine_file
from trio_lb.config.nodes import Unsupported
from trio_lb.config.schema import Config
from trio_lb.model.errors import Problem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``trio-lb check``."""
    parser.add_argument("config", metavar="CONFIG", help="a YAML, JSON or TOML file")
    parser.add_argument("--json", action="store_true", help="print one JSON object for a program")


def run(args: argparse.Namespace) -> int:
    """Print what is wrong with ``args.config`` on standard output and return the exit code."""
    examined = _with_certificates(examine_file(args.config), args.config)
    print(as_json(examined.problems) if args.json else as_text(args.config, examined))
    return Exit.BAD_CONFIG if examined.config is None else Exit.OK


def _with_certificates(examined: Examined, name: str) -> Examined:
    """Look into the files that a configuration names, once it is good but for them."""
    if examined.config is None:
        return examined
    spoilt = [attrs.evolve(each, file=name) for each in certificate_problems(examined.config)]
    config = None if spoilt else examined.config
    return Examined(config, (*examined.problems, *spoilt))


def as_json(problems: Sequence[Problem]) -> str:
    """Return ``{"problems": [{file, line, path, message, severity}]}``."""
    rows = [
        {
            "file": each.file,
            "line": each.line,
            "path": each.path,
            "message": each.message,
            "severity": each.severity,
        }
        for each in problems
    ]
    return json.dumps({"problems": rows}, indent=2)


def as_text(name: str, examined: Examined) -> str:
    """Return a line for each problem, and one that sums them up."""
    counts = ", ".join(_counts(examined.problems))
    if examined.config is None:
        summary = f"{name}: {counts}"
    else:
        summary = "; ".join(
            filter(None, [f"{name}: good: {_size(examined.config)}", counts, _unseen(examined)])
        )
    return "\n".join([*map(str, examined.problems), summary])


def _unseen(examined: Examined) -> str:
    """What was not looked into, and decides whether it can be run where it lies."""
    if examined.config is None:
        return ""
    count = len({each.named for each in needed(examined.config, examined.problems)})
    them = "it" if count == 1 else "them"
    return f"not looked into: {_plural(count, 'file')}, and run needs {them}" if count else ""


def _counts(problems: Sequence[Problem]) -> list[str]:
    """What this version can't do is counted apart: the file is right, and early."""
    later = sum(isinstance(each, Unsupported) for each in problems)
    warnings = sum(each.severity == "warning" for each in problems)
    errors = len(problems) - later - warnings
    return [
        text
        for count, text in (
            (errors, _plural(errors, "error")),
            (later, f"{later} not supported in this version"),
            (warnings, _plural(warnings, "warning")),
        )
        if count
    ]


def _size(config: Config) -> str:
    pools = [pool for pool in config.pools.values() if pool.servers]
    servers = sum(len(pool.servers) for pool in pools)
    return ", ".join(
        [
            _plural(len(config.listeners), "listener"),
            _plural(len(pools), "pool"),
            _plural(servers, "server"),
        ]
    )


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
