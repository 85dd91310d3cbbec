"""One request from a client's wish to its end: tries, patience, retries.

ARRIVE ──> try 1 ──FAIL──> backoff ──> try 2 ──ANSWER──> DONE
"""

from functools import partial
from typing import TYPE_CHECKING, Final

from trio_lb.model.address import Address
from trio_lb.sim.actors.asking import Asking
from trio_lb.sim.actors.http1 import body_of
from trio_lb.sim.actors.line import Line, Trouble
from trio_lb.sim.clock import Call
from trio_lb.sim.dialling import Dialling
from trio_lb.sim.happening import What

if TYPE_CHECKING:
    from trio_lb.sim.actors.client import ClientActor

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})


class Try:
    """One try of a wish. It is told once how it went: an answer, or trouble.

    ``has_head``: the head of an answer came. ``leaves_after`` is how many bytes of an answer it
    still takes (None: all).
    """

    __slots__ = (
        "_began_at",
        "_conn",
        "_dialling",
        "_line",
        "_wish",
        "has_head",
        "is_over",
        "leaves_after",
        "method",
        "number",
    )

    def __init__(self, wish: "Wish") -> None:
        self.number = wish.number
        self.method = wish.method
        self.has_head = False
        self.is_over = False
        self.leaves_after: int | None = None
        self._wish = wish
        self._line: Line | None = None
        self._dialling: Dialling | None = None
        self._conn = 0
        self._began_at = wish.client.clock.current_time()

    def dial(self, target: Address) -> None:
        """Ask for a connection of its own; ``client.connected`` is called with it."""
        client = self._wish.client
        on_done = partial(client.connected, self)
        self._dialling = Dialling(client.clock, client.host, target, on_done)

    def go(self, line: Line) -> None:
        """Send it on a connection."""
        wish = self._wish
        self._dialling = None
        self._line = line
        self._conn = line.stream.serial
        self._tell(What.TRY, wish.tries, self.method)
        habits = wish.client.all_habits
        if not habits:
            line.carry(self, wish.data)
            return
        asking = wish.asking()
        for habit in habits:
            habit(asking)
        self.leaves_after = asking.leaves_after
        if asking.drips_from is None:
            line.carry(self, asking.to_bytes())
        else:
            line.carry_slowly(self, asking)

    def answered(self, status: int, size: int, server: str) -> None:
        """A whole answer came."""
        self._end()
        self._tell(What.ANSWER, status, size, self._took_ns(), server)
        self._wish.answered(status)

    def failed(self, trouble: Trouble) -> None:
        """No whole answer comes."""
        self._end()
        self._tell(What.FAIL, trouble.value, self._took_ns(), int(self.has_head))
        self._wish.failed(trouble)

    def lose_patience(self) -> None:
        """Its time is over."""
        self._drop(Trouble.CONNECT if self._line is None else Trouble.TIMEOUT)

    def leave(self) -> None:
        """Go away on purpose, in the middle."""
        self._drop(Trouble.LEFT)

    def _drop(self, trouble: Trouble) -> None:
        if self._line is not None:
            self._line.drop(self)
        elif self._dialling is not None:
            self._dialling.leave()
        self.failed(trouble)

    def _end(self) -> None:
        assert not self.is_over, "a try is told once how it went"
        self.is_over = True
        self._dialling = None

    def _took_ns(self) -> int:
        return round((self._wish.client.clock.current_time() - self._began_at) * 1e9)

    def _tell(self, what: What, *values: int | str) -> None:
        client = self._wish.client
        client.wire.tell(what, client.name, self._conn, self.number, *values)


class Wish:
    """What somebody wants, until it is there or given up."""

    __slots__ = (
        "_again",
        "_arrived_at",
        "_current",
        "_size",
        "client",
        "data",
        "method",
        "number",
        "tries",
    )

    def __init__(self, client: "ClientActor", number: int, method: str, size: int) -> None:
        self.client = client
        self.number = number
        self.method = method
        self.tries = 0
        self._size = size
        self._current: Try | None = None
        self._again: Call | None = None
        self._arrived_at = client.clock.current_time()
        self.data = self.asking().to_bytes()
        client.wire.tell(What.ARRIVE, client.name, 0, number, method)

    def asking(self) -> Asking:
        """Return what is asked, before any habit."""
        policy = self.client.policy
        body = body_of(self.number, self._size) if self._size else b""
        return Asking(self.number, self.method, policy.path, policy.host, body)

    def begin(self) -> None:
        """Make the next try."""
        self.tries += 1
        self._current = Try(self)
        self.client.dispatch(self._current)

    def answered(self, status: int) -> None:
        """Retry an answer that says so, or be done."""
        if status in self.client.policy.retry_statuses and self._may_retry():
            self._retry()
        else:
            good = status < 500 and status != 429
            self._done(good, "" if good else str(status))

    def failed(self, trouble: Trouble) -> None:
        """Retry, or be done."""
        if trouble is not Trouble.LEFT and self._may_retry():
            self._retry()
        else:
            self._done(False, trouble.value)

    def _may_retry(self) -> bool:
        client = self.client
        may = self.method in IDEMPOTENT or client.policy.retries_posts
        return may and self.tries <= client.retries and not client.is_closed

    def _retry(self) -> None:
        client = self.client
        pause = client.pause_before_retry(self.tries)
        self._current = None
        self._again = client.clock.call_at(client.clock.current_time() + pause, self.begin)

    def leave(self) -> None:
        """Give it up, in the middle of a try or between two."""
        if self._current is not None:
            self._current.leave()
        elif self._again is not None:
            self._again.cancel()
            self._done(False, Trouble.LEFT.value)

    def _done(self, good: bool, reason: str) -> None:
        client = self.client
        took = round((client.clock.current_time() - self._arrived_at) * 1e9)
        client.wire.tell(
            What.DONE, client.name, 0, self.number, int(good), self.tries, took, reason
        )
        self._current = self._again = None  # A try knows its wish: apart, both are freed at once.
        client.over(self)
