"""A trace, told to a reader: the run up to an instant, one request's life, where two traces part.

Everything comes as lines of text without a newline, one at a time: a trace may be long.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.divergence import Divergence, first_divergence
from trio_lb.sim.durations import EXACT_DIGITS, duration
from trio_lb.sim.happening import What
from trio_lb.sim.search.background import Background
from trio_lb.sim.sentences import sentence
from trio_lb.sim.trace import TraceEvent, TraceHeader
from trio_lb.sim.trace_reader import Path, read_trace

CONTEXT_EVENTS: Final = 10
"""So many events are told before two traces part."""

_INDENT: Final = "    "


def tell_run(path: Path, *, until: float | None = None) -> Iterator[str]:
    """Yield what the run was made of, and its events up to ``until`` seconds, that instant too.

    Raises:
      ConfigError: the file is no trace, or is not as it should be.
    """
    header, events = read_trace(path)
    yield from _made_of(header)
    last_ns = None if until is None else round(until * 1e9)
    with_end = itertools.takewhile(lambda each: last_ns is None or each.at_ns <= last_ns, events)
    yield from map(told, with_end)
    events.close()


def told(event: TraceEvent) -> str:
    """Return one event as a line: when, who, what, and about which request."""
    request = f" [request {event.req}]" if event.req else ""
    return f"{_instant(event.at_ns)}  {event.entity}: {sentence(event)}{request}"


def explain(path: Path, req: int) -> Iterator[str]:
    """Yield one request's life: a line for each event, times from its arrival on.

    The client stands at the left, its balancer further in, the servers that were tried still
    further. Before it stands what was so when it came (faults, ejections, open breakers); what
    changed of that during its life has a bar before it.

    Raises:
      ConfigError: as in ``tell_run``; or the trace knows no such request.
    """
    stood, life = _life(path, req)
    own = [event for event in life if event.req == req]
    if not own:
        raise ConfigError([Problem("", _unknown(path, req), str(path))])
    born_ns = next((each.at_ns for each in own if each.kind == What.ARRIVE.name), own[0].at_ns)
    yield f"request {req}, from {_instant(born_ns)} on: {_summary(own)}"
    yield from (f"  since {told(event)}" for event in stood)
    depths: dict[str, int] = {}
    for event in life:
        before = "| "
        if event.req == req:
            before = _INDENT * depths.setdefault(event.entity, _depth(event, depths))
        after = f"+{duration(event.at_ns - born_ns, EXACT_DIGITS)}"
        yield f"{after:>10}  {before}{event.entity}: {sentence(event)}"


def _life(path: Path, req: int) -> tuple[list[TraceEvent], list[TraceEvent]]:
    """Return what stood when the request came, and its events with the background between them."""
    background = Background()
    stood: list[TraceEvent] = []
    life: list[TraceEvent] = []
    between: list[TraceEvent] = []
    for event in read_trace(path)[1]:
        if event.req == req:
            stood = stood if life else background.standing
            life += [*between, event]
            between.clear()
        elif background.heed(event) and life:
            between.append(event)
    return stood, life


def _depth(event: TraceEvent, depths: dict[str, int]) -> int:
    """Who plays the same part stands equally far in; a part is known by who tells such things."""
    for depth, part in enumerate(_PARTS):
        if event.kind in part:
            return depth
    return len(depths)


_PARTS: Final[Sequence[frozenset[str]]] = (
    frozenset(each.name for each in (What.ARRIVE, What.TRY, What.ANSWER, What.FAIL, What.DONE)),
    frozenset(
        each.name
        for each in (What.START, What.SELECT, What.RETRY, What.COMPLETE, What.ERROR, What.SHED)
    ),
    frozenset(each.name for each in (What.TAKE, What.BEGIN, What.SWITCH, What.REPLY, What.DROP)),
)
"""Who tells what of a request: clients, balancers, servers."""


def _summary(life: Sequence[TraceEvent]) -> str:
    end = next((each for each in reversed(life) if each.kind == What.DONE.name), None)
    if end is None:
        return f"not over when the trace ends, {len(life)} event{'s' * (len(life) > 1)}"
    return f"{end.entity} {sentence(end)}"


def _unknown(path: Path, req: int) -> str:
    numbers = sorted({event.req for event in read_trace(path)[1] if event.req})
    known = f"its requests are {numbers[0]} to {numbers[-1]}" if numbers else "it has no requests"
    return f"there is no request {req} in this trace; {known}"


def tell_difference(a: Path, b: Path) -> Iterator[str]:
    """Yield where two traces part, with the last events in common; or that they are the same.

    Raises:
      ConfigError: as in ``tell_run``.
    """
    found = first_divergence(a, b)
    if found is None:
        yield "the traces are the same"
        return
    for key, (one, other) in found.headers.items():
        yield f"the headers differ in {key}: {one!r} in the first, {other!r} in the second"
    first = found.a or found.b
    if first is None:
        yield "all events are the same"
        return
    yield from _before(a, first.seq)
    yield from _sides(found)


def _before(path: Path, seq: int) -> Iterator[str]:
    """The last events in common, read from the begin: the reader keeps no places."""
    _, events = read_trace(path)
    common = deque(itertools.islice(events, seq - 1), maxlen=CONTEXT_EVENTS)
    events.close()
    yield f"the first {seq - 1} events are the same" + ("; the last of them:" if common else "")
    yield from (f"  {told(event)}" for event in common)


def _sides(found: Divergence) -> Iterator[str]:
    pairs = (("the first", found.a, found.after_a), ("the second", found.b, found.after_b))
    for name, event, after in pairs:
        yield f"then in {name}:" if event else f"then {name} ends"
        yield from (f"  {told(each)}" for each in _present(event, after))


def _present(event: TraceEvent | None, after: Iterable[TraceEvent]) -> list[TraceEvent]:
    return [] if event is None else [event, *after]


def _made_of(header: TraceHeader) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in header.versions.items())
    yield f"seed {header.seed}, schedule {header.schedule}, {versions}"


def _instant(at_ns: int) -> str:
    return f"{at_ns / 1e9:.6f} s"
