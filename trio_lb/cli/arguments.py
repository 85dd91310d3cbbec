"""Arguments of commands: the parser that suggests, and values with the schema's own bounds.

``type=of_kind(SECONDS)`` makes an option obey the same rule, with the same words, as
the key of the configuration that it stands for.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NoReturn

from trio_lb.config import values
from trio_lb.config.kinds import Kind, Refused, show, suggestion
from trio_lb.config.knobs import BIND_PORT
from trio_lb.config.servers import server_of
from trio_lb.config.values import Loose


class Parser(argparse.ArgumentParser):
    """argparse without abbreviations (a new option must not break a script), with suggestions."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("allow_abbrev", False)
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Parse, or exit with 2 and a message that names the nearest option."""
        # Before argparse looks: it would first complain of a CONFIG that an unknown
        # option seems to have swallowed.
        self._refuse_unknown(_options(argv))
        parsed, rest = self.parse_known_args(argv)
        self._refuse_unknown(each for each in rest if each.startswith("-"))
        if rest:
            self.error(f"unexpected argument {show(rest[0])}")
        return parsed

    def _refuse_unknown(self, options: Iterable[str]) -> None:
        # No public way leads to the options of a parser and of all its groups.
        known = tuple(self._option_string_actions)
        for option in options:
            name = option.partition("=")[0]
            if name not in known:
                hint = suggestion(name, known) or f"; see {self.prog} --help"
                self.error(f"unknown option '{name}'{hint}")

    def error(self, message: str) -> NoReturn:
        """One line is enough: the usage of `run` would push it off the screen."""
        self.exit(2, f"{self.prog}: {message}\n")


def _options(args: Iterable[str]) -> Iterable[str]:
    """The long options among arguments; everything after ``--`` is none."""
    for argument in args:
        if argument == "--":
            return
        if argument.startswith("--"):
            yield argument


def of_kind(kind: Kind) -> Callable[[str], Any]:
    """Return an argparse type that reads what ``kind`` reads, from loose text."""

    def read(text: str) -> object:
        try:
            return kind.read(Loose(text))
        except Refused as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


port: Final = of_kind(BIND_PORT)
"""1..65535, and 0 for any free port."""


def weighted_server(text: str) -> str:
    """Check that this is ``HOST:PORT[*WEIGHT]`` or a URL; an argparse type.

    It stays text: how its server is spoken to depends on the pool that it comes to.
    """
    try:
        server_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{show(text)} {error}") from None
    return text


def listen_host(text: str) -> str:
    """Read a name or an IP address to listen on, an IPv6 one with or without brackets."""
    host = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        values.check_host(host)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{show(text)} {error}") from None
    return host
