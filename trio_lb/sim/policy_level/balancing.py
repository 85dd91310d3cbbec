"""The balancer without its bytes: a pool's own policies, asked in the order in which a proxy asks.

    arrive -> Pool.order -> lease -> server -> Pool.observe -> release -> RetryPolicy.decide
                 ^                                                              |
                 '---------------------- after the backoff ---------------------'

All of these are the objects that serve real traffic. What a proxy awaits is here an entry in the
agenda, so a lease is entered and left by hand: there is no block that could hold it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from random import Random  # as a type: the streams are handed in
from typing import Final

from trio_lb.config.bounds import TimeoutsConfig
from trio_lb.config.schema import PoolConfig
from trio_lb.model.events import Event
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.policy.balance.base import Balancer
from trio_lb.policy.retry import GiveUp
from trio_lb.proxy.trial import Another, pardoned
from trio_lb.sim.policy_level.agenda import Agenda, Lane
from trio_lb.sim.policy_level.request import ANSWERED, LATE, LEFT, RESET, SHED, Request
from trio_lb.sim.policy_level.server_queue import ServerQueue
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server

NO_SERVER: Final = "no server"
NOBODY: Final[Iterator[Server]] = iter(())

Finished = Callable[[Request, str, float], None]
"""``finished(request, why_not, now)`` ends a try; an empty text is a good answer."""


class Balancing:
    """One pool at work. ``extra`` collects the instants of all attempts but a try's first."""

    __slots__ = (
        "_agenda",
        "_finished",
        "_first_byte",
        "_lane",
        "_on_event",
        "_pick_rng",
        "_pool",
        "_queues",
        "_retry_rng",
        "_total_seconds",
        "_wakes_at",
        "extra",
    )

    def __init__(
        self,
        pool: Pool,
        queues: Mapping[Server, ServerQueue],
        agenda: Agenda,
        finished: Finished,
        *,
        config: PoolConfig,
        balancer: Balancer | None = None,
        pick_rng: Random,
        retry_rng: Random,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        timeouts = config.timeouts or TimeoutsConfig()
        self._pool = pool
        self._queues = queues
        self._agenda = agenda
        self._finished = finished
        self._pick_rng = pick_rng
        self._retry_rng = retry_rng
        self._on_event = on_event
        self._first_byte = timeouts.first_byte
        self._total_seconds = timeouts.total
        self._lane = Lane(agenda, timeouts.first_byte, self._late, attrgetter("number"))
        self._wakes_at: float | None = None
        self.extra: list[float] = []
        pool.on_deadline_moved = self._arm
        self._tell(pool.apply(config, 0.0, balancer=balancer))

    # -- a try comes in

    def arrive(self, request: Request, now: float) -> None:
        """Take a client's try; ``finished`` is called when it is over, perhaps at once."""
        pool = self._pool
        pool.budget.request(now)
        request.attempts = 0
        request.deadline = now + self._total_seconds
        request.order = order = pool.order(request.context, self._pick_rng, now)
        server = next(order, None)
        if server is None:
            self._finished(request, NO_SERVER, now)
        else:
            self._attempt(request, server, now)

    def leave(self, request: Request, now: float) -> None:
        """Hear that the client has left; whatever it waited for is over."""
        if request.lease is not None:
            request.queue.leave(request, now)
            self._close(request, LEFT, now)
        request.number += 1  # A retry that waits for its backoff is a straggler, too.

    # -- one attempt

    def _attempt(self, request: Request, server: Server, now: float) -> None:
        if request.attempts:
            self.extra.append(now)
        request.attempts += 1
        request.number += 1
        request.began_at = now
        request.server = server
        request.queue = queue = self._queues[server]
        request.lease = lease = server.lease()
        lease.__enter__()
        if queue.refusal is not None:
            self._ended(request, queue.refusal, now)
        elif not queue.take(request, now):
            self._ended(request, SHED, now)
        elif request.deadline - now < self._first_byte:
            self._agenda.put(request.deadline, self._out_of_time, (request, request.number))
        else:
            self._lane.keep(request, request.number, now)

    def answered(self, request: Request, now: float) -> None:
        """Hear that a server has done the work of the attempt in hand."""
        self._close(request, ANSWERED, now)
        request.order = NOBODY  # An iterator in hand for as long as the request is remembered.
        self._finished(request, "", now)

    def reset(self, request: Request, now: float) -> None:
        """Hear that the server of the attempt in hand has crashed."""
        self._ended(request, RESET, now)

    def _out_of_time(self, what: tuple[Request, int], now: float) -> None:
        request, number = what
        if request.number == number:
            self._late(request, now)

    def _late(self, request: Request, now: float) -> None:
        request.queue.leave(request, now)
        fair_seconds = min(self._first_byte, self._total_seconds)
        self._ended(request, pardoned(LATE, now - request.began_at, fair_seconds), now)

    def _close(self, request: Request, outcome: Outcome, now: float) -> None:
        """Let the pool judge the attempt, and give its lease back."""
        lease, began_at = request.lease, request.began_at
        assert lease is not None, "an attempt ends once"
        told = self._pool.observe(
            request.server,
            outcome,
            now,
            self._retry_rng,
            began_at=began_at,
            seconds=now - began_at,
        )
        lease.__exit__(None, None, None)
        request.lease = None
        request.number += 1
        if told:
            self._tell(told)

    # -- and what follows it

    def _ended(self, request: Request, outcome: Outcome, now: float) -> None:
        """Judge an attempt that did not go well; try again, or tell the client."""
        self._close(request, outcome, now)
        if outcome.kind is OutcomeKind.ANSWERED:
            self._finished(request, f"status {outcome.status}", now)
            return
        another = Another(request.order)
        decision = self._pool.retry.decide(
            outcome,
            attempts=request.attempts,
            stale_replays=0,
            idempotent=True,
            replayable=True,
            another_server=another,
            now=now,
            deadline=request.deadline,
            budget=self._pool.budget,
            rng=self._retry_rng,
        )
        if isinstance(decision, GiveUp):
            self._finished(request, decision.reason, now)
            return
        wanted = request.server if decision.same_server else another.server
        following = (request, request.number, wanted)
        if decision.delay_seconds:
            self._agenda.put(now + decision.delay_seconds, self._again, following)
        else:
            self._again(following, now)

    def _again(self, what: tuple[Request, int, Server | None], now: float) -> None:
        request, number, wanted = what
        if request.number != number:
            return
        if wanted is None or not (wanted.is_usable and wanted.has_room):
            wanted = next(self._pool.order(request.context, self._pick_rng, now), None)
        if wanted is None:
            self._finished(request, NO_SERVER, now)
        else:
            self._attempt(request, wanted, now)

    # -- what is due in the pool

    def _arm(self, pool: Pool) -> None:
        at = pool.deadline
        if at is not None and at != self._wakes_at:
            self._wakes_at = at
            self._agenda.put(at, self._wake, None)

    def _wake(self, _: None, now: float) -> None:
        """Let time change what it changes; a deadline that has moved on makes this a no-op."""
        self._tell(self._pool.on_deadline(now))
        self._arm(self._pool)

    def _tell(self, events: Sequence[Event]) -> None:
        if self._on_event is not None:
            for event in events:
                self._on_event(event)
