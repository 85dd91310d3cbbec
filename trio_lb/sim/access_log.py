"""The load of a day that was: arrivals read from an access log.

    sim.clients("web", OpenLoop(read_access_log("access.log", speed=10)))

Three forms are known, line by line, so files may be mixed: combined and common (nginx, Apache,
ours: the time in brackets), JSON objects with ``time``, and logfmt with ``time=``. A log is
written when requests end, so its lines are put in the order of their times.
"""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Final

from trio_lb.config.kinds import show
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.arrivals import LEAST_APART_SECONDS, Replay

_CLF: Final = re.compile(r"\[(\d{2}/[A-Za-z]{3}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]")
_LOGFMT: Final = re.compile(r'(?:^|\s)time="?([^\s"]+)')
_FORMS: Final = "a time in brackets (combined), a JSON object with time, or time= (logfmt)"
MOST_PROBLEMS: Final = 10
"""So many lines that can't be read are named; a file of another kind has no others."""


def read_access_log(path: str | Path, *, speed: float = 1.0) -> Replay:
    """Return arrivals at the times of the log, the first one at once; at speed 2 in half the time.

    Empty lines are passed over.

    Raises:
      ConfigError: it can't be read, holds no request, or has lines without a time; each with
        file and line.
    """
    problems: list[Problem] = []
    times: list[float] = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        at = time_of(line)
        if at is None:
            problems.append(
                Problem("", f"{show(line.strip()[:60])} has no time: {_FORMS}", str(path), number)
            )
        else:
            times.append(at)
        if len(problems) == MOST_PROBLEMS:
            break
    if not problems and not times:
        problems.append(Problem("", "holds no request", str(path)))
    if problems:
        raise ConfigError(problems)
    # An arrival comes after the begin, so the first one a nanosecond after it.
    first, late = min(times), LEAST_APART_SECONDS * speed
    return Replay(tuple(at - first + late for at in sorted(times)), speed=speed)


def time_of(line: str) -> float | None:
    """Return the seconds since 1970 at which a line's request came; None: it does not say."""
    found = _CLF.search(line)
    try:
        if found is not None:
            return datetime.strptime(found[1], "%d/%b/%Y:%H:%M:%S %z").timestamp()
        if line.lstrip().startswith("{"):
            return _iso(json.loads(line).get("time"))
        found = _LOGFMT.search(line)
        return None if found is None else _iso(found[1])
    except (ValueError, AttributeError):
        return None


def _iso(text: object) -> float | None:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None


def _lines(path: str | Path) -> list[str]:
    try:
        return Path(path).read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise ConfigError([Problem("", f"can't be read: {error.strerror}", str(path))]) from error
