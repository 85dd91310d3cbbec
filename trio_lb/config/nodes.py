"""A configuration as it was written: values with their place, and what is wrong with them.

A ``Node`` is one value and the path to it *in the source*, never in the schema:
whatever aliases and defaults the reader knows, a problem is told where its writer
finds it. ``Findings`` collects all of them and knows files and lines.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import Final

import attrs

from trio_lb.config.kinds import NOT_YET, NotYet, Refused, show, suggestion
from trio_lb.config.peers import called_here
from trio_lb.model.errors import Problem

Path = tuple[str | int, ...]

_PLAIN_KEY: Final = re.compile(r"[\w-]+")


@attrs.frozen(slots=True)
class Unsupported(Problem):
    """Something that the documentation knows and this version can't do yet; an error."""


@attrs.frozen(slots=True)
class Absent(Problem):
    """A file that cannot be read here; ``named`` is it. Who runs the configuration here needs it."""

    named: str = ""


@attrs.frozen(slots=True)
class Origin:
    """Where a value was written: a file (or ``--set ...``) and a line from 1."""

    file: str | None = None
    line: int | None = None


def dotted(path: Path) -> str:
    """Return a path as text: ``pools.api.servers[0].port``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{step!r}]"
    return text


class Findings:
    """Every problem of one configuration, in the order of its lines.

    ``origins`` says where paths were written; a path without an origin has that
    of its nearest parent. The entry of the empty path names the file. Relative paths
    in it begin at ``folder``.
    """

    def __init__(
        self, origins: Mapping[Path, Origin] | None = None, folder: FilePath = FilePath()
    ) -> None:
        self.folder = folder
        self.origins: dict[Path, Origin] = dict(origins or {})
        self._found: list[Problem] = []
        self._closed: set[Path] = set()
        self._wrong: set[Path] = set()

    def origin(self, path: Path) -> Origin:
        """Return where ``path``, or its nearest parent, was written."""
        while path and path not in self.origins:
            path = path[:-1]
        return self.origins.get(path, Origin())

    def add(
        self,
        path: Path,
        message: str,
        *,
        kind: Callable[..., Problem] = Problem,
        severity: str = "error",
    ) -> None:
        """Take down one problem, unless the value was closed."""
        if any(path[:length] in self._closed for length in range(len(path) + 1)):
            return
        origin = self.origin(path)
        found = kind(dotted(path), message, origin.file, origin.line, severity)
        if found not in self._found:
            self._found.append(found)
        if severity == "error":
            self._wrong.add(path)

    def close(self, path: Path) -> None:
        """Say no more of the value at ``path``: it stands for one that could not be had."""
        self._closed.add(path)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them; those of a file by line, the others as they were found."""
        return tuple(sorted(self._found, key=lambda each: each.line or 0))

    def is_sound(self, path: Path) -> bool:
        """Whether nothing at ``path`` or inside of it is wrong so far."""
        return not any(wrong[: len(path)] == path for wrong in self._wrong)

    @property
    def has_errors(self) -> bool:
        """Whether anything forbids a start."""
        return any(each.severity == "error" for each in self._found)


@attrs.frozen(slots=True)
class Node:
    """One value, the path that leads to it, and where to complain about it."""

    value: object
    path: Path
    findings: Findings

    def refuse(self, message: str) -> None:
        """It is wrong."""
        self.findings.add(self.path, message)

    def give_up(self, message: str) -> None:
        """It is wrong, and there is no value at which to look further."""
        self.refuse(message)
        self.findings.close(self.path)

    def warn(self, message: str) -> None:
        """It is allowed and yet probably not what was meant."""
        self.findings.add(self.path, message, severity="warning")

    def warn_of_absent(self, file: str, reason: str) -> None:
        """It names a file that cannot be read here, and may well where it will run."""
        message = f"{file} cannot be read here: {reason}"
        kind = partial(Absent, named=file)
        self.findings.add(self.path, message, kind=kind, severity="warning")

    def not_yet(self, message: str = NOT_YET) -> None:
        """It is right, but this version can't do it."""
        self.findings.add(self.path, message, kind=Unsupported)

    def complain(self, error: Refused) -> None:
        """Take down what a kind raised."""
        (self.not_yet if isinstance(error, NotYet) else self.refuse)(str(error))

    def child(self, step: str | int, value: object) -> "Node":
        """Return the node of a value inside this one."""
        return Node(value, (*self.path, step), self.findings)

    def mapping(self, what: str = "a mapping") -> dict[str, "Node"]:
        """Return the nodes of a mapping by key; what is no mapping is refused and empty."""
        if not isinstance(self.value, Mapping):
            self.refuse(f"{show(self.value)} is not {what}")
            return {}
        for key in self.value:
            if not isinstance(key, str):
                self.refuse(f"the key {show(key)} is not text (put it in quotes)")
        return {
            str(key): self.child(str(key), value)
            for key, value in self.value.items()
            if isinstance(key, str)
        }

    def items(self, what: str = "a list") -> list["Node"]:
        """Return the nodes of a list; what is no list is refused and empty."""
        if not isinstance(self.value, Sequence) or isinstance(self.value, str | bytes):
            self.refuse(f"{show(self.value)} is not {what}")
            return []
        return [self.child(index, value) for index, value in enumerate(self.value)]

    def refuse_unknown(
        self,
        known: Collection[str],
        *,
        later: Collection[str] = (),
        elsewhere: Mapping[str, str] | None = None,
    ) -> None:
        """Refuse each key that is neither ``known`` nor ``later``, with what it may have meant.

        ``elsewhere`` maps keys that are known in another place to a word on that.
        """
        elsewhere = elsewhere or {}
        for key, node in self.mapping().items():
            if key in known or key in later:
                continue
            if key in elsewhere:
                node.refuse(f"unknown key here; {elsewhere[key]}")
            else:
                node.refuse(f"unknown key{_hint(key, tuple(known), tuple(sorted(later)))}")


def _hint(key: str, known: tuple[str, ...], later: tuple[str, ...]) -> str:
    """What others call so, what is written nearly so (rather what there is), or all there is."""
    nearest = suggestion(key, known) or suggestion(key, later)
    return called_here(key, known) or nearest or _all_of(known)


def _all_of(names: Collection[str]) -> str:
    """A short list helps; a long one hides the message."""
    if len(names) <= 16:
        return f"; known here: {', '.join(names)}"
    return "; docs/reference/configuration.md lists what is known here"
