"""A run's figures, from nothing but its trace: for a run that can't be made again, or need not be.

    trace --its events, told once more--> Tally --> Figures, as those of the run itself

A trace holds what happened. It does not hold which checks and points of coverage there were,
the plan of the faults, and how many connections were open; ``judged`` of the facts is False, so
that a page says so.
"""

import json
import shlex
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path as File

from trio_lb.sim.happening import Happening, What
from trio_lb.sim.report.data import RunFacts
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.tally import Tally
from trio_lb.sim.trace import TraceHeader
from trio_lb.sim.trace_reader import Path, read_trace

_LAST_SECONDS = 1.0
"""As a run does it: so much of the time axis is for what comes after the last phase has begun."""


def figures_of_trace(path: Path) -> Figures:
    """Return the figures of the run that a trace is of; the file is read twice.

    Raises:
      ConfigError: it is no trace, is cut off, was changed, or is of another format.
    """
    header, _ = read_trace(path)
    phases, end = _outline(path)
    until = phases.get("liveness", end)
    settle = phases.get("wind_down", until) - until
    tally = Tally(max(until + settle + _LAST_SECONDS, 1.0))
    for happening in happenings(path):
        tally.hear(happening)
    return Figures.of(_facts(path, header, until, settle), tally)


def happenings(path: Path) -> Iterator[Happening]:
    """Yield what happened, as it was told; kinds that this version does not know are left out.

    Raises:
      ConfigError: as in ``read_trace``.
    """
    known = {what.name: what for what in What}
    for event in read_trace(path)[1]:
        what = known.get(event.kind)
        if what is not None:
            at = event.at_ns / 1e9
            yield Happening(at, what, event.entity, event.conn, event.req, event.values)


def _outline(path: Path) -> tuple[dict[str, float], float]:
    """When each phase began, and the last event came: a tally lays its buckets beforehand."""
    phases: dict[str, float] = {}
    end = 0.0
    for happening in happenings(path):
        end = happening.at
        if happening.what is What.PHASE:
            phases.setdefault(str(happening.values[0]), end)
    return phases, end


def _facts(path: Path, header: TraceHeader, until: float, settle: float) -> RunFacts:
    trial = _trial(header)
    return RunFacts(
        name=str(trial.get("scenario") or File(path).name),
        seed=header.seed,
        until=until,
        settle=settle,
        schedule=header.schedule,
        versions=header.versions,
        trace_hash=_hash_at_end(path),
        command=f"trio-lb replay {shlex.quote(str(path))}" if trial else "",
        judged=False,
    )


def _hash_at_end(path: Path) -> str:
    """The last line's, which the reader has found to fit all events."""
    with open(path, "rb") as file:
        (last,) = deque(file, maxlen=1)
    return str(json.loads(last)["hash"])


def _trial(header: TraceHeader) -> Mapping[str, object]:
    """What the run was, as data; nothing if that is not known."""
    try:
        trial = json.loads(header.trial or "{}")
    except ValueError:
        return {}
    return trial if isinstance(trial, dict) else {}
