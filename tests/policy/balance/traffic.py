"""Traffic without a network: clients in a closed loop, servers that take a known time."""

from collections import Counter
from collections.abc import Sequence
from heapq import heappop, heappush
from random import Random

import attrs

from tests.policy.balance.pool import Member
from trio_lb.policy.balance.base import Balancer, Context


@attrs.define(slots=True, eq=False)
class Worker(Member):
    """A server that takes ``seconds`` an answer, a little more or less, and may fail at once.

    ``crowd`` is how many it serves at a time without getting slower.
    """

    seconds: float = 0.01
    failing: float = 0.0
    fails_after: float = 0.001
    crowd: int = 1_000_000

    def serve(self, dice: Random) -> tuple[float, bool]:
        """Return how long an attempt takes that begins now, and whether it fails."""
        if dice.random() < self.failing:
            return self.fails_after, True
        crowding = max(1.0, self.active_connections / self.crowd)
        return self.seconds * crowding * dice.uniform(0.9, 1.1), False


class Run:
    """Traffic that can be continued. ``clients`` each ask again ``pause`` after an answer."""

    def __init__(
        self, balancer: Balancer, pool: Sequence[Worker], clients: int = 1, pause: float = 0.0
    ) -> None:
        self.balancer = balancer
        self.pool = pool
        self.pause = pause
        self.now = 0.0
        self.dice = Random(1)
        self.count = 0
        # (when, number, whose attempt ends or None for a client that asks, since when, failed)
        self.due: list[tuple[float, int, Worker | None, float, bool]] = []
        for _ in range(clients):
            self._later(0.0, None, 0.0, False)

    def _later(self, delay: float, worker: Worker | None, began: float, failed: bool) -> None:
        self.count += 1
        heappush(self.due, (self.now + delay, self.count, worker, began, failed))

    def picks(self, seconds: float) -> Counter[str]:
        """Let the time pass; return how many requests each server got in it."""
        end, seen = self.now + seconds, Counter[str]()
        while self.due[0][0] <= end:
            self.now, _, worker, began, failed = heappop(self.due)
            if worker is None:
                seen[self._ask()] += 1
            else:
                self._answered(worker, began, failed)
        self.now = end
        return seen

    def shares(self, seconds: float) -> dict[str, float]:
        """As ``picks``, as parts of all."""
        seen = self.picks(seconds)
        total = sum(seen.values())
        return {worker.id: seen[worker.id] / total for worker in self.pool}

    def _ask(self) -> str:
        context = Context(now=self.now)
        worker = next(self.balancer.order(self.pool, context, self.dice))
        worker.active_connections += 1
        self.balancer.leased(worker)
        seconds, failed = worker.serve(self.dice)
        self._later(seconds, worker, self.now, failed)
        return worker.id

    def _answered(self, worker: Worker, began: float, failed: bool) -> None:
        self.balancer.timed(worker, self.now - began, failed, self.now)
        worker.active_connections -= 1
        self.balancer.released(worker)
        self._later(self.pause, None, 0.0, False)
