"""The chunked transfer coding, strictly: a pure reader that feeds two kinds of sinks.

         size line           "\\r\\n"
    SIZE ---------> DATA ----------> SIZE
      `-- size 0 --> TRAILERS -- empty line --> DONE

Rule 1: a byte that RFC 9112 section 7.1 does not draw is a ``Reject``, never skipped.
Rule 2: in ``wire`` mode what comes out is again chunked coding, the peer's own bytes
wherever they can stay (no copy a chunk), without extensions and without the last
chunk, which the writer adds together with the filtered trailers; otherwise the bare
payload comes out.
Rule 3: every part that is not payload has a bound (the defaults are ours: 4 KiB a
size line, 16 KiB of extensions, 16 KiB of trailers; Go bounds extensions alike).
"""

import enum
import re
from collections.abc import Mapping
from typing import Final

from trio_lb.model.message import Field, Reject
from trio_lb.net.grammar import TOKEN, TRAILER_SECTION

_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_EXTENSION = rb"[ \t]*;[ \t]*" + TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + TOKEN + rb"|" + _QUOTED + rb"))?"
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})((?:" + _EXTENSION + rb")*)\r\n")

MAX_SIZE_LINE = 4096
MAX_EXTENSIONS = 16 * 1024
MAX_TRAILERS = 16 * 1024
MAX_TRAILER_COUNT = 100
_MAX_CHUNK = 1 << 62


class State(enum.Enum):
    """Where in the coding the next byte stands."""

    SIZE = "size line"
    DATA = "data"
    TRAILERS = "trailers"
    DONE = "done"


class Signal(enum.Enum):
    """What was read."""

    CHUNK = "a size"
    CHUNK_END = "the end of a chunk"
    LAST_CHUNK = "the last chunk"
    EMPTY_LINE = "the empty line"


TRANSITIONS: Final[Mapping[State, Mapping[Signal, State]]] = {
    State.SIZE: {Signal.CHUNK: State.DATA, Signal.LAST_CHUNK: State.TRAILERS},
    State.DATA: {Signal.CHUNK_END: State.SIZE},
    State.TRAILERS: {Signal.EMPTY_LINE: State.DONE},
    State.DONE: {},
}


class ChunkedReader:
    """Reads one chunked body. ``feed`` until ``done``; then ``rest`` and ``trailers`` stand."""

    __slots__ = (
        "_extensions",
        "_left",
        "_pending",
        "_state",
        "chunks",
        "payload",
        "rest",
        "trailers",
        "wire",
    )

    def __init__(self, *, wire: bool) -> None:
        self.wire = wire
        self.payload = 0
        """Payload bytes seen so far."""
        self.chunks = 0
        """Size lines seen so far."""
        self.rest = b""
        """What followed the body, once done."""
        self.trailers: list[Field] = []
        self._state = State.SIZE
        self._left = 0  # Bytes of the current chunk still to come, its CRLF included.
        self._pending = b""  # An unfinished size line, chunk end or trailer section.
        self._extensions = 0

    @property
    def done(self) -> bool:
        """Whether the whole body, trailers included, was read."""
        return self._state is State.DONE

    def _take(self, signal: Signal) -> None:
        self._state = TRANSITIONS[self._state][signal]

    def feed(self, data: bytes) -> list[bytes] | Reject:
        """Read on; return the pieces to pass on (possibly none), or why the body is refused."""
        if self._pending:
            data = self._pending + data
            self._pending = b""
        out: list[bytes] = []
        at = kept = 0  # data[kept:at] is coding that may be passed on as it is.
        end = len(data)
        while at < end:
            if self._state is State.DATA:
                at, wrong = self._read_data(data, at, out)
                if wrong:
                    return wrong
                if self._pending:  # CR is here, LF is not: hold the CR back with it.
                    end = len(data) - len(self._pending)
                    break
                continue
            if self._state is not State.SIZE:  # Trailers that an earlier feed began.
                end = at
                break
            line = _SIZE_LINE.match(data, at, at + MAX_SIZE_LINE)
            if line is None:
                if wrong := _explain_size_line(data, at):
                    return wrong
                self._pending = data[at:]
                end = at
                break
            if wrong := self._read_size(line):
                return wrong
            if not self._left:
                end = at
                at = line.end()
                break
            if self.wire and line[2]:
                out.append(data[kept:at] + line[1] + b"\r\n")
                kept = line.end()
            at = line.end()
        if self.wire and end > kept:
            out.append(data[kept:end] if kept or end < len(data) else data)
        if self._state is State.TRAILERS and at < len(data):
            wrong = self._read_trailers(data[at:])
            if wrong:
                return wrong
        return out

    def _read_size(self, line: re.Match[bytes]) -> Reject | None:
        size = int(line[1], 16)
        self._extensions += len(line[2])
        if size > _MAX_CHUNK or self._extensions > MAX_EXTENSIONS:
            return _bad("a chunk size, or chunk extensions, beyond every bound")
        self.chunks += 1
        self._take(Signal.CHUNK if size else Signal.LAST_CHUNK)
        self.payload += size
        self._left = size + 2 if size else 0
        return None

    def _read_data(self, data: bytes, at: int, out: list[bytes]) -> tuple[int, Reject | None]:
        """Pass payload from ``at``; return where it stops."""
        have = len(data) - at
        body = min(have, self._left - 2)
        if body > 0:
            if not self.wire:
                out.append(data[at : at + body])
            self._left -= body
            at += body
            have -= body
        if have >= 2 and self._left == 2:
            if data[at : at + 2] != b"\r\n":
                return at, _bad("chunk data is not followed by CRLF")
            self._left = 0
            self._take(Signal.CHUNK_END)
            return at + 2, None
        if have == 1:
            if data[at] != 0x0D:
                return at, _bad("chunk data is not followed by CRLF")
            self._pending = data[at:]
        return len(data), None

    def _read_trailers(self, data: bytes) -> Reject | None:
        if data.startswith(b"\r\n"):
            end = 2
        else:
            found = data.find(b"\r\n\r\n")
            if found < 0:
                if data.count(b"\n") != data.count(b"\r\n"):
                    return _bad("a trailer ends in LF without CR")
                if len(data) > MAX_TRAILERS:
                    return _bad("trailers larger than 16 KiB")
                self._pending = data
                return None
            end = found + 4
            if end > MAX_TRAILERS or data.count(b"\n", 0, end) - 1 > MAX_TRAILER_COUNT:
                return _bad("more than 16 KiB or 100 trailers")
        if not TRAILER_SECTION.fullmatch(data, 0, end):
            return _bad("a malformed trailer")
        self.trailers = [_split(line) for line in data[: end - 2].split(b"\r\n") if line]
        self.rest = data[end:]
        self._take(Signal.EMPTY_LINE)
        return None


def _split(line: bytes) -> Field:
    name, _, value = line.partition(b":")
    return name.lower(), name, value.strip(b" \t")


def _explain_size_line(data: bytes, at: int) -> Reject | None:
    """Say why no size line stands at ``at``; None when it is only unfinished."""
    newline = data.find(b"\n", at)
    if newline >= 0:
        return _bad("a chunk size line is not HEX [;extension] CRLF")
    if len(data) - at > MAX_SIZE_LINE:
        return _bad("a chunk size line longer than 4 KiB")
    if data[at : at + 1] not in b"0123456789abcdefABCDEF":
        return _bad("a chunk does not begin with its size")
    return None


def _bad(message: str) -> Reject:
    return Reject(400, "bad_request", message)
