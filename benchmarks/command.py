"""The command line of the benchmarks."""

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, Protocol, TypeVar

from benchmarks import decisions, document, goals, path, plot, results, suite, table
from benchmarks.peers import OURS, PEERS
from benchmarks.peers.base import Peer
from benchmarks.program import ProgramFailed
from benchmarks.results import Results
from benchmarks.rows import ROWS
from benchmarks.rows.base import Row
from benchmarks.table import Table
from benchmarks.variants import PLAIN, VARIANTS
from trio_lb.policy.balance.registry import ALGORITHMS

PATH_ROUNDS: Final = 11
DECISION_ROUNDS: Final = 9

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


class Choice(Protocol):
    """A row or a peer, as far as choosing goes."""

    @property
    def name(self) -> str: ...
    @property
    def in_quick(self) -> bool: ...


ChoiceT = TypeVar("ChoiceT", bound=Choice)


class UnknownName(ValueError):
    """A row or peer was asked for that does not exist."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    0: all was measured, ours without an error; 1: not so; 2: usage; 130: interrupted.
    """
    options = parser().parse_args(arguments)
    try:
        rows = choose(ROWS, options.rows, quick=options.quick)
        peers = choose(PEERS, options.peers, quick=options.quick)
    except UnknownName as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return EXIT_USAGE
    try:
        with stopping_by_signal():
            return measure(options, rows, peers)
    except KeyboardInterrupt:
        print("benchmarks: interrupted; everything that was started has ended", file=sys.stderr)
        return EXIT_INTERRUPTED
    except ProgramFailed as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return EXIT_FAILED


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure trio_lb side by side with other proxies, on loopback.",
        epilog="The method: docs/benchmarks.md. The whole set takes about a quarter of an hour.",
    )
    add = made.add_argument
    names = ", ".join
    add("--quick", action="store_true", help="the three main rows and peers, in under 3 minutes")
    add("--rows", type=words, metavar="A,B", help=names(row.name for row in ROWS))
    add("--peers", type=words, metavar="A,B", help=names(peer.name for peer in PEERS))
    add("--rounds", type=positive, default=3, metavar="N", help="rounds a row (default: 3)")
    add("--seconds", type=positive, default=2, metavar="N", help="a load's length (default: 2)")
    add("--json", type=Path, metavar="FILE", help="write all rounds into FILE")
    add("--svg", type=Path, metavar="FILE", help="draw the first figure of each row into FILE")
    add("--write-docs", action="store_true", help="put what was measured into docs/benchmarks.md")
    add("--profile", type=Path, metavar="DIR", help="trio_lb under cProfile: DIR/<row>.pstats")
    return made


def words(text: str) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text.split(",") if word.strip()]


def positive(text: str) -> int:
    """A count of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number >= 1")
    return int(text)


def choose(
    choices: Sequence[ChoiceT], names: Iterable[str] | None, *, quick: bool
) -> list[ChoiceT]:
    """Those that were named, else the quick set, else all; always in the table's order.

    Raises:
      UnknownName: a name is none of the choices'.
    """
    if names is None:
        return [choice for choice in choices if choice.in_quick or not quick]
    wanted = {name.lower() for name in names}
    known = {choice.name.lower() for choice in choices}
    if wanted - known:
        unknown, offered = ", ".join(sorted(wanted - known)), ", ".join(sorted(known))
        raise UnknownName(f"unknown: {unknown} (there are: {offered})")
    return [choice for choice in choices if choice.name.lower() in wanted]


def measure(options: argparse.Namespace, rows: Sequence[Row], peers: Sequence[Peer]) -> int:
    """Measure, print the table, and write what was asked for."""
    started = time.monotonic()
    if options.profile:
        options.profile.mkdir(parents=True, exist_ok=True)
    measured = suite.run(
        rows,
        peers,
        seconds=options.seconds,
        rounds=options.rounds,
        profile_folder=options.profile.resolve() if options.profile else None,
        tell=say,
    )
    made = table.make(measured, ROWS, OURS)
    print(made.as_text())
    say(f"took {time.monotonic() - started:.0f} s")
    if options.json:
        results.write(measured, options.json)
    if options.svg:
        plot.write(measured, ROWS, OURS, options.svg)
    if options.write_docs:
        write_docs(measured, made, is_whole=len(rows) == len(ROWS))
    return EXIT_OK if measured.is_sound(OURS) else EXIT_FAILED


def write_docs(measured: Results, made: Table, *, is_whole: bool) -> None:
    """Renew the page: the table; after all rows also goals, picture and our own code's costs."""
    document.write({document.TABLE: made.as_markdown()})
    if not is_whole:
        return
    plot.write(measured, ROWS, OURS, document.PLOT)
    say("our own code, feature by feature")
    features = path.table(path.measure([PLAIN, *VARIANTS], PATH_ROUNDS))
    say("decisions, algorithm by algorithm")
    costs = decisions.table(tuple(ALGORITHMS), decisions.SIZES, DECISION_ROUNDS)
    document.write(
        {
            document.GOALS: goals.table(measured),
            document.FEATURES: "\n".join(features),
            document.DECISIONS: "\n".join(costs),
        }
    )


def say(line: str) -> None:
    """Tell whoever waits what is going on."""
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def stopping_by_signal() -> Iterator[None]:
    """Make SIGTERM and SIGINT unwind the program once, so that every child is ended.

    A second signal while that goes on is ignored: it could only leave children
    behind, and the way out is bounded (``program.GRACE_SECONDS`` each).
    """
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
