"""A trace, told to a reader: the run up to an instant, one request's life, where two traces part.

Everything comes as lines of text without a newline, one at a time: a trace may be long.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.divergence import Divergence, first_divergence
from trio_lb.sim.durations import EXACT_DIGITS, duration
from trio_lb.sim.happening import What
from trio_lb.sim.numbers import FIRST_INNER
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
    further. What a service asks of others meanwhile stands further in again, each with the
    number of that request. Before it all stands what was so when it came (faults, ejections, open
    breakers); what changed of that during its life has a bar before it.

    Raises:
      ConfigError: as in ``tell_run``; or the trace knows no such request.
    """
    stood, life, generations = _life(path, req)
    own = [event for event in life if event.req == req]
    if not own:
        raise ConfigError([Problem("", _unknown(path, req), str(path))])
    born_ns = next((each.at_ns for each in own if each.kind == What.ARRIVE.name), own[0].at_ns)
    yield f"request {req}, from {_instant(born_ns)} on: {_summary(own)}"
    yield from (f"  since {told(event)}" for event in stood)
    depths: dict[tuple[int, str], int] = {}
    for event in life:
        before, after = "| ", ""
        generation = generations.get(event.req)
        if generation is not None:
            depth = depths.setdefault((generation, event.entity), _depth(event, depths))
            before = _INDENT * (depth + _STEPS * generation)
            after = f" [request {event.req}]" if generation else ""
        since = f"+{duration(event.at_ns - born_ns, EXACT_DIGITS)}"
        yield f"{since:>10}  {before}{event.entity}: {sentence(event)}{after}"


_STEPS: Final = 2
"""A service stands where a server does, and is the client of what it asks."""


def _life(path: Path, req: int) -> tuple[list[TraceEvent], list[TraceEvent], dict[int, int]]:
    """Return what stood when the request came, and its events with the background between them.

    With it comes whatever was asked on its behalf: the requests, with how far they are from it.
    """
    background = Background()
    stood: list[TraceEvent] = []
    life: list[TraceEvent] = []
    between: list[TraceEvent] = []
    generations = {req: 0}
    for event in read_trace(path)[1]:
        above = generations.get(_on_behalf_of(event))
        if above is not None:
            generations.setdefault(event.req, above + 1)
        if event.req in generations:
            stood = stood if life else background.standing
            life += [*between, event]
            between.clear()
        elif background.heed(event) and life:
            between.append(event)
    return stood, life, generations


def _on_behalf_of(event: TraceEvent) -> int:
    """The request during which a service asks this one, if it begins here; else 0."""
    if event.kind != What.START.name or len(event.values) < 2:
        return 0
    return int(event.values[1])


def _depth(event: TraceEvent, depths: Mapping[tuple[int, str], int]) -> int:
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
    frozenset(
        each.name for each in (What.TAKE, What.BEGIN, What.SWITCH, What.REPLY, What.DROP, What.NOTE)
    ),
)
"""Who tells what of a request: clients, balancers, servers (and services of the user's own)."""

_ENDS: Final = (What.DONE.name, What.COMPLETE.name, What.ERROR.name)


def _summary(life: Sequence[TraceEvent]) -> str:
    is_client_s = any(each.kind == What.ARRIVE.name for each in life)
    ends = _ENDS[:1] if is_client_s else _ENDS  # Of what a service asks no client tells.
    end = next((each for each in reversed(life) if each.kind in ends), None)
    if end is None:
        return f"not over when the trace ends, {len(life)} event{'s' * (len(life) > 1)}"
    return f"{end.entity} {sentence(end)}"


def _unknown(path: Path, req: int) -> str:
    numbers = sorted({each.req for each in read_trace(path)[1] if 0 < each.req < FIRST_INNER})
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
