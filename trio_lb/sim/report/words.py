"""A step of a request's life in words: who did what, for people who do not know the vocabulary."""

from collections.abc import Callable, Mapping
from typing import Final

from trio_lb.sim.happening import Happening, Value, What
from trio_lb.sim.report.summary import duration

CLIENT: Final = "client"
BALANCER: Final = "balancer"
SERVER: Final = "server"
WORLD: Final = "world"

ROLES: Final[Mapping[What, str]] = {
    **dict.fromkeys((What.ARRIVE, What.TRY, What.ANSWER, What.FAIL, What.DONE), CLIENT),
    **dict.fromkeys(
        (What.ACCEPT, What.TAKE, What.BEGIN, What.REPLY, What.DROP, What.PROBE), SERVER
    ),
    **dict.fromkeys((What.INJECT, What.HEALED, What.PHASE, What.SOMETIMES, What.NOTE), WORLD),
}
"""Who tells what; whatever is not here is told by balancers."""


def role_of(what: What) -> str:
    """Return which sort of thing tells of this."""
    return ROLES.get(what, BALANCER)


def describe(happening: Happening) -> str:
    """Return what happened, without who and when; whatever has no words of its own is listed."""
    words = _WORDS.get(happening.what)
    values = happening.values
    if words is None:
        return " ".join([happening.what.value.replace("_", " "), *map(str, values)])
    try:
        return words(*values)
    except (TypeError, ValueError):  # Values of another shape: say them as they are.
        return " ".join([happening.what.value, *map(str, values)])


def _done(success: Value, tries: Value, ns: Value, reason: Value) -> str:
    how = "got what it wanted" if success else f"gave up ({reason})"
    return f"{how} after {duration(float(ns))}, {counted(tries, 'try', 'tries')}"


def _fail(reason: Value, ns: Value, begun: Value) -> str:
    begun_text = ", in the middle of an answer" if begun else ""
    return f"try failed: {reason} after {duration(float(ns))}{begun_text}"


def _error(
    server: Value, pool: Value, status: Value, attempts: Value, ns: Value, code: Value
) -> str:
    where = f" at {server}" if server else ""
    ended = f"ends in an error ({status})" if status else "ends in an error"
    tried = counted(attempts, "attempt", "attempts")
    return f"{ended}: {code}{where}, {tried} in {duration(float(ns))}"


def _retry(server: Value, pool: Value, attempt: Value, outcome: Value, ns: Value) -> str:
    again = f"again in {duration(float(ns))}" if ns else "again at once"
    return f"attempt {attempt} at {server} failed ({outcome}); {again}"


def _complete(server: Value, pool: Value, status: Value, attempts: Value, ns: Value) -> str:
    tried = counted(attempts, "attempt", "attempts")
    return f"relayed {status} from {server} in {duration(float(ns))}, {tried}"


def counted(count: Value, one: str, many: str) -> str:
    """Return ``1 try``, ``2 tries``."""
    return f"{count} {one if count == 1 else many}"


def _begin(waited_ns: Value) -> str:
    waited = f" after {duration(float(waited_ns))} in the queue" if waited_ns else ""
    return f"service begins{waited}"


_WORDS: Final[Mapping[What, Callable[..., str]]] = {
    What.ARRIVE: lambda method: f"wants something ({method})",
    What.TRY: lambda number, method: f"sends try {number} ({method})",
    What.ANSWER: lambda status, size, ns, server: (
        f"got {status}, {size} bytes, {duration(float(ns))} after sending"
        f"{f', from {server}' if server else ''}"
    ),
    What.FAIL: _fail,
    What.DONE: _done,
    What.ACCEPT: lambda: "accepts a connection",
    What.TAKE: lambda method, busy, queued: f"takes {method}: {busy} in service, {queued} queued",
    What.BEGIN: _begin,
    What.REPLY: lambda status, size, ns: (
        f"answers {status}, {size} bytes, after {duration(float(ns))}"
    ),
    What.DROP: lambda reason: f"drops it: {reason}",
    What.START: lambda request_id: f"read its head, calls it {request_id}",
    What.SELECT: lambda server, pool, in_flight: (
        f"picks {server} of pool {pool}, {in_flight} in flight there"
    ),
    What.RETRY: _retry,
    What.COMPLETE: _complete,
    What.ERROR: _error,
    What.SHED: lambda reason: f"refuses it on purpose: {reason}",
    What.NO_SERVER: lambda pool: f"finds no server in pool {pool}",
}
