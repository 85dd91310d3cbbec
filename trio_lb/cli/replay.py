"""Make a run again from its trace, tell it, or tell where two traces part.

  trio-lb replay run.jsonl
  trio-lb replay run.jsonl --until 42s
  trio-lb replay run.jsonl --html out.html
  trio-lb replay run.jsonl --explain 17
  trio-lb replay a.jsonl b.jsonl

Exit code 0 when it was the same run, 1 when it was another.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from trio_lb.cli.arguments import of_kind
from trio_lb.cli.exits import Exit
from trio_lb.cli.simulate_one import plain_interrupts, tell_crash, writes_unicode
from trio_lb.cli.simulate_options import output, positive
from trio_lb.cli.simulate_text import plural, verdict
from trio_lb.config.knobs import SECONDS_OR_OFF
from trio_lb.model.errors import ConfigError
from trio_lb.sim.divergence import first_divergence
from trio_lb.sim.report.page import page
from trio_lb.sim.report.written import figures_of_trace
from trio_lb.sim.search.replay import explain, tell_difference, tell_run
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.sweep.again import Again, run_again, trial_of
from trio_lb.sim.sweep.choices import importable
from trio_lb.sim.trace import current_versions
from trio_lb.sim.trace_reader import read_header


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``trio-lb replay``."""
    parser.add_argument("trace", metavar="TRACE", help="of trio-lb simulate --trace")
    parser.add_argument("other", metavar="OTHER", nargs="?", help="a trace to compare it with")
    parser.add_argument(
        "--until", metavar="TIME", type=of_kind(SECONDS_OR_OFF), help="up to that instant, all told"
    )
    parser.add_argument(
        "--explain", metavar="REQUEST", type=positive, help="tell the life of one request"
    )
    parser.add_argument(
        "--as-written", action="store_true", help="only tell what is written; run nothing"
    )
    parser.add_argument(
        "--html",
        metavar="FILE",
        type=output,
        help="write the report of the run made again; with --as-written what the trace has of it",
    )


def run(args: argparse.Namespace) -> int:
    """Tell, compare or run again, and return the exit code.

    Raises:
      ConfigError: a trace is refused: cut off, changed, of another format, or none at all.
    """
    wrong = _misuse(args)
    if wrong:
        print(f"trio-lb replay: {wrong}", file=sys.stderr)
        return Exit.USAGE
    if args.other is not None:
        return _compare(args.trace, args.other)
    if args.explain is not None:
        return _told(explain(args.trace, args.explain))
    if args.as_written and args.html is not None:
        return _page_as_written(args)
    if args.as_written:
        return _told(tell_run(args.trace, until=args.until))
    trial = trial_of(args.trace)
    if trial is None:
        return _without_trial(args)
    return _again(args, trial)


def _misuse(args: argparse.Namespace) -> str:
    """What was said at once and can't be."""
    said = [
        f"--{name.replace('_', '-')}"
        for name in ("until", "explain", "as_written", "html")
        if getattr(args, name) not in (None, False)
    ]
    if args.other is not None and said:
        return f"two traces are compared as they are; {said[0]} does not go with them"
    parts = [name for name in said if name in ("--until", "--explain")]
    if args.html is not None and parts:
        return f"argument --html: a report is of the whole run; {parts[0]} does not go with it"
    return ""


def _told(lines: Iterable[str]) -> Exit:
    for line in lines:
        print(line)
    return Exit.OK


def _compare(a: str, b: str) -> Exit:
    _told(tell_difference(a, b))
    found = first_divergence(a, b)
    return Exit.OK if found is None or found.a is found.b is None else Exit.FAILURE


def _without_trial(args: argparse.Namespace) -> Exit:
    """A trace that somebody else's program made: it can be read, not run."""
    if args.html is not None:
        return _page_as_written(args)
    _told(tell_run(args.trace, until=args.until))
    print(
        "only told, as it is written: its header does not say how to make it again"
        " (what a program or a test built; see docs/simulation/replay.md)"
    )
    return Exit.OK


def _page_as_written(args: argparse.Namespace) -> Exit:
    Path(args.html).write_text(page(figures_of_trace(args.trace)), "utf-8")
    print(
        f"{args.html} is from what is written; checks, and open connections, are not in a trace:"
        " nothing was run"
    )
    return Exit.OK


def _again(args: argparse.Namespace, trial: Trial) -> Exit:
    importable(trial.scenario)  # A scenario of the user's own is found where it was found then.
    if args.until is not None:
        _told(tell_run(args.trace, until=args.until))
    command = f"trio-lb replay {args.trace}"
    _warn_of_other_versions(args.trace)
    try:
        with plain_interrupts():
            again = run_again(args.trace, trial, command=command, until=args.until)
    except ConfigError:
        raise
    except Exception as error:
        return tell_crash(error)
    _told(replay_text(again, args.trace, args.until))
    if args.html is not None and again.result is not None:
        again.result.html(args.html)
    return Exit.OK if again.same else Exit.FAILURE


def _warn_of_other_versions(path: str) -> None:
    """Said before the run, which may end early for that reason; the same run is of use, too."""
    then, now = read_header(path).versions, current_versions()
    other = [
        f"{name} {then.get(name, 'unknown')} (here {now.get(name, 'none')})"
        for name in {**now, **then}
        if then.get(name) != now.get(name)
    ]
    if other:
        text = f"WARNING: {path} was made with {', '.join(other)}; so this may be another run"
        print(text, file=sys.stderr)


def replay_text(again: Again, path: str, until: float | None) -> Iterator[str]:
    """Yield what came of running it again."""
    if again.result is not None:
        yield again.result.summary(ascii_only=not writes_unicode())
        yield from verdict(again.result)
    whole = "" if until is None else f" up to {until:g} s"
    if again.config_changed:
        yield _changed(again, path)
    if again.same:
        hashed = f", hash {again.result.trace_hash}" if again.result is not None else ""
        yield f"replayed{whole}: same trace, {plural(again.happenings, 'happening')}{hashed}"
        return
    yield f"replayed{whole}: another run; the first is {path}, the second the one made now"
    yield from again.difference


def _changed(again: Again, path: str) -> str:
    """What every difference may come from; another run is of use with it, so none is refused."""
    then, now = again.configs
    config = again.trial.config if isinstance(again.trial.config, str) else "its configuration"
    return (
        f"WARNING: {config} is another one now: its hash is {now}, and {path} says {then};"
        " so this may be another run"
    )
