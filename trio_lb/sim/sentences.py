"""What happened, in words: one sentence for each kind of happening.

A table: a new member of ``What`` has no sentence until it has a row here, and the test of this
table says so. A value that is missing is read as nothing said, so that older traces can be read.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from trio_lb.sim.durations import EXACT_DIGITS, duration
from trio_lb.sim.happening import What
from trio_lb.sim.trace import TraceEvent

Value: TypeAlias = int | str

REASONS: Final[Mapping[str, str]] = {
    "refused": "the connection was refused",
    "connect": "it took too long to connect",
    "timeout": "no whole answer came in time",
    "reset": "the connection was reset",
    "closed": "the connection ended before any byte of an answer",
    "cut": "the connection ended in mid answer",
    "garbled": "what came was no HTTP",
    "alien": "the answer belongs to another request",
    "altered": "the answer's bytes differ from what was sent",
    "away": "the other end of the WebSocket took its leave",
    "left": "the client went away on purpose",
    "gone": "the client had left",
    "crash": "the server crashed",
    "fault": "a fault told it so",
    "full": "its queue was full",
}
"""Why a try failed, or a server gave no answer."""

PHASES: Final[Mapping[str, str]] = {
    "safety": "clients come, and faults with them",
    "liveness": "all faults are healed; from here on it has to come back to good order",
    "wind_down": "nobody wants anything more; what is under way ends",
    "end": "balancers and servers stop",
}


def sentence(event: TraceEvent) -> str:
    """Return what an event of a trace says, without when and who."""
    return sentence_of(event.kind, event.values, event.conn)


def sentence_of(kind: str, values: tuple[Value, ...], conn: int = 0) -> str:
    """Return it for a happening of that name; a kind that is not known is shown as it is."""
    said = _SENTENCES.get(kind)
    if said is None:
        return " ".join([kind, *map(str, values)])
    return said(_Said(values, conn))


class _Said:
    """The values of an event, read from left to right by their places."""

    def __init__(self, values: tuple[Value, ...], conn: int) -> None:
        self._values = values
        self.conn = conn

    def __getitem__(self, place: int) -> Value:
        return self._values[place] if place < len(self._values) else ""

    def __len__(self) -> int:
        return len(self._values)

    def number(self, place: int) -> int:
        value = self[place]
        return value if isinstance(value, int) else 0

    def lasting(self, place: int) -> str:
        return duration(self.number(place), EXACT_DIGITS)

    def where(self, place: int) -> str:
        """``s1 of pool api``, from two values."""
        pool = f" of pool {self[place + 1]}" if self[place + 1] else ""
        return f"{self[place] or 'no server'}{pool}"

    def why(self, place: int) -> str:
        """A reason in words, after a colon; those that are not known as they are."""
        reason = str(self[place])
        return f": {REASONS.get(reason, reason)}" if reason else ""

    @property
    def on(self) -> str:
        return f" on connection {self.conn}" if self.conn else ""


# Each sentence has no subject: who tells it stands before it. "s1: takes it", "lb: picks s1".


def _times(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _try(said: _Said) -> str:
    return f"try {said[0]} ({said[1]}) leaves{said.on}"


def _answer(said: _Said) -> str:
    by = f" by {said[3]}" if said[3] else ""
    return f"an answer{by}: {said[0]}, {_times(said.number(1), 'byte', 'bytes')}, {said.lasting(2)} after the try began"


def _fail(said: _Said) -> str:
    begun = ", an answer had begun" if said[2] else ""
    return f"the try failed after {said.lasting(1)}{said.why(0)}{begun}"


def _done(said: _Said) -> str:
    end = "has what it wanted" if said[0] else f"gives up{said.why(3)};"
    tries = _times(said.number(1), "try", "tries")
    return f"{end} after {tries} and {said.lasting(2)}"


def _take(said: _Said) -> str:
    return f"takes it ({said[0]}): {said[1]} in service, {said[2]} queued"


def _begin(said: _Said) -> str:
    waited = f", after {said.lasting(0)} in the queue" if said.number(0) else " at once"
    return f"begins to serve it{waited}"


def _reply(said: _Said) -> str:
    return f"answers {said[0]} with {_times(said.number(1), 'byte', 'bytes')}, {said.lasting(2)} after taking it"


def _start(said: _Said) -> str:
    on_behalf = f", which is asked on behalf of request {said[1]}" if said[1] else ""
    return f"has read the head; calls it {said[0]}{on_behalf}"


def _select(said: _Said) -> str:
    busy = _times(said.number(2), "request", "requests")
    return f"picks {said.where(0)}, which has {busy} in flight"


def _retry(said: _Said) -> str:
    return f"attempt {said[2]} at {said.where(0)} failed ({said[3]}); another follows in {said.lasting(4)}"


def _complete(said: _Said) -> str:
    attempts = _times(said.number(3), "attempt", "attempts")
    return f"has relayed the {said[2]} of {said.where(0)}: {attempts}, {said.lasting(4)}"


TRUNCATED: Final = "upstream_truncated"
"""The code of an error whose status is the server's: its head had been relayed."""


