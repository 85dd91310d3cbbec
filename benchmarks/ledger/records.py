"""What clients and servers write down, one line of JSON each.

A line is written with one call on a descriptor opened for appending, so it is whole in
the file before the next thing happens, and stays there when its writer is killed.
Instants are CLOCK_MONOTONIC seconds, which all processes of a machine share.
"""

import enum
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, TypeAlias

import attrs

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""Methods that a proxy may send again (RFC 9110 §9.2.2), as far as we use them."""

PREFIX: Final = "/ledger/"
"""Request targets are this and the id, and then what the answer shall be like."""

_FIRST_LINE: Final = re.compile(rb"ledger (\S+) (\S+) ([0-9a-f]{64})\n")
# Ids hold word characters and '-' only, so an id ends where anything else begins.
ID_IN_TARGET: Final = re.compile(re.escape(PREFIX) + r"([\w-]+)")


class Kind(enum.StrEnum):
    """How a request ended, seen by its client."""

    ANSWERED = enum.auto()
    """A complete answer, of whatever status."""
    CUT = enum.auto()
    """The connection ended inside the answer: visible, so nobody takes it for whole."""
    DROPPED = enum.auto()
    """The connection ended before a byte of the answer."""
    REFUSED = enum.auto()
    """No connection was to be had, so nothing was sent."""
    SILENT = enum.auto()
    """Neither answer nor end within the client's patience."""
    GARBLED = enum.auto()
    """Bytes came that are no HTTP/1.1 answer."""
    STRAY = enum.auto()
    """Bytes came after the answer that nobody had asked for. It stands beside the outcome."""


class Step(enum.StrEnum):
    """How far a server got with a request."""

    BEGUN = enum.auto()
    """The head was read."""
    COMPLETE = enum.auto()
    """The whole body was read; the answer comes after this line."""
    HALVED = enum.auto()
    """Half the answer went out, and no more will."""


@attrs.frozen
class Intent:
    """A request about to be sent."""

    id: str
    method: str
    sha256: str
    """Of the body that goes with it, empty ones included."""
    answer_bytes: int
    """How long a body the answer shall have."""
    at: float


@attrs.frozen
class Outcome:
    """What became of a request. ``at`` is the instant of the end."""

    id: str
    kind: Kind
    at: float
    seconds: float
    status: int | None = None
    named: str | None = None
    """The id that the answer's body names; None when it names none, as in a proxy's own error."""
    server: str | None = None
    whole: bool = False
    """The body is, byte for byte, the one that this request asked for."""
    kept: bool = False
    """It was sent on a connection that had served a request before."""
    detail: str = ""

    @property
    def is_good(self) -> bool:
        """A complete answer with a status that says success."""
        return self.kind is Kind.ANSWERED and self.status is not None and self.status // 100 == 2


@attrs.frozen
class Sighting:
    """What a server saw of a request."""

    id: str
    server: str
    method: str
    step: Step
    at: float
    sha256: str | None = None
    """Of the body as it arrived; with COMPLETE only."""


Record: TypeAlias = Intent | Outcome | Sighting
_TYPES: Final = {kind.__name__: kind for kind in (Intent, Outcome, Sighting)}


def digest(data: bytes) -> str:
    """How bodies are compared."""
    return hashlib.sha256(data).hexdigest()


def answer_body(request_id: str, method: str, sha256: str, size: int) -> bytes:
    """The one right body of an answer: it names the request and what arrived of it.

    It is ``size`` bytes long, or as long as its first line when that is longer. What
    fills it depends on the id, so that two answers' halves cannot pass for one whole.
    """
    line = f"ledger {request_id} {method} {sha256}\n".encode()
    filler = digest(request_id.encode()).encode()
    missing = max(0, size - len(line))
    return line + (filler * (missing // len(filler) + 1))[:missing]


def id_named_by(body: bytes) -> str | None:
    """The id that a body's first line names, if it is one of ours."""
    match = _FIRST_LINE.match(body)
    return match[1].decode() if match else None


def now() -> float:
    """The instant to write down."""
    return time.monotonic()


class Journal:
    """A file that grows by whole lines."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, *records: Record) -> None:
        """Append all of them at once; they are with the kernel when this returns."""
        lines = (json.dumps([type(each).__name__, attrs.asdict(each)]) for each in records)
        os.write(self._fd, "".join(f"{line}\n" for line in lines).encode())

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)


def read_journal(path: Path) -> Iterator[Record]:
    """What was written so far; a last line that is not whole yet is left out."""
    if path.exists():
        for line in path.read_text("utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                yield _record(line)


def _record(line: str) -> Record:
    name, fields = json.loads(line)
    if "kind" in fields:
        fields["kind"] = Kind(fields["kind"])
    if "step" in fields:
        fields["step"] = Step(fields["step"])
    record: Record = _TYPES[name](**fields)
    return record
