"""A file of faults for a scenario: what is wrong in it is told by line, also what only a world shows.

That a target is no server of this scenario is seen when the schedule is expanded, long after the
file was read; so where each entry stands is kept.
"""

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from trio_lb.config.nodes import Findings, Origin
from trio_lb.config.yaml_source import read_yaml
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.faults.read import read_schedule
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.schedule import Schedule
from trio_lb.sim.faults.target import Topology

_ENTRY: Final = re.compile(r"\[(\d+)\]")


@attrs.frozen
class FaultsFile:
    """A schedule, the file that it is from, and the line of each entry."""

    path: str
    schedule: Schedule
    lines: Sequence[int | None]

    @classmethod
    def read(cls, path: str) -> "FaultsFile":
        """Return what is in a YAML or JSON file.

        Raises:
          ConfigError: it can't be read, or with every problem, each with file, line and path.
        """
        lines = _lines(path)
        schedule = read_schedule(path)
        return cls(path, schedule, lines)

    def expand(self, until: float, rng: random.Random, topology: Topology) -> tuple[Fault, ...]:
        """Return the faults that come in a world.

        Raises:
          ConfigError: a name that the world has not; with file and line.
        """
        try:
            return tuple(self.schedule.expand(until, rng, topology))
        except ConfigError as error:
            raise ConfigError([self._located(each) for each in error.problems]) from None

    def _located(self, problem: Problem) -> Problem:
        entry = _ENTRY.match(problem.path)
        line = self.lines[int(entry[1])] if entry else None
        return attrs.evolve(problem, file=self.path, line=line)


def _lines(path: str) -> list[int | None]:
    """Return the line on which each entry of the list begins; what else is wrong is told later."""
    try:
        text = Path(path).read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem("", f"cannot be read: {error.strerror}", path)]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem("", "cannot be read: it is not UTF-8", path)]) from None
    findings = Findings({(): Origin(path)})
    value = read_yaml(text, path, findings)
    above: tuple[str, ...] = ()
    if isinstance(value, dict):
        above, value = ("faults",), value.get("faults")
    count = len(value) if isinstance(value, list) else 0
    return [findings.origin((*above, index)).line for index in range(count)]
