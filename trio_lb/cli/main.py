"""``trio-lb``: finds the command and imports its module, and no other.

A command is a module ``trio_lb.cli.<name>`` with ``add_arguments(parser)`` and
``run(args) -> int``. Its one line of help stands here, so that ``--help`` and
``--version`` import neither it nor trio.
"""

import errno
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from trio_lb._version import __version__
from trio_lb.cli.exits import Exit

COMMANDS: Final[Mapping[str, str]] = {
    "run": "balance traffic over servers, as a configuration or the options say",
    "demo": "three servers that fail in four ways, and a proxy that copes, on this machine",
    "backend": "a test server that names itself",
    "check": "validate a configuration: every problem at once",
    "simulate": "run an outage in virtual time: a scenario, from a seed, with your configuration",
    "replay": "make a run again from its trace, explain a request, compare two traces",
    "whatif": "compare two configurations in the same outages",
}

_DISK_ERRORS: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; the process's arguments by default.

    Raises:
      SystemExit: from argparse, for --help, --version and usage errors.
    """
    argv = sys.argv[1:] if argv is None else argv
    _open_standard_files()
    try:
        code = _command(argv)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read our output has left (`trio-lb check ... | head`).
        return _output_lost()
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        print(f"trio-lb: an output cannot be written: {error.strerror}", file=sys.stderr)
        return _output_lost()


def _open_standard_files() -> None:
    """Give /dev/null to those that are closed (``>&-``), or a socket would take their number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115  # open to the end
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115  # open to the end


def _output_lost() -> Exit:
    """What is still buffered must not raise again while the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.FAILURE


def _command(argv: Sequence[str]) -> int:
    if not argv or argv[0].startswith("-"):
        return _without_command(argv)
    if argv[0] not in COMMANDS:
        return _unknown_command(argv[0])
    return _run(argv[0], argv[1:])


def _run(name: str, argv: Sequence[str]) -> int:
    try:
        if name != "run":
            return _run_module(name, argv)
        from trio_lb.cli.starting import held_signals

        with held_signals():
            return _run_module(name, argv)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def _run_module(name: str, argv: Sequence[str]) -> int:
    from trio_lb.cli.arguments import Parser
    from trio_lb.model.errors import ConfigError

    module = importlib.import_module(f"trio_lb.cli.{name}")
    parser = Parser(prog=f"trio-lb {name}", description=module.__doc__)
    module.add_arguments(parser)
    args = parser.parse(argv)
    try:
        code: int = module.run(args)
        return code
    except ConfigError as error:
        print(error, file=sys.stderr)
        return Exit.BAD_CONFIG


def _without_command(argv: Sequence[str]) -> int:
    if list(argv) in (["--version"], ["-V"]):
        print(f"trio-lb {__version__}")
        return Exit.OK
    from trio_lb.cli.arguments import Parser

    parser = Parser(
        prog="trio-lb",
        usage="trio-lb COMMAND [OPTIONS]   (trio-lb COMMAND --help lists them)",
        description="A load-balancing proxy.",
        epilog=f"commands:\n{_table(COMMANDS)}\n\nexit codes:\n{_table(_codes())}",
    )
    parser.add_argument("-V", "--version", action="version", version=f"trio-lb {__version__}")
    parser.parse(argv)
    parser.print_help(sys.stderr)
    return Exit.USAGE


def _unknown_command(name: str) -> int:
    from trio_lb.config.kinds import show, suggestion

    hint = suggestion(name, tuple(COMMANDS)) or f"; there are: {', '.join(COMMANDS)}"
    print(f"trio-lb: unknown command {show(name)}{hint}", file=sys.stderr)
    return Exit.USAGE


def _codes() -> Mapping[str, str]:
    return {str(code.value): code.says for code in Exit}


def _table(rows: Mapping[str, str]) -> str:
    return "\n".join(f"  {name:<9} {says}" for name, says in rows.items())
