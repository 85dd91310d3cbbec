"""The trace of a simulation: what happened, a line an event, so exact that two runs can be told apart.

    {"schema": 1, "seed": 7, …}                     the header: what the run was made of
    [12000000,1,"ACCEPT","lb",3,0]                  an event: t_ns, number, kind, entity, conn, req …
    …
    {"checkpoint": 1000, "hash": "…"}               after each 1,000 events
    …
    {"end": 86311, "hash": "…"}                     the last line: nothing is missing

Rule 1: nothing is written that could differ between two processes: names, text and whole
numbers; no floats, no ``repr`` of objects, no addresses.
Rule 2: the hash is that of the lines of the events. It leaves out the header, so that runs under
two versions of trio can be compared, and what differs in their headers is told by name.
Rule 3: all lines are ASCII and depend on nothing but the events before them. So two traces that
agree up to a checkpoint have it at the same distance from their headers.
"""

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from enum import Enum
from importlib.metadata import version
from types import TracebackType
from typing import Final, Protocol, TypeAlias

import attrs

from trio_lb._version import __version__

SCHEMA: Final = 1
"""The version of the format; one that differs is not read."""

BLOCK_EVENTS: Final = 1_000
"""So many events lie between two checkpoints."""

PINS: Final = ("batches", "deadlines", "sets")
"""What ``pins.deterministic`` pins."""

DIGEST_BYTES: Final = 16
"""16 bytes: after 2**64 traces two of them might by accident have the same hash."""

MOST_NAMES: Final = 10_000
"""So many names are remembered as they are written; then all are forgotten."""

LONGEST_NAME: Final = 24
"""Values that are longer are taken for identities, which do not come again."""

Name: TypeAlias = str | Enum
Value: TypeAlias = int | str | Enum


class TextSink(Protocol):
    """Where the lines go: an open text file, ``io.StringIO``, or anything with ``write``."""

    def write(self, text: str, /) -> object:
        """Take some whole lines."""


@attrs.frozen(slots=True)
class TraceHeader:
    """What a run was made of: with the same header it happens again.

    ``config_hash`` stands for the configuration under test (``hash_of_config``); ``trial`` is the
    whole run as a line of JSON where that is possible, so that it can be made again.
    """

    seed: int
    schedule: str = "fifo"
    pins: tuple[str, ...] = PINS
    versions: Mapping[str, str] = attrs.field(factory=lambda: current_versions())
    config_hash: str = ""
    trial: str = ""
    schema: int = SCHEMA

    def as_dict(self) -> dict[str, object]:
        """Return what is written; the schema comes first, so that it is read first."""
        return {
            "schema": self.schema,
            "seed": self.seed,
            "schedule": self.schedule,
            "pins": list(self.pins),
            "versions": dict(self.versions),
            "config_hash": self.config_hash,
            "trial": self.trial,
        }


@attrs.frozen(slots=True)
class TraceEvent:
    """One event, as it is read back. ``seq`` counts from 1; ``conn`` and ``req`` are 0 for none."""

    at_ns: int
    seq: int
    kind: str
    entity: str
    conn: int
    req: int
    values: tuple[int | str, ...] = ()

    def __str__(self) -> str:
        seconds, rest = divmod(self.at_ns, 1_000_000_000)
        values = "".join(f" {value}" for value in self.values)
        return (
            f"{seconds}.{rest:09d} s #{self.seq} {self.kind} {self.entity}"
            f" conn {self.conn} req {self.req}{':' if values else ''}{values}"
        )


def current_versions() -> dict[str, str]:
    """Return the versions of whatever decides the order and the size of events."""
    return {
        "trio_lb": __version__,
        "python": platform.python_version(),
        "trio": version("trio"),
        "h11": version("h11"),
    }


def hash_of_config(text: str) -> str:
    """Return what stands for a configuration in the header."""
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


def rolling_hash() -> hashlib.blake2b:
    """Return a hash of no events yet; writer and readers feed it the lines of the events."""
    return hashlib.blake2b(digest_size=DIGEST_BYTES)


