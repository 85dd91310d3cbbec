"""Where two traces part: by bisection over their checkpoints, then in one block.

Equal events are equal bytes. So a checkpoint up to which both agree stands in both files at the
same distance from the header, and whether it does is one comparison: a trace of a gigabyte
is read at a few dozen places.
"""

import json
import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import zip_longest
from typing import Final

import attrs

from trio_lb.sim.trace import BLOCK_EVENTS, TraceEvent, TraceHeader
from trio_lb.sim.trace_reader import (
    Path,
    is_end,
    line_of,
    parse_event,
    read_header,
    refuse,
    refuse_cut,
)

CONTEXT_EVENTS: Final = 3
"""So many events are told before and after the one that differs."""

_MARK: Final = b'\n{"checkpoint":'


@attrs.frozen(slots=True)
class Divergence:
    """What differs first.

    ``headers`` maps a key (``versions.trio``) to what it is in each. ``a`` and ``b`` are the first
    events that differ: None for the trace that ends there, both None if only headers do.
    ``before`` are the last events in common, ``after_a`` and ``after_b`` what follows in each.
    ``compared`` is how many checkpoints were looked at.
    """

    headers: Mapping[str, tuple[object, object]]
    a: TraceEvent | None = None
    b: TraceEvent | None = None
    before: tuple[TraceEvent, ...] = ()
    after_a: tuple[TraceEvent, ...] = ()
    after_b: tuple[TraceEvent, ...] = ()
    compared: int = 0

    def __str__(self) -> str:
        lines = [f"header {key}: {a!r} | {b!r}" for key, (a, b) in self.headers.items()]
        if self.a is None and self.b is None:
            return "\n".join([*lines, "all events are the same"])
        lines += [f"  {event}" for event in self.before]
        for mark, event, after in (("a", self.a, self.after_a), ("b", self.b, self.after_b)):
            lines += [f"{mark} {event or '(the trace ends)'}", *(f"{mark}   {e}" for e in after)]
        return "\n".join(lines)


def first_divergence(a: Path, b: Path) -> Divergence | None:
    """Return the first event that differs, or None if the two traces are the same.

    Events before the first difference are trusted to fit their checkpoints; ``read_trace``
    checks that they do.

    Raises:
      ConfigError: one can't be read or is no trace of this version; or it is cut off before
        any difference.
    """
    headers = _header_differences(read_header(a), read_header(b))
    with _opened(a) as body_a, _opened(b) as body_b:
        start, compared = _last_common(body_a, body_b)
        start, seq = _first_different(body_a, body_b, start)
        if start >= 0:
            return Divergence(
                headers,
                _event_at(body_a, start, seq),
                _event_at(body_b, start, seq),
                body_a.events_before(start, seq),
                body_a.events_after(start, seq),
                body_b.events_after(start, seq),
                compared,
            )
    return Divergence(headers, compared=compared) if headers else None


def _header_differences(a: TraceHeader, b: TraceHeader) -> dict[str, tuple[object, object]]:
    flat_a, flat_b = _flat(a), _flat(b)
    keys = dict.fromkeys([*flat_a, *flat_b])
    pairs = {key: (flat_a.get(key), flat_b.get(key)) for key in keys}
    return {key: (one, other) for key, (one, other) in pairs.items() if one != other}


def _flat(header: TraceHeader) -> dict[str, object]:
    flat = header.as_dict()
    del flat["versions"]
    return flat | {f"versions.{key}": value for key, value in header.versions.items()}


