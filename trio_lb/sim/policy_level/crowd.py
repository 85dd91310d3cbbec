"""Clients: they ask when the workload says so, wait as long as they like, and may ask again."""

from array import array
from collections.abc import Callable
from operator import attrgetter
from random import Random  # as a type: the stream is handed in

from trio_lb.sim.policy_level.agenda import Agenda, Lane
from trio_lb.sim.policy_level.balancing import Balancing
from trio_lb.sim.policy_level.request import Request
from trio_lb.sim.policy_level.settings import Clients

LEFT_IN_TIME = "the client's time was up"


class Crowd:
    """All clients of one run, and the books of what became of their requests.

    ``good_at`` and ``good_seconds`` hold, request by request, the instant of the good answer and
    how long the client had waited in all; ``failed_at`` those of the requests given up, whose
    reasons are counted in ``failures``. ``again_at`` are the instants of all further tries.
    """

    __slots__ = (
        "_agenda",
        "_clients",
        "_lane",
        "_rng",
        "again_at",
        "balancing",
        "failed_at",
        "failures",
        "good_at",
        "good_seconds",
        "open",
    )

    balancing: Balancing

    def __init__(self, clients: Clients, agenda: Agenda, rng: Random) -> None:
        self._clients = clients
        self._agenda = agenda
        self._rng = rng
        self._lane: Lane[Request] | None = None
        if clients.timeout is not None:
            self._lane = Lane(agenda, clients.timeout, self._leave, attrgetter("tries"))
        self.good_at = array("d")
        self.good_seconds = array("d")
        self.failed_at = array("d")
        self.again_at = array("d")
        self.failures: dict[str, int] = {}
        self.open = 0

    def ask(self, request: Request, now: float) -> None:
        """Send a request for the first time, or again."""
        if self._lane is not None:
            self._lane.keep(request, request.tries, now)
        self.balancing.arrive(request, now)

    def asks(self) -> Callable[[Request, float], None]:
        """Return ``ask`` without its detour where nobody watches the time."""
        return self.balancing.arrive if self._lane is None else self.ask

    def finished(self, request: Request, why_not: str, now: float) -> None:
        """Hear how a try ended: well, or why not."""
        request.tries += 1
        if not why_not:
            self.good_at.append(now)
            self.good_seconds.append(now - request.came_at)
        elif request.tries <= self._clients.retries:
            self._agenda.put(now + self._wait_seconds(request.tries - 1), self._again, request)
            return
        else:
            self.failed_at.append(now)
            self.failures[why_not] = self.failures.get(why_not, 0) + 1
        self.open -= 1

    def _leave(self, request: Request, now: float) -> None:
        self.balancing.leave(request, now)
        self.finished(request, LEFT_IN_TIME, now)

    def _again(self, request: Request, now: float) -> None:
        self.again_at.append(now)
        self.ask(request, now)

    def _wait_seconds(self, retry: int) -> float:
        longest = self._clients.base_delay * 2.0**retry
        return self._rng.uniform(0.0, min(self._clients.max_delay, longest))
