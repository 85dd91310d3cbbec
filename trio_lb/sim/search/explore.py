"""Many trials over all cores.

    trials --one at a time--> worker 1 -.
                              worker 2 --+--> findings, in the order of the seeds
                              worker N -'

Each worker is a process that runs one trial after the other. It has one at a time, so an endless
iterator of trials is fine, and when a worker dies it is known which trial killed it.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from multiprocessing.connection import wait
from typing import Final

import attrs

from trio_lb.sim.search.corpus import Corpus
from trio_lb.sim.search.crew import Reply, Worker, start_method
from trio_lb.sim.search.patience import Patience
from trio_lb.sim.search.progress import Counts
from trio_lb.sim.search.trial import CRASHED, Outcome, Run, Trial, name_of
from trio_lb.sim.search.twins import TwinRun

NO_END: Final = "NoEnd"
"""So begins, after the seed, what is said of a run that was given up."""


@attrs.frozen(slots=True)
class Finding:
    """A trial and what came of it. ``new`` are the points that no trial before it reached."""

    trial: Trial
    outcome: Outcome
    new: tuple[str, ...] = ()


@attrs.frozen(slots=True)
class Exploration:
    """What came of all trials that were run to their end, in the order of their seeds.

    ``interrupted`` says that somebody pressed Ctrl-C before all were done.
    """

    findings: tuple[Finding, ...]
    interrupted: bool = False

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Return those that failed a check."""
        return tuple(each for each in self.findings if not each.outcome.ok)

    @property
    def corpus(self) -> Corpus:
        """Return which trials reached what first."""
        corpus = Corpus()
        for each in self.findings:
            corpus.add(each.trial, each.new)
        return corpus


def explore(
    trials: Iterable[Trial],
    run: Run,
    *,
    processes: int | None = None,
    twins: bool = False,
    on_progress: Callable[[Counts], object] = lambda counts: None,
    method: str | None = None,
    patience: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Exploration:
    """Run all trials, as many at a time as there are cores, and return what came of them.

    A run that raises is a finding that fails the check ``crashed``, and so is one that ends its
    process; the others go on. On Ctrl-C all workers are killed, and what is done so far is
    returned. With ``twins`` each trial is run in two processes with other hash seeds and
    allocators, and a difference is a finding, too; ``run`` is then a function of a module.
    ``method`` starts workers: ``fork`` or ``spawn``, by default what is safe here (``spawn``
    needs a ``run`` that can be pickled). A run that takes longer than ``patience`` seconds, by
    default 20 times as long as the slowest of the others and a minute at least, is given up, and
    its crash says where it stood. ``clock`` returns seconds.

    Raises:
      ConfigError: ``twins`` are wanted of a function that other processes can't find.
    """
    count = processes or os.cpu_count() or 1
    crew = _Crew(
        TwinRun(name_of(run)) if twins else run, method or start_method(), Patience(clock, patience)
    )
    total = len(trials) if isinstance(trials, Sized) else None
    outcomes: list[tuple[int, Trial, Outcome]] = []
    failed = 0
    interrupted = False
    try:
        for place, trial, outcome in crew.work_off(enumerate(trials), count):
            outcomes.append((place, trial, outcome))
            failed += not outcome.ok
            on_progress(Counts(len(outcomes), total, failed))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        crew.kill()
    return Exploration(tuple(_found(outcomes)), interrupted)


def _found(outcomes: list[tuple[int, Trial, Outcome]]) -> Iterator[Finding]:
    """By seed, then as they were handed in: which came first is not what the clock says."""
    corpus = Corpus()
    for _, trial, outcome in sorted(outcomes, key=lambda each: (each[1].seed, each[0])):
        yield Finding(trial, outcome, corpus.add(trial, outcome.coverage))


class _Crew:
    """The workers, busy or idle."""

    def __init__(self, run: Run, method: str, patience: Patience) -> None:
        self._run = run
        self._method = method
        self._patience = patience
        self._busy: dict[Worker, tuple[int, Trial]] = {}
        self._idle: list[Worker] = []

    def work_off(
        self, trials: Iterator[tuple[int, Trial]], count: int
    ) -> Iterator[tuple[int, Trial, Outcome]]:
        """Yield outcomes as they come; a trial is taken when somebody is free for it."""
        while True:
            # A worker starts when there is a trial for it: for three trials there are three.
            while len(self._busy) < count and (entry := next(trials, None)) is not None:
                self._hand_out(*entry)
            if not self._busy:
                return
            yield from self._replies()

    def kill(self) -> None:
        """End them all, at once, by their ids; whatever they are at."""
        workers = [*self._busy, *self._idle]
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join()

    def _hand_out(self, place: int, trial: Trial) -> None:
        worker = self._somebody()
        self._busy[worker] = (place, trial)
        self._patience.begin(worker)
        worker.ask(trial)

    def _somebody(self) -> Worker:
        """One that is idle, and still alive: what ended it since was the trial before, not the next."""
        while self._idle:
            worker = self._idle.pop()
            if not worker.is_gone:
                return worker
            worker.join()
        return Worker(self._run, self._method)

    def _replies(self) -> Iterator[tuple[int, Trial, Outcome]]:
        """Yield at least one outcome, or nothing: then somebody may have to be given up now."""
        ready = wait([worker.connection for worker in self._busy], self._patience.left)
        for worker in [*self._busy]:
            if worker.connection in ready:
                yield self._done(worker)
            elif self._patience.is_over(worker):
                yield self._given_up(worker)

    def _done(self, worker: Worker) -> tuple[int, Trial, Outcome]:
        reply = worker.reply()
        self._patience.end(worker)
        place, trial = self._busy.pop(worker)
        if reply is None:
            reply = Reply(crash=f"seed {trial.seed}: its process ended {worker.epitaph()}")
        else:
            self._idle.append(worker)
        return place, trial, reply.outcome or Outcome({CRASHED: reply.crash})

    def _given_up(self, worker: Worker) -> tuple[int, Trial, Outcome]:
        reply = worker.give_up()
        self._patience.give_up(worker)
        place, trial = self._busy.pop(worker)
        if reply is not None and reply.outcome is not None:
            return place, trial, reply.outcome  # It was done after all, this very moment.
        where = "" if reply is None else f"; it was in {reply.crash}"
        says = f"seed {trial.seed}: {NO_END}: not done after {self._patience.seconds:.3g} s{where}"
        return place, trial, Outcome({CRASHED: says})
