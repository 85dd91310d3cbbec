"""The program's log: stdlib logging on standard error, as text or JSON, without blocking.

The handler only renders and queues; ``observe.lines`` writes. So a terminal that was
stopped with Ctrl-S, or a full disk behind a redirection, holds up no request.
"""

import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from trio_lb.net.env import Env, Sink
from trio_lb.observe.access_format import iso_time
from trio_lb.observe.escape import escape_line
from trio_lb.observe.lines import Lines, open_lines

STANDARD_ERROR: Final = "-"

_COLOURS: Final[Mapping[int, str]] = {logging.WARNING: "33", logging.ERROR: "31"}
_log = logging.getLogger("trio_lb.log")
_traceback_of: Final = logging.Formatter().formatException

Render = Callable[[logging.LogRecord, float], str]
"""Makes a record and its wall time (seconds since 1970) into one line, or several."""


def as_text(record: logging.LogRecord, wall: float) -> str:
    """Return ``TIME level message``, and the traceback below it."""
    return _as_text(record, wall, record.levelname.lower())


def as_coloured_text(record: logging.LogRecord, wall: float) -> str:
    """The same for a terminal: warnings yellow, errors red."""
    colour = _COLOURS.get(record.levelno)
    level = record.levelname.lower()
    return _as_text(record, wall, f"\x1b[{colour}m{level}\x1b[0m" if colour else level)


def _as_text(record: logging.LogRecord, wall: float, level: str) -> str:
    lines = [f"{iso_time(wall)} {level} {escape_line(record.getMessage())}"]
    lines += map(escape_line, _traceback(record).splitlines())
    return "\n".join(lines)


def as_json(record: logging.LogRecord, wall: float) -> str:
    """Return one JSON object: time, level, logger, message, and traceback if there is one."""
    facts = {
        "time": iso_time(wall),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
    }
    if trace := _traceback(record):
        facts["traceback"] = trace
    return json.dumps(facts).replace("\x7f", "\\u007f")


def _traceback(record: logging.LogRecord) -> str:
    return _traceback_of(record.exc_info) if record.exc_info and record.exc_info[0] else ""


def renderer(log_format: str, *, terminal: bool) -> Render:
    """Return the form for ``auto``, ``text`` or ``json``; ``terminal`` allows colours."""
    if log_format == "json":
        return as_json
    return as_coloured_text if terminal else as_text


class _QueueHandler(logging.Handler):
    """Renders at once, because what a record speaks of may change; never waits.

    A record from another thread is written by that thread, at once: the queue belongs to
    the loop, and the record may be about a loop that does not run.
    """

    def __init__(self, lines: Lines, sink: Sink, render: Render, wall: Callable[[], float]) -> None:
        super().__init__()
        self._home = logging.makeLogRecord({}).thread
        self._sink = sink
        self._lines = lines
        self._render = render
        self._wall = wall

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record's lines; one that cannot be rendered goes logging's usual way."""
        try:
            text = self._render(record, self._wall())
        except Exception:
            self.handleError(record)
            return
        data = text.encode("ascii", "backslashreplace") + b"\n"
        if record.thread == self._home:
            self._lines.put(data)
            return
        with suppress(OSError):  # Nobody is left to be told.
            self._sink.write_now(data)


class Logs:
    """Standard error, while ``open_logs`` holds it."""

    def __init__(self, lines: Lines, render: Render, wall: Callable[[], float]) -> None:
        self._lines = lines
        self._render = render
        self._wall = wall

    def set_level(self, level: str) -> None:
        """Write records of ``level`` and above from now on, for as long as this is held."""
        logging.getLogger().setLevel(level.upper())

    def say(self, text: str) -> None:
        """Write a line that programs wait for: as it stands, or as JSON where all is JSON."""
        if self._render is as_json:
            record = logging.makeLogRecord(
                {"name": "trio_lb", "levelno": logging.INFO, "levelname": "INFO", "msg": text}
            )
            text = as_json(record, self._wall())
        self._lines.put(text.encode("ascii", "backslashreplace") + b"\n")


@asynccontextmanager
async def open_logs(
    env: Env, *, render: Render = as_text, level: str = "info"
) -> AsyncGenerator[Logs, None]:
    """Send every logger's records to standard error for as long as the block runs.

    An exception of the block leaves it unchanged, not in a group.
    """
    root = logging.getLogger()
    before = root.level
    sink = env.open_sink(STANDARD_ERROR)

    def tell(text: str) -> None:
        # Without a handler, logging itself would write to the sink that is in trouble, and wait.
        if handler in root.handlers:
            _log.warning(text)

    async with open_lines(sink, "standard error", tell=tell) as lines:
        handler = _QueueHandler(lines, sink, render, env.wall)
        root.addHandler(handler)
        root.setLevel(level.upper())
        try:
            yield Logs(lines, render, env.wall)
        finally:
            root.removeHandler(handler)
            root.setLevel(before)
