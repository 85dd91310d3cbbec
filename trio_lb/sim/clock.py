"""The clock of a simulation: it is the event loop of everything that is not a task.

    trio has nothing to run  ->  the next thing that happens: a call that is due, or a deadline
                                 of trio's  ->  time is then, and all calls of that instant are made

``MockClock`` needs a task that pumps and a pass of the loop more for each jump. Here time moves
in the one question that trio asks before it would sleep.
"""

import itertools
import math
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

import trio

PATIENCE_POLLS: Final = 8
"""How often trio may ask in vain before nobody is left who could act: at its end it wakes
itself up through a socket, which takes a poll or two."""

MOST_CALLS: Final = 1_000_000
"""So many calls within one instant are a loop that never ends."""

MOST_ROUNDS: Final = 200_000
"""So many rounds of tasks within one instant are a task that never waits: a second of real time."""

STEPS_A_ROUND: Final = 10
"""Rounds of that many steps are as long as one of a single task is, most of which is trio's own."""

MOST_LOOKS: Final = 5_000_000
"""So many looks at the clock within one instant are a task that does not even give way."""

CALM_LOOKS: Final = 10_000
"""Up to so many of them nobody counts rounds: each costs a little."""


class SimulationStuck(RuntimeError):
    """Nothing will ever happen again (a deadlock), or time does not go on (a livelock)."""


class Call:
    """A call that is due at an instant; ``cancel`` takes it back."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], object]) -> None:
        self.make: Callable[[], object] | None = make

    def cancel(self) -> None:
        """Make it no more; harmless afterwards."""
        self.make = None


class DesClock(trio.abc.Clock):
    """Virtual time from 0, in seconds, for one ``trio.run``.

    What a call raises, and a simulation that is stuck, is kept in ``fault``; ``on_fault`` is
    then called once, to end the run. (An exception inside the clock would kill trio itself: that
    is kept for those whom nothing else ends.)

    ``most_rounds`` may pass within one instant, or ten times as many steps of tasks; after that
    time stands still. Who needs more of them says so at any time.
    """

    def __init__(self, *, most_rounds: int = MOST_ROUNDS) -> None:
        self.most_rounds = most_rounds
        self.fault: BaseException | None = None
        self.on_fault: Callable[[], object] = _ignore
        self._now = 0.0
        self._heap: list[tuple[float, int, Call]] = []
        self._serials = itertools.count()
        self._polls = 0
        self._looks = self._rounds = self._steps = 0
        self._is_calling = False
        self._context: Any = None
        self._runner: Any = None

    # ------------------------------------------------------------------ calls

    def call_at(self, at: float, make: Callable[[], object]) -> Call:
        """Call ``make()`` at the instant ``at`` (one that has passed: at once).

        Calls of the same instant are made in the order in which they were asked for, and before
        any task runs whose deadline it is.
        """
        call, now = Call(make), self._now
        heappush(self._heap, (at if at > now else now, next(self._serials), call))
        return call

    @property
    def pending(self) -> int:
        """How many calls are due some time."""
        return sum(call.make is not None for _, _, call in self._heap)

    def jump(self, seconds: float) -> None:
        """Let time pass without a turn for anybody, as a call that blocks would."""
        self._move_to(self._now + seconds)

    # ------------------------------------------------------------------ trio's questions

    def start_clock(self) -> None:
        """See ``trio.abc.Clock``."""
        self._context = trio._core._run.GLOBAL_RUN_CONTEXT
        self._runner = self._context.runner

    def current_time(self) -> float:
        """See ``trio.abc.Clock``."""
        self._looks += 1
        if self._looks > CALM_LOOKS:
            self._count_round()
        return self._now

    def _count_round(self) -> None:
        """Trio itself looks once before each round, when no task runs and nobody is called."""
        if not (self._is_calling or hasattr(self._context, "task")):
            self._rounds += 1
            self._steps += len(self._runner.runq)
        if self._rounds > self.most_rounds or self._steps > STEPS_A_ROUND * self.most_rounds:
            self._stand_still(
                f"{self._rounds:,} rounds of tasks and {self._steps:,} steps, and none of them waits "
                "for time to pass; one that needs more gets it by clock.most_rounds"
            )
        most_looks = MOST_LOOKS if self.fault is None else MOST_LOOKS // 10  # It was told to end.
        if self._looks > most_looks:
            self._stand_still(f"{most_looks:,} looks at the clock, and nobody waits")

    def _stand_still(self, why: str) -> None:
        self._begin_instant()
        self._fail(SimulationStuck(f"time stands still at {self._now:g} s: {why}"))

    def _begin_instant(self) -> None:
        self._looks = self._rounds = self._steps = 0

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """See ``trio.abc.Clock``: no task can run, so let things happen until one can."""
        runner = self._runner
        handed = runner.entry_queue
        at = self._next_call_at()
        if handed.queue or handed.idempotent_queue:
            if at <= self._now:
                self._make_calls(at)
            return 0.0  # What a task handed in at this instant is done at this instant.
        if runner.waiting_for_idle and at > self._now:
            return math.inf  # Somebody waits for just this: ``wait_all_tasks_blocked``.
        if at == deadline == math.inf:
            return self._wait_for_nothing()
        self._polls = 0
        while at <= deadline and at < math.inf:
            self._make_calls(at)
            if runner.runq or handed.queue or handed.idempotent_queue or self.fault is not None:
                return 0.0
            if runner.waiting_for_idle:
                return 0.0  # Trio asks again at once; by then this instant is over.
            deadline = runner.deadlines.next_deadline()  # A call may have moved it.
            at = self._next_call_at()
        if deadline < math.inf:
            self._move_to(deadline)
        return 0.0

    def _next_call_at(self) -> float:
        heap = self._heap
        while heap and heap[0][2].make is None:
            heappop(heap)
        return heap[0][0] if heap else math.inf

    def _move_to(self, at: float) -> None:
        if at > self._now:
            self._now = at
            self._begin_instant()

    def _make_calls(self, at: float) -> None:
        """Make all calls of an instant, those too that they themselves ask for at once."""
        if at > self._now:  # ``_move_to``, for the one caller whose time counts.
            self._now = at
            self._looks = self._rounds = self._steps = 0
        heap = self._heap
        made = 0
        self._is_calling = True
        try:
            while heap and heap[0][0] <= at:
                call = heappop(heap)[2]
                make, call.make = call.make, None  # Who keeps the call keeps nothing by it.
                if make is None:
                    continue
                make()
                made += 1
                if made > MOST_CALLS:
                    heap.clear()  # The run ends now, and has to get past this instant.
                    raise SimulationStuck(f"calls at {self._now:g} s ask for others without end")
        except Exception as error:
            self._fail(error)
        finally:
            self._is_calling = False

    def _wait_for_nothing(self) -> float:
        """No deadline, no call: only trio itself may still wake somebody, at its end."""
        self._polls += 1
        if self._polls > PATIENCE_POLLS:
            self._polls = 0
            self._fail(SimulationStuck(f"nobody is left who could act after {self._now:g} s"))
        return 0.0

    def _fail(self, error: BaseException) -> None:
        if self.fault is None:
            self.fault = error
            self.on_fault()
        elif isinstance(error, SimulationStuck):
            raise error  # Who is left heeds no cancellation: better kill trio than hang.


def _ignore() -> None:
    """Nobody has to be told."""