class Trace:
    """Records events; hashes them, and writes them where a ``sink`` is given.

    ``record`` costs about 1 µs an event, hashing and writing to a file included (CPython 3.11;
    the limit is 3): lines are kept and hashed a block at a time, and each name is checked once.
    A process that is killed therefore loses the events since the last checkpoint.

    The sink stays its owner's to close; open a file with ``newline="\\n"``, or Windows changes
    the lines. Used as a context manager the trace ends with the block,
    however that ends: the trace of a run that failed is the one that is wanted.
    """

    def __init__(self, header: TraceHeader, sink: TextSink | None = None) -> None:
        self.header = header
        self._write: Callable[[str], object] = _drop if sink is None else sink.write
        self._hash = rolling_hash()
        self._lines: list[str] = []
        self._names: dict[object, str] = {}
        self._count = 0
        self._last_ns = 0
        self._ended = False
        self._write(_json_line(header.as_dict()))

    def __enter__(self) -> "Trace":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def count(self) -> int:
        """How many events were recorded."""
        return self._count

    def record(
        self, at_seconds: float, kind: Name, entity: Name, conn: int = 0, req: int = 0, *more: Value
    ) -> None:
        """Add an event at an instant of virtual time.

        Enums are written as their names, those that are text as that text. ``conn`` and ``req`` are the numbers of the connection
        and the request that it belongs to, 0 for none.

        Raises:
          TypeError: a value is neither a whole number, nor text, nor an enum.
          ValueError: a text holds what can't be printed; time went back or is not a number; or
            the trace has ended.
          OverflowError: the instant is infinite.
        """
        at_ns = round(at_seconds * 1e9)
        if at_ns < self._last_ns or self._ended:
            self._refuse_late(at_ns)
        names = self._names
        kind_text = names.get(kind) or self._learn(kind, "kind")
        entity_text = names.get(entity) or self._learn(entity, "entity")
        if type(conn) is not int or type(req) is not int:
            conn, req = _whole(conn, "conn"), _whole(req, "req")
        rest = self._written(more) if more else ""
        self._last_ns = at_ns
        self._count = seq = self._count + 1
        self._lines.append(f"[{at_ns},{seq},{kind_text},{entity_text},{conn},{req}{rest}]\n")
        if not seq % BLOCK_EVENTS:
            self._checkpoint()

    def hexdigest(self) -> str:
        """Return the hash of all events so far."""
        self._flush()
        return self._hash.hexdigest()

    def end(self) -> str:
        """Write the last line and return the hash; harmless when repeated."""
        digest = self.hexdigest()
        if not self._ended:
            self._ended = True
            self._write(_json_line({"end": self._count, "hash": digest}))
        return digest

    # ------------------------------------------------------------------ lines

    def _checkpoint(self) -> None:
        self._write(_json_line({"checkpoint": self._count, "hash": self.hexdigest()}))

    def _flush(self) -> None:
        if self._lines:
            block = "".join(self._lines)
            self._lines.clear()
            self._hash.update(block.encode("ascii"))
            self._write(block)

    # ------------------------------------------------------------------ values

    def _learn(self, name: Name, what: str) -> str:
        """Check a name at its first use, and remember how it is written."""
        if not isinstance(name, str | Enum):
            raise TypeError(f"{what}: {_seen(name)} is neither text nor an enum")
        if len(self._names) >= MOST_NAMES:
            self._names.clear()
        written = _quoted(name, what)
        if isinstance(name, str) or type(name).__hash__ in _OF_IDENTITY:
            self._names[name] = written  # Others, IntEnums say, equal those of other classes.
        return written

    def _written(self, more: tuple[Value, ...]) -> str:
        parts = [""]
        names = self._names
        for value in more:
            if type(value) is int:
                parts.append(str(value))
            else:
                parts.append(names.get(value) or self._odd(value))
        return ",".join(parts)

    def _odd(self, value: Value) -> str:
        """Whatever is no plain whole number; what is short may well come again."""
        if isinstance(value, str) and len(value) <= LONGEST_NAME:
            return self._learn(value, "value")
        return _odd(value)

    def _refuse_late(self, at_ns: int) -> None:
        if self._ended:
            raise ValueError(f"the trace has ended after {self._count} events")
        raise ValueError(f"time went back from {self._last_ns} ns to {at_ns} ns")


_OF_IDENTITY: Final = (Enum.__hash__, object.__hash__)


def _odd(value: Value) -> str:
    """Whatever is no plain whole number."""
    if isinstance(value, str | Enum):
        return _quoted(value, "value")
    return str(_whole(value, "value"))


def _whole(number: object, what: str) -> int:
    if isinstance(number, int) and not isinstance(number, Enum):
        return int(number)  # True is written as 1.
    raise TypeError(f"{what}: {_seen(number)} is not a whole number{_ADVICE}")


def _quoted(name: Name, what: str) -> str:
    text = name if isinstance(name, str) else name.name
    if not text.isprintable():
        raise ValueError(f"{what}: {text!r} holds characters that can't be printed")
    return json.dumps(text)


def _seen(value: object) -> str:
    """A value in an error's message: floats as they are, of an object only the type."""
    if isinstance(value, float):
        return f"{value!r} (a float)"
    return f"a value of type {type(value).__name__}"


_ADVICE: Final = ": round times to nanoseconds, shares to parts of a million"


def _json_line(value: object) -> str:
    return json.dumps(value) + "\n"


def _drop(_: str) -> None:
    """There is no sink: only the hash is wanted."""
