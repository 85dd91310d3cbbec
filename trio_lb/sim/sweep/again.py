"""A run made again from its trace, and held against it.

    trace's header --trial--> the same world --run--> another trace  ==  the first?

Up to an instant only, if that is wanted: then the run is ended just after it.
"""

import contextlib
import itertools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.result import Result
from trio_lb.sim.search.replay import tell_difference
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.trace import TraceEvent
from trio_lb.sim.trace_reader import read_header, read_trace
from trio_lb.sim.trial_run import simulation_of

_NANOSECOND: Final = 1e-9


@attrs.frozen
class Again:
    """What came of running it again.

    ``same`` says whether every happening (up to the instant) was as before, ``happenings`` how
    many there were, ``difference`` where the two part, in lines. ``result`` is that of the whole
    run, None for a part of it. ``configs`` are the hashes of the configuration then and now.
    """

    trial: Trial
    same: bool
    happenings: int
    difference: tuple[str, ...] = ()
    result: Result | None = None
    configs: tuple[str, str] = ("", "")

    @property
    def config_changed(self) -> bool:
        """Whether the configuration is another one now; an older trace says nothing of it."""
        then, now = self.configs
        return bool(then) and then != now


class _Enough(Exception):
    """The instant has come up to which the run was wanted."""


def trial_of(path: str) -> Trial | None:
    """Return the trial that a trace is of; None if its run can't be made again from it.

    Raises:
      ConfigError: it is no trace, one of another format, or its trial is none of this version.
    """
    text = read_header(path).trial
    if not text:
        return None
    try:
        return Trial.from_data(json.loads(text))
    except ConfigError as error:
        raise ConfigError(
            [attrs.evolve(each, file=path, line=1) for each in error.below("trial").problems]
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError([Problem("trial", f"is none: {error}", path, 1)]) from None


def run_again(path: str, trial: Trial, *, command: str = "", until: float | None = None) -> Again:
    """Run the trial of a trace and say whether the same came of it.

    Raises:
      ConfigError: the trace is cut off or was changed; or there is no such world any more.
      Exception: what the run raised.
    """
    count = sum(1 for _ in _events(path, until))  # Refused before the run rather than after it.
    sim = simulation_of(trial)
    sim.command = command
    with tempfile.TemporaryDirectory() as folder:
        fresh = str(Path(folder, "again.jsonl"))
        result = None if _stops(sim, trial, fresh, until) else sim.run(
            trial.until, settle=trial.settle, trace=fresh
        )  # fmt: skip
        same = _are_same(path, fresh, until)
        difference = () if same else tuple(tell_difference(path, fresh))
        configs = read_header(path).config_hash, read_header(fresh).config_hash
    return Again(trial, same, count, difference, result, configs)


def _stops(sim: Simulation, trial: Trial, fresh: str, until: float | None) -> bool:
    """Run up to an instant and a nanosecond, if that is wanted; what comes then does not count."""
    if until is None:
        return False
    sim.clock.call_at(until + _NANOSECOND, _stop)
    with contextlib.suppress(_Enough):
        sim.run(trial.until, settle=trial.settle, trace=fresh)
    return True


def _stop() -> None:
    raise _Enough


def _are_same(a: str, b: str, until: float | None) -> bool:
    """Whether both have the same events up to the instant."""
    pairs = itertools.zip_longest(_events(a, until), _events(b, until))
    return all(one == other for one, other in pairs)


def _events(path: str, until: float | None) -> Iterator[TraceEvent]:
    _, events = read_trace(path)
    last_ns = None if until is None else round(until * 1e9)
    try:
        for event in events:
            if last_ns is not None and event.at_ns > last_ns:
                return
            yield event
    finally:
        events.close()
