"""Reading a trace back: the header at once, the events one by one, everything checked.

A trace that was cut off, changed by hand or written by another format is refused with its file
and line, what was seen and what is allowed.
"""

import json
from collections.abc import Generator
from os import PathLike
from typing import Any, Final, NoReturn, TypeAlias

from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.trace import BLOCK_EVENTS, SCHEMA, TraceEvent, TraceHeader, rolling_hash

Path: TypeAlias = str | PathLike[str]

_HEADER_KEYS: Final[dict[str, type]] = {
    "seed": int,
    "schedule": str,
    "pins": list,
    "versions": dict,
    "config_hash": str,
    "trial": str,
}


def read_trace(path: Path) -> tuple[TraceHeader, Generator[TraceEvent, None, None]]:
    """Return the header, and the events, which are read as they are asked for.

    The file is open only while the events are iterated over. A hash that does not fit the events
    before it is seen when the iteration comes there.

    Raises:
      ConfigError: it can't be read, is no trace, or one of another format; later, from the
        iterator: a line is not as it should be, or the end is missing.
    """
    return read_header(path), _events(path)


def life_of(path: Path, req: int) -> list[TraceEvent]:
    """Return all events of one request in their order; none if the trace knows no such request.

    Raises:
      ConfigError: as in ``read_trace``.
    """
    _, events = read_trace(path)
    return [event for event in events if event.req == req]


def read_header(path: Path) -> TraceHeader:
    """Return what the run was made of.

    Raises:
      ConfigError: the file can't be read, is no trace, or one of another format.
    """
    try:
        with open(path, "rb") as file:
            line = file.readline()
    except OSError as error:
        raise ConfigError([Problem("", f"can't be read: {error.strerror}", str(path))]) from error
    return _header(path, _parsed(line))


def _header(path: Path, value: Any) -> TraceHeader:
    if not isinstance(value, dict) or "schema" not in value:
        refuse(path, 1, "is no trace: the first line has to be a header with 'schema'")
    if value["schema"] != SCHEMA or type(value["schema"]) is not int:
        refuse(
            path,
            1,
            f"{value['schema']!r} is a trace of another format; allowed: {SCHEMA}",
            "schema",
        )
    for key, kind in _HEADER_KEYS.items():
        if type(value.get(key)) is not kind:
            refuse(path, 1, f"{value.get(key)!r} is not of type {kind.__name__}", key)
    return TraceHeader(
        seed=value["seed"],
        schedule=value["schedule"],
        pins=tuple(map(str, value["pins"])),
        versions={key: str(version) for key, version in value["versions"].items()},
        config_hash=value["config_hash"],
        trial=value["trial"],
    )


def _events(path: Path) -> Generator[TraceEvent, None, None]:
    """Yield the events; the file closes when they are over, or with the generator."""
    rolling = rolling_hash()
    seq = 0
    number = 1
    with open(path, "rb") as file:
        file.readline()
        for number, line in enumerate(file, start=2):
            if not line.endswith(b"\n"):
                refuse_cut(path, number, seq)
            if line.startswith(b"["):
                seq += 1
                rolling.update(line)
                yield parse_event(path, number, line, seq)
            elif _check_mark(path, number, line, seq, rolling.hexdigest()) == "end":
                return _require_nothing_more(path, number, file.readline())
    refuse_cut(path, number + 1, seq)


def parse_event(path: Path, number: int, line: bytes, seq: int) -> TraceEvent:
    """Return the event in a line that has to be the ``seq``-th event of its trace.

    Raises:
      ConfigError: it is not.
    """
    value = _parsed(line)
    if not _is_event(value):
        refuse(path, number, "is no event: [t_ns, number, kind, entity, conn, req, …]")
    if value[1] != seq:
        refuse(path, number, f"is event {value[1]}, expected was {seq}")
    at_ns, _, kind, entity, conn, req, *values = value
    return TraceEvent(at_ns, seq, kind, entity, conn, req, tuple(values))


def line_of(seq: int) -> int:
    """Return the line (from 1) in which the event stands: header and checkpoints come between."""
    return 1 + seq + (seq - 1) // BLOCK_EVENTS


def is_end(line: bytes) -> bool:
    """Say whether it is the last line of a whole trace."""
    return line.startswith(b'{"end":') and line.endswith(b"\n")


def refuse(path: Path, number: int, message: str, key: str = "") -> NoReturn:
    """Raise the error that names file and line."""
    raise ConfigError([Problem(key, message, str(path), number)])


def refuse_cut(path: Path, number: int, seq: int) -> NoReturn:
    """Raise the error of a trace that does not reach its end."""
    refuse(path, number, f"the trace is cut off here, after event {seq}: its last line is missing")


_SHAPE: Final = (int, int, str, str, int, int)


def _is_event(value: Any) -> bool:
    return (
        type(value) is list
        and tuple(map(type, value[:6])) == _SHAPE
        and all(type(each) in {int, str} for each in value[6:])
    )


def _check_mark(path: Path, number: int, line: bytes, seq: int, digest: str) -> str:
    """Check a checkpoint or the end against the events before it; say which it is."""
    value = _parsed(line)
    if not isinstance(value, dict) or not value.keys() & {"checkpoint", "end"}:
        refuse(path, number, "is neither an event, nor a checkpoint, nor the end")
    kind = "end" if "end" in value else "checkpoint"
    if value[kind] != seq:
        refuse(path, number, f"{value[kind]!r} events were written, {seq} are there", kind)
    if value.get("hash") != digest:
        refuse(
            path, number, f"{value.get('hash')!r} is not {digest!r}: events were changed", "hash"
        )
    return kind


def _require_nothing_more(path: Path, number: int, line: bytes) -> None:
    if line:
        refuse(path, number + 1, "comes after the end of the trace")


def _parsed(line: bytes) -> Any:
    """Return the value of a line; None if it is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
