"""Which seeds reached what first: the runs worth keeping, and those to branch from.

A point of coverage is a text (``panic entered``); a run that reaches one which none before it
reached has shown something new.
"""

from collections.abc import Iterable, Mapping

from trio_lb.sim.search.trial import Trial


class Corpus:
    """Keeps, for each point, the trial that reached it first. Trials come in their order."""

    def __init__(self) -> None:
        self._first: dict[str, Trial] = {}

    @property
    def first(self) -> Mapping[str, Trial]:
        """Return the trial for each point, in the order in which they were reached."""
        return dict(self._first)

    def add(self, trial: Trial, coverage: Iterable[str]) -> tuple[str, ...]:
        """Take note of what a trial reached; return what nobody reached before it."""
        new = tuple(point for point in dict.fromkeys(coverage) if point not in self._first)
        self._first.update(dict.fromkeys(new, trial))
        return new

    def unreached(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """Return those of the points that no trial reached: what was claimed to be tried, and was not."""
        return tuple(point for point in wanted if point not in self._first)

    def trials(self) -> list[Trial]:
        """Return the trials that reached something first, each once, in their order."""
        return list({trial.text: trial for trial in self._first.values()}.values())
