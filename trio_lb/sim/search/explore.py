"""Many trials over all cores.

    trials --one at a time--> worker 1 -.
                              worker 2 --+--> findings, in the order of the seeds
                              worker N -'

Each worker is a process that runs one trial after the other. It has one at a time, so an endless
iterator of trials is fine, and when a worker dies it is known which trial killed it.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sized
from multiprocessing.connection import wait

import attrs

from trio_lb.sim.search.corpus import Corpus
from trio_lb.sim.search.crew import Reply, Worker, start_method
from trio_lb.sim.search.progress import Counts
from trio_lb.sim.search.trial import CRASHED, Outcome, Run, Trial, name_of
from trio_lb.sim.search.twins import TwinRun


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
) -> Exploration:
    """Run all trials, as many at a time as there are cores, and return what came of them.

    A run that raises is a finding that fails the check ``crashed``, and so is one that ends its
    process; the others go on. On Ctrl-C all workers are killed, and what is done so far is
    returned. With ``twins`` each trial is run in two processes with other hash seeds and
    allocators, and a difference is a finding, too; ``run`` is then a function of a module.
    ``method`` starts workers: ``fork`` or ``spawn``, by default what is safe here (``spawn``
    needs a ``run`` that can be pickled).

    Raises:
      ConfigError: ``twins`` are wanted of a function that other processes can't find.
    """
    count = processes or os.cpu_count() or 1
    crew = _Crew(TwinRun(name_of(run)) if twins else run, method or start_method())
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

    def __init__(self, run: Run, method: str) -> None:
        self._run = run
        self._method = method
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
        worker = self._idle.pop() if self._idle else Worker(self._run, self._method)
        self._busy[worker] = (place, trial)
        worker.ask(trial)

    def _replies(self) -> Iterator[tuple[int, Trial, Outcome]]:
        ready = wait([worker.connection for worker in self._busy])
        for worker in [each for each in self._busy if each.connection in ready]:
            reply = worker.reply()
            place, trial = self._busy.pop(worker)
            if reply is None:
                reply = Reply(crash=f"seed {trial.seed}: its process ended {worker.epitaph()}")
            else:
                self._idle.append(worker)
            yield place, trial, reply.outcome or Outcome({CRASHED: reply.crash})