class _Body:
    """The lines after the header. Places are counted from there, in bytes."""

    def __init__(self, path: Path, file: mmap.mmap) -> None:
        self.path = path
        self._file = file
        self._base = file.find(b"\n") + 1
        self.size = len(file) - self._base

    def line(self, place: int) -> bytes:
        """Return the line that begins there, with its newline; nothing at the end."""
        self._file.seek(self._base + place)
        return self._file.readline()

    def checkpoint(self, first: int, limit: int) -> int:
        """Return the place of the first checkpoint that begins in ``[first, limit)``, or -1."""
        begin = self._base + first - 1  # Its mark begins with the newline before it.
        found = self._file.find(_MARK, begin, self._base + limit - 2 + len(_MARK))
        return -1 if found < 0 else found + 1 - self._base

    def count_before(self, place: int) -> int:
        """Return how many events stand before a place that is 0 or just after a checkpoint."""
        if not place:
            return 0
        begin = self._file.rfind(b"\n", 0, self._base + place - 1) + 1
        return int(json.loads(self._file[begin : self._base + place])["checkpoint"])

    def lines(self, place: int) -> Iterator[bytes]:
        """Yield the lines from there on."""
        while line := self.line(place):
            yield line
            place += len(line)

    def events_after(self, place: int, seq: int) -> tuple[TraceEvent, ...]:
        """Return some events that follow the one which stands there and is number ``seq``."""
        events: list[TraceEvent] = []
        for line in self.lines(place + len(self.line(place))):
            if len(events) == CONTEXT_EVENTS or is_end(line) or not line.endswith(b"\n"):
                break
            if line.startswith(b"["):
                number = seq + 1 + len(events)
                events.append(parse_event(self.path, line_of(number), line, number))
        return tuple(events)

    def events_before(self, place: int, seq: int) -> tuple[TraceEvent, ...]:
        """Return some events that come before the place of number ``seq``."""
        events: list[TraceEvent] = []
        while place and len(events) < CONTEXT_EVENTS:
            place = self._file.rfind(b"\n", 0, self._base + place - 1) + 1 - self._base
            line = self.line(place)
            if line.startswith(b"["):
                number = seq - 1 - len(events)
                events.append(parse_event(self.path, line_of(number), line, number))
        return tuple(reversed(events))


@contextmanager
def _opened(path: Path) -> Iterator[_Body]:
    with open(path, "rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield _Body(path, mapped)


def _last_common(a: _Body, b: _Body) -> tuple[int, int]:
    """Bisect: return the place after the last checkpoint that both have, and how many were seen.

    All is the same before ``low``; no checkpoint that both have begins at ``high`` or later.
    """
    low, high, compared = 0, min(a.size, b.size), 0
    while low < high:
        middle = (low + high) // 2
        place = a.checkpoint(middle, high)
        if place < 0:
            high = middle
            continue
        compared += 1
        line = a.line(place)
        if line == b.line(place):
            low = place + len(line)
        else:
            high = middle
    return low, compared


def _first_different(a: _Body, b: _Body, start: int) -> tuple[int, int]:
    """Return the place of the first lines that differ and the number of their event; -1 for none.

    Raises:
      ConfigError: one of the two is cut off there, or a hash does not fit its events.
    """
    seq = a.count_before(start)
    number = 2 + seq + seq // BLOCK_EVENTS
    last = b""
    for one, other in zip_longest(a.lines(start), b.lines(start), fillvalue=b""):
        if one != other:
            _require_events(a, b, (one, other), number, seq)
            return start, seq + 1
        start += len(one)
        seq += one.startswith(b"[")
        number += 1
        last = one
    if not is_end(last):
        refuse_cut(a.path, number, seq)
    return -1, seq


def _require_events(a: _Body, b: _Body, pair: tuple[bytes, bytes], number: int, seq: int) -> None:
    """Refuse two lines that differ, but not as an event does from another or from the end."""
    for body, line in zip((a, b), pair, strict=True):
        if not line.endswith(b"\n"):
            refuse_cut(body.path, number, seq)
    if not any(line.startswith(b"[") for line in pair):
        refuse(b.path, number, f"the events are the same as in {a.path}, but not their hash")


def _event_at(body: _Body, place: int, seq: int) -> TraceEvent | None:
    line = body.line(place)
    return None if is_end(line) else parse_event(body.path, line_of(seq), line, seq)
