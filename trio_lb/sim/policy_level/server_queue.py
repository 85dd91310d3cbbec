"""A modelled server: a G/G/c/K queue, first come first served.

           take                      _begin                 _done
    ------------------> waiting ------------------> busy ------------> answered
              full: False        a place is free          its work is done

Rule 1: a place is given back exactly once: when its work is done, or, by a server that cancels,
        when the client of that work has left.
Rule 2: who left a server that does not cancel keeps its place in the queue and is served: work
        for nobody, which is what keeps an overload alive when its cause has gone.
Rule 3: a change of ``slow_factor`` holds for what begins after it.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappush
from sys import maxsize

from trio_lb.model.outcome import Outcome
from trio_lb.sim.policy_level.agenda import Agenda
from trio_lb.sim.policy_level.request import Request
from trio_lb.sim.policy_level.settings import ServerModel

Place = tuple[Request, int]
"""A request, and the number of the attempt that took the place."""


class ServerQueue:
    """One server. ``answered(request, now)`` is called when somebody still waits for the answer.

    ``refusal`` is what everybody gets at once while it is crashed or failing. ``busy_seconds``
    counts work that was done or is in hand, also for clients that have left; ``most_waiting``
    is the longest that its queue has been.
    """

    __slots__ = (
        "_agenda",
        "_answered",
        "_due",
        "_next_number",
        "_room",
        "_waiting",
        "busy",
        "busy_seconds",
        "model",
        "most_waiting",
        "refusal",
        "slow_factor",
        "waits",
    )

    def __init__(
        self, model: ServerModel, agenda: Agenda, answered: Callable[[Request, float], None]
    ) -> None:
        self.model = model
        self.slow_factor = model.slow_factor
        self.refusal: Outcome | None = None
        self.busy = 0
        self.waits = 0
        self.most_waiting = 0
        self.busy_seconds = 0.0
        self._room = maxsize if model.queue is None else model.queue
        self._waiting: deque[Place] = deque()
        self._answered = answered
        self._agenda = agenda
        self._due = agenda.due
        self._next_number = agenda.next_number

    def take(self, request: Request, now: float) -> bool:
        """Serve the request or let it wait; False: the queue is full."""
        if self.busy < self.model.concurrency:
            self.busy += 1
            self._begin((request, request.number), now)
            return True
        if self.waits >= self._room:
            return False
        request.ends_at = None
        self._waiting.append((request, request.number))
        self.waits += 1
        if self.waits > self.most_waiting:
            self.most_waiting = self.waits
        return True

    def leave(self, request: Request, now: float) -> None:
        """Hear that nobody waits for the attempt any more; call it while the number still holds."""
        if not self.model.cancels:
            return
        if request.ends_at is None:
            self.waits -= 1  # Its place stays, outdated; whoever comes to it passes it over.
        else:
            self.busy_seconds -= request.ends_at - now
            self._free(now)

    def crash(self) -> list[Request]:
        """Lose all work; return whose it was, who was served first, first."""
        places = [*self._agenda.take_out(self._done), *self._waiting]
        self._waiting.clear()
        self.busy = self.waits = 0
        return [request for request, number in places if request.number == number]

    def _begin(self, place: Place, now: float) -> None:
        request, number = place
        seconds = request.work * self.slow_factor
        self.busy_seconds += seconds
        ends_at = now + seconds
        if request.number == number:
            request.ends_at = ends_at
        heappush(self._due, (ends_at, self._next_number(), self._done, place))

    def _done(self, place: Place, now: float) -> None:
        request, number = place
        if request.number == number:
            if self._waiting:
                self._free(now)
            else:
                self.busy -= 1
            self._answered(request, now)
        elif not self.model.cancels:
            self._free(now)

    def _free(self, now: float) -> None:
        """Give a place to whoever is next, or leave it empty."""
        waiting = self._waiting
        while waiting:
            place = waiting.popleft()
            if self.model.cancels and place[0].number != place[1]:
                continue
            self.waits -= 1
            self._begin(place, now)
            return
        self.busy -= 1
