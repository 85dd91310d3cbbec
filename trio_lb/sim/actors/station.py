"""A station: so many jobs at once, so many that wait, the rest turned away (a G/G/c/K queue).

submit --> [ waiting, at most ``queue`` ] --> [ in service, at most ``concurrency`` ] --> done()
"""

from collections import deque
from collections.abc import Callable

from trio_lb.sim.clock import Call, DesClock


class Job:
    """One piece of work in a station; its owner may ``abandon`` it."""

    __slots__ = ("_call", "_station", "begin", "done", "seconds")

    def __init__(
        self,
        station: "Station",
        seconds: Callable[[], float],
        begin: Callable[[], object],
        done: Callable[[], object],
    ) -> None:
        self._station = station
        self._call: Call | None = None
        self.seconds = seconds
        self.begin = begin
        self.done: Callable[[], object] | None = done

    def abandon(self) -> None:
        """Give it up: leave the queue, or free the place in service at once."""
        self._station._abandon(self)

    def disown(self) -> None:
        """Let it be worked on to its end although nobody waits for that any more."""
        self.done = None


class Station:
    """Serves jobs in the order in which they came.

    ``concurrency`` and ``queue`` may be changed at any time: who is in stays in, and places that
    become free are taken at once. ``in_service`` and ``waiting`` are how it stands. Nobody waits
    while a place is free, so whoever comes last never overtakes.
    """

    __slots__ = (
        "_concurrency",
        "_is_paused",
        "_overdue",
        "_waiting",
        "clock",
        "in_service",
        "queue",
    )

    def __init__(self, clock: DesClock, concurrency: int, queue: int) -> None:
        self.clock = clock
        self.queue = queue
        self.in_service: dict[Job, None] = {}
        self._concurrency = concurrency
        self._waiting: deque[Job] = deque()
        self._overdue: list[Job] = []
        self._is_paused = False

    @property
    def concurrency(self) -> int:
        """How many are served at once."""
        return self._concurrency

    @concurrency.setter
    def concurrency(self, places: int) -> None:
        self._concurrency = places
        self._go_on()

    @property
    def waiting(self) -> int:
        """How many wait for their service to begin."""
        return len(self._waiting)

    def submit(
        self,
        seconds: Callable[[], float],
        done: Callable[[], object],
        begin: Callable[[], object] = lambda: None,
    ) -> Job | None:
        """Take a job, unless the queue is full: then None.

        ``begin()`` is called when its service begins, ``seconds()`` then says how long it takes,
        ``done()`` is called at its end.
        """
        may_begin = self._has_place() and not self._waiting
        if not may_begin and len(self._waiting) >= self.queue:
            return None
        job = Job(self, seconds, begin, done)
        if may_begin:
            self._serve(job)
        else:
            self._waiting.append(job)
        return job

    def _has_place(self) -> bool:
        return len(self.in_service) < self._concurrency and not self._is_paused

    def _serve(self, job: Job) -> None:
        self.in_service[job] = None
        job.begin()
        now = self.clock.current_time()
        job._call = self.clock.call_at(now + job.seconds(), lambda: self._finish(job))

    def _finish(self, job: Job) -> None:
        if self._is_paused:
            self._overdue.append(job)  # Done on paper, but nobody is there to say so.
            return
        del self.in_service[job]
        self._go_on()  # First: whoever comes because of this is the last in the queue.
        if job.done is not None:
            job.done()

    def _go_on(self) -> None:
        while self._waiting and self._has_place():
            self._serve(self._waiting.popleft())

    def _abandon(self, job: Job) -> None:
        if job in self.in_service:
            if job._call is not None:
                job._call.cancel()
            del self.in_service[job]
            self._go_on()
        elif job in self._waiting:
            self._waiting.remove(job)

    def clear(self) -> None:
        """Forget all jobs, as a process does that dies; nothing is called."""
        for job in self.in_service:
            if job._call is not None:
                job._call.cancel()
        self.in_service.clear()
        self._waiting.clear()
        self._overdue.clear()

    def pause(self) -> None:
        """Stop working: nothing begins and nothing is done until ``resume``."""
        self._is_paused = True

    def resume(self) -> None:
        """Go on: what would have been done meanwhile is done at once, in the order in which it was due."""
        if not self._is_paused:
            return
        self._is_paused = False
        overdue, self._overdue = self._overdue, []
        for job in overdue:
            if job in self.in_service:  # Not given up since.
                self._finish(job)
        self._go_on()