def _error(said: _Said) -> str:
    status = f"answers {said[2]} itself" if said[2] else "ends it without an answer"
    if said[5] == TRUNCATED:
        status = f"breaks off a {said[2]}"
    last = f", last at {said.where(0)}" if said[0] else ""
    attempts = _times(said.number(3), "attempt", "attempts")
    return f"{status} ({said[5]}): {attempts}{last}, {said.lasting(4)}"


def _health(said: _Said) -> str:
    verdict = "healthy" if said[2] else "unhealthy"
    return f"finds {said.where(0)} {verdict}{said.why(3)}"


def _open(said: _Said) -> str:
    length = said.number(3)
    until = "until a person closes it" if length < 0 else f"for {duration(length, EXACT_DIGITS)}"
    return f"opens the breaker of {said.where(0)} {until}{said.why(2)}"


def _drained(said: _Said) -> str:
    end = "nothing was cut off" if said[2] else "what was left was cut off"
    return f"has drained {said.where(0)}: {end}"


def _inject(said: _Said) -> str:
    args = f" {said[2]}" if said[2] not in ("", "{}") else ""
    return f"fault {said[1]} begins: {said[0]}{args}"


def _phase(said: _Said) -> str:
    told = PHASES.get(str(said[0]), "")
    return f"phase {said[0]}{f': {told}' if told else ''}"


_SENTENCES: Final[Mapping[str, Callable[[_Said], str]]] = {
    What.ARRIVE.name: lambda said: f"somebody wants something ({said[0]})",
    What.TRY.name: _try,
    What.ANSWER.name: _answer,
    What.FAIL.name: _fail,
    What.DONE.name: _done,
    What.ACCEPT.name: lambda said: f"accepts connection {said.conn}",
    What.TAKE.name: _take,
    What.BEGIN.name: _begin,
    What.SWITCH.name: lambda said: "accepts a WebSocket",
    What.REPLY.name: _reply,
    What.DROP.name: lambda said: f"gives no whole answer{said.why(0)}",
    What.PROBE.name: lambda said: f"answers a probe with {said[0]}",
    What.START.name: _start,
    What.SELECT.name: _select,
    What.RETRY.name: _retry,
    What.COMPLETE.name: _complete,
    What.ERROR.name: _error,
    What.SHED.name: lambda said: f"refuses on purpose{said.why(0)}",
    What.NO_SERVER.name: lambda said: f"finds nobody to try in pool {said[0]}",
    What.HEALTH.name: _health,
    What.EJECT.name: lambda said: (
        f"ejects {said.where(0)} for {said.lasting(3)} at least{said.why(2)}"
    ),
    What.READMIT.name: lambda said: f"lets {said.where(0)} in again",
    What.OPEN.name: _open,
    What.HALF_OPEN.name: lambda said: f"lets trials through the breaker of {said.where(0)}",
    What.CLOSE.name: lambda said: f"closes the breaker of {said.where(0)}{said.why(2)}",
    What.ADD.name: lambda said: f"has a new server, {said.where(0)}",
    What.REMOVE.name: lambda said: f"has lost {said.where(0)} for good",
    What.DRAIN.name: lambda said: f"begins to drain {said.where(0)}",
    What.DRAINED.name: _drained,
    What.RESUME.name: lambda said: f"no longer drains {said.where(0)}",
    What.FAIL_OPEN.name: lambda said: f"ignores health in pool {said[0]} from now on{said.why(1)}",
    What.FAIL_CLOSED.name: lambda said: f"heeds health in pool {said[0]} again",
    What.NEWS.name: lambda said: f"tells of {said[0]}",
    What.INJECT.name: _inject,
    What.HEALED.name: lambda said: f"fault {said[1]} is healed: {said[0]}",
    What.PHASE.name: _phase,
    What.SOMETIMES.name: lambda said: f"reached for the first time: {said[0]}",
    What.NOTE.name: lambda said: " ".join(
        ["notes", *(str(said[place]) for place in range(len(said)))]
    ),
}
