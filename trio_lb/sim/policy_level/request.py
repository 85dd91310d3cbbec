"""One request on its way, and the numbers that tell stragglers from the living."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.policy.balance.base import Context
from trio_lb.state.lease import Lease, Trial
from trio_lb.state.server import Server

if TYPE_CHECKING:
    from trio_lb.sim.policy_level.server_queue import ServerQueue

ANSWERED: Final = Outcome(OutcomeKind.ANSWERED)
SHED: Final = Outcome(OutcomeKind.ANSWERED, 503)
FAILED: Final = Outcome(OutcomeKind.ANSWERED, 500)
REFUSED: Final = Outcome(OutcomeKind.CONNECT_REFUSED, None, False)
RESET: Final = Outcome(OutcomeKind.RESET)
LATE: Final = Outcome(OutcomeKind.TIMEOUT)
LEFT: Final = Outcome(OutcomeKind.ABANDONED)


class Request:
    """What a client wants done: its tries, and of the try in hand the attempts at servers.

    ``number`` grows when an attempt begins and when it ends: an answer, a timeout or a place in
    a queue that carries an older number is a straggler's. ``tries`` does the same for the
    client: it grows when one is over. ``came_at`` is when the client asked first.

    Of the try in hand: ``attempts`` made, ``deadline`` at which the balancer gives up, ``order``
    of servers still to come. Of the attempt in hand: ``server``, its ``queue``, the ``lease``,
    ``began_at``, and ``ends_at``, when its work will be done (None while it waits for a place).
    """

    __slots__ = (
        "attempts",
        "began_at",
        "came_at",
        "context",
        "deadline",
        "ends_at",
        "lease",
        "number",
        "order",
        "queue",
        "server",
        "tries",
        "work",
    )

    began_at: float
    deadline: float
    ends_at: float | None
    lease: Lease | Trial | None
    order: Iterator[Server]
    queue: "ServerQueue"
    server: Server

    def __init__(self, came_at: float, work: float, context: Context) -> None:
        self.came_at = came_at
        self.work = work
        self.context = context
        self.number = 0
        self.tries = 0
        self.attempts = 0
        self.lease = None
