"""TOML read by the standard library, with lines as well as they can be had.

tomllib keeps no positions, so a second look finds the lines that open a table or
assign a key. A value inside an inline table, or on a later line of an array, has
the line of the key that it belongs to; that is near enough to find it.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Final

from trio_lb.config.nodes import Findings, Origin, Path

_STEP: Final = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY: Final = rf"{_STEP}(?:\s*\.\s*{_STEP})*"
_TABLE: Final = re.compile(rf"\s*(?P<open>\[\[?)\s*(?P<key>{_KEY})\s*\]\]?\s*(?:#.*)?")
_ASSIGNS: Final = re.compile(rf"\s*(?P<key>{_KEY})\s*=.*")
_POSITION: Final = re.compile(r" \(at line (?P<line>\d+), column \d+\)$")


def read_toml(text: str, file: str, findings: Findings) -> object:
    """Return the plain values of ``text`` and note in ``findings`` where each was written.

    A problem with the text itself is taken down and gives None.
    """
    try:
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError
        place = _POSITION.search(str(error))
        findings.origins[()] = Origin(file, int(place["line"]) if place else None)
        findings.add((), f"is not TOML: {_POSITION.sub('', str(error))}")
        return None
    for path, line in _lines(text):
        findings.origins.setdefault(path, Origin(file, line))
    return value


def _lines(text: str) -> Iterator[tuple[Path, int]]:
    """Each path that a line names; the prefixes of a dotted key stand there as well."""
    table: Path = ()
    arrays: dict[Path, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if opened := _TABLE.fullmatch(line):
            table = _opened(_steps(opened["key"]), opened["open"] == "[[", arrays)
            yield from _prefixes((), table, number)
        elif assigned := _ASSIGNS.fullmatch(line):
            yield from _prefixes(table, (*table, *_steps(assigned["key"])), number)


def _opened(key: Path, is_array: bool, arrays: dict[Path, int]) -> Path:
    """The path of a table; below an array of tables it is that of the array's last item."""
    if is_array:
        arrays[key] = arrays.get(key, -1) + 1
        # A new item has arrays of its own.
        for inner in [each for each in arrays if each[: len(key)] == key and each != key]:
            del arrays[inner]
    path: Path = ()
    for length, step in enumerate(key, 1):
        path = (*path, step)
        if key[:length] in arrays:
            path = (*path, arrays[key[:length]])
    return path


def _prefixes(known: Path, path: Path, line: int) -> Iterator[tuple[Path, int]]:
    for length in range(len(known) + 1, len(path) + 1):
        yield path[:length], line


def _steps(key: str) -> Path:
    return tuple(step.strip("\"'") for step in re.findall(_STEP, key))
