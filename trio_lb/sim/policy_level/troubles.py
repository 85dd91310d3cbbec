"""Troubles at work: what is on now decides how fast a server is and whether it answers at all.

Nothing is undone: when a trouble begins or ends, what it touches is worked out anew from all that
is on, so overlapping ones end in any order, and a factor leaves no rounding behind.
"""

from collections.abc import Sequence
from math import prod

from trio_lb.model.errors import ConfigError, Problem
from trio_lb.model.outcome import Outcome
from trio_lb.sim.policy_level.agenda import Agenda
from trio_lb.sim.policy_level.balancing import Balancing
from trio_lb.sim.policy_level.request import FAILED, REFUSED
from trio_lb.sim.policy_level.server_queue import ServerQueue
from trio_lb.sim.policy_level.settings import Trouble, TroubleKind


def schedule(
    troubles: Sequence[Trouble],
    queues: Sequence[ServerQueue],
    balancing: Balancing,
    agenda: Agenda,
) -> None:
    """Let every trouble begin and end when it says so.

    Raises:
      ConfigError: one names a server that there is not.
    """
    known = [queue.model.id for queue in queues]
    for index, trouble in enumerate(troubles):
        for server_id in trouble.servers:
            if server_id not in known:
                message = f"no server {server_id!r}; there are {', '.join(known)}"
                raise ConfigError([Problem(f"troubles.{index}.servers", message)])
    at_work = Troubles(queues, balancing)
    for trouble in troubles:
        agenda.put(trouble.at, at_work.begin, trouble)
        agenda.put(trouble.until, at_work.end, trouble)


class Troubles:
    """What is on now."""

    def __init__(self, queues: Sequence[ServerQueue], balancing: Balancing) -> None:
        self._queues = queues
        self._balancing = balancing
        self._on: list[Trouble] = []

    def begin(self, trouble: Trouble, now: float) -> None:
        """Let it befall its servers; a crash loses what they had in hand."""
        self._on.append(trouble)
        for queue in self._touched(trouble):
            self._review(queue)
            if trouble.kind == TroubleKind.CRASH:
                for request in queue.crash():
                    self._balancing.reset(request, now)

    def end(self, trouble: Trouble, now: float) -> None:
        """Let it be over."""
        self._on.remove(trouble)
        for queue in self._touched(trouble):
            self._review(queue)

    def _touched(self, trouble: Trouble) -> list[ServerQueue]:
        return [queue for queue in self._queues if _touches(trouble, queue)]

    def _review(self, queue: ServerQueue) -> None:
        on = [trouble for trouble in self._on if _touches(trouble, queue)]
        factors = (each.factor for each in on if each.kind == TroubleKind.SLOW)
        queue.slow_factor = queue.model.slow_factor * prod(factors)
        queue.refusal = _refusal([each.kind for each in on])


def _refusal(kinds: Sequence[str]) -> Outcome | None:
    """A crashed server does not even fail."""
    if TroubleKind.CRASH in kinds:
        return REFUSED
    return FAILED if TroubleKind.FAIL in kinds else None


def _touches(trouble: Trouble, queue: ServerQueue) -> bool:
    return not trouble.servers or queue.model.id in trouble.servers
