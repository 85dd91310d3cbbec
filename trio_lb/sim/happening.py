"""What happens in a simulated run: the one vocabulary of the trace, the checkers and the report.

    actors, balancers, faults --tell--> Happenings --+--> trace (a line each)
                                                     +--> checkers (may object)
                                                     '--> the report's tallies

A request is known by its number ``req``, 1, 2, 3 … in the order in which clients wanted
something; tries of one request share it. Clients say it in their ``User-Agent: sim/17``, which
a proxy passes on, so servers and balancers tell of the same number. 0: no request, or not known.
What a service of the user's own asks on behalf of one has a number of its own (see ``numbers``).
A connection is known by ``conn``, the serial of the end that whoever tells holds.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from trio_lb.sim.numbers import Numbers

AGENT: Final = "sim/"
"""What stands before a request's number in ``User-Agent``."""


class What(Enum):
    """What happened. Beside each: who tells it, and the ``values`` that come with it.

    Times among the values are whole nanoseconds, sizes bytes.
    """

    __hash__ = object.__hash__  # They are looked up for each happening; Enum's is Python code.

    # Told by clients (``entity``: the client's name).
    ARRIVE = "arrive"
    """Somebody wants something: (method,)."""
    TRY = "try"
    """One try's head begins to leave on ``conn``: (number of the try from 1, method)."""
    ANSWER = "answer"
    """A whole answer came to a try: (status, size of the body, ns since TRY, server or "")."""
    FAIL = "fail"
    """A try failed: (reason, ns since the try began, 1 if an answer had begun else 0).

    Reasons: ``refused``, ``connect`` (timeout of connecting), ``timeout``, ``reset``,
    ``certificate`` (that of the other end is not believed), ``closed``
    (an end before any byte of an answer), ``cut`` (an end in mid answer), ``garbled`` (no HTTP),
    ``alien`` (an answer that belongs to another request), ``altered`` (bytes that differ),
    ``away`` (the other end of a WebSocket took its leave), ``left`` (this client went away on purpose)."""
    DONE = "done"
    """A request is over for who wanted it: (1 for success else 0, tries, ns since ARRIVE, reason).

    Success is a whole, right answer with a status below 500 and not 429; ``reason`` is then "",
    else the last try's reason or its status."""

    # Told by servers (``entity``: the server's name).
    ACCEPT = "accept"
    """A connection was accepted: ()."""
    TAKE = "take"
    """A request's head came: (method, in service now, queued now)."""
    BEGIN = "begin"
    """Its service begins: (ns in the queue,)."""
    SWITCH = "switch"
    """A WebSocket was accepted; what was asked goes on in it: ()."""
    REPLY = "reply"
    """A whole answer was handed to the kernel: (status, size of the body, ns since TAKE)."""
    DROP = "drop"
    """No whole answer comes: (reason,): ``gone`` (client left), ``crash``, ``cut`` (a part of it came),
    ``fault`` (as told)."""
    PROBE = "probe"
    """A health probe was answered: (status,)."""

    # Told by balancers (``entity``: the balancer's name).
    START = "start"
    """A request's head was read: (request id,); and of one that a service asks while it answers
    another, (request id, that other's number)."""
    SELECT = "select"
    """A server is tried: (server, pool, in flight there before this one)."""
    RETRY = "retry"
    """An attempt failed and another follows: (server, pool, attempt, outcome, ns of delay)."""
    COMPLETE = "complete"
    """A server's whole answer was relayed: (server, pool, status, attempts, ns)."""
    ERROR = "error"
    """It ended in an error: (server or "", pool or "", status or 0, attempts, ns, code)."""
    SHED = "shed"
    """A connection or request was refused on purpose: (reason,)."""
    NO_SERVER = "no_server"
    """A pick found nobody: (pool,)."""
    HEALTH = "health"
    """Probes' verdict changed: (server, pool, 1 healthy or 0, reason)."""
    EJECT = "eject"
    """An outlier was ejected: (server, pool, reason, ns until it may return)."""
    READMIT = "readmit"
    """An ejection ended: (server, pool)."""
    OPEN = "open"
    """A breaker opened: (server, pool, reason, ns it stays open; -1: until a person says)."""
    HALF_OPEN = "half_open"
    """A breaker lets trials through: (server, pool)."""
    CLOSE = "close"
    """A breaker is closed again: (server, pool, reason)."""
    ADD = "add"
    """A server joined: (server, pool)."""
    REMOVE = "remove"
    """A server left for good: (server, pool)."""
    DRAIN = "drain"
    """A drain begins: (server, pool)."""
    DRAINED = "drained"
    """A drain is over: (server, pool, 1 if clean else 0)."""
    RESUME = "resume"
    """A drain was called off: (server, pool)."""
    FAIL_OPEN = "fail_open"
    """Health is ignored from now on: (pool, reason)."""
    FAIL_CLOSED = "fail_closed"
    """Health counts again: (pool,)."""
    NEWS = "news"
    """Any other event of a balancer: (name of the event,)."""

    # Told by the simulation (``entity``: "sim", or the target of a fault).
    INJECT = "inject"
    """A fault begins: (kind, its number in the schedule, its arguments as JSON)."""
    HEALED = "healed"
    """A fault is healed: (kind, its number in the schedule)."""
    PHASE = "phase"
    """A phase begins: (name,): ``safety``, ``liveness``, ``wind_down``, ``end``."""
    SOMETIMES = "sometimes"
    """A point of coverage was reached for the first time: (name,)."""
    NOTE = "note"
    """Whatever a program under test wants in the trace: its own values."""


Value: TypeAlias = int | str


class Happening(NamedTuple):
    """One of them. ``at`` is seconds of virtual time; ``values`` are as ``What`` says."""

    at: float
    what: What
    entity: str
    conn: int = 0
    req: int = 0
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        values = "".join(f" {value}" for value in self.values)
        return f"{self.at:.6f} s {self.what.value} {self.entity}{values}"


Ear: TypeAlias = Callable[[Happening], object]
"""Hears of happenings, at once and in their order; it must not change the world."""


class Wire:
    """Brings happenings to whoever wants them.

    ``tell`` costs well under a microsecond for what nobody wants.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.numbers = Numbers()
        self._now = now
        self._ears: dict[What, list[Ear]] = {what: [] for what in What}

    def hear(self, ear: Ear, *whats: What) -> None:
        """Tell ``ear`` of these from now on; of everything, if none is named."""
        for what in whats or What:
            self._ears[what].append(ear)

    def tell(self, what: What, entity: str, conn: int = 0, req: int = 0, *values: Value) -> None:
        """Tell everybody who wants it, in the order in which they asked."""
        ears = self._ears[what]
        if ears:
            happening = Happening(self._now(), what, entity, conn, req, values)
            for ear in ears:
                ear(happening)

    def note(self, entity: str, *values: Value, request_id: str = "") -> None:
        """Tell something of a program under test: of the request, too, whose id it was given."""
        self.tell(What.NOTE, entity, 0, self.numbers.of(request_id), *values)
