"""Make a ``Schedule`` of a file or of data, or say everything that is wrong with it.

The document is a list of entries, or a mapping with such a list under ``faults``:

    - {at: 10m, kind: partition, target: {link: [lb, "zone:b"]}, for: 2m}
    - {every: {poisson: 15m}, kind: slow, target: {random: servers}, for: 60s, args: {x: 20}}
    - {during: [5m, 7m], kind: errors, target: "server:s1"}

A recorded list of faults is such a list, too: its entries say ``at`` and ``until``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trio_lb.config.kinds import Refused, show
from trio_lb.config.knobs import SECONDS
from trio_lb.config.nodes import Findings, Node, Origin
from trio_lb.config.yaml_source import read_yaml
from trio_lb.model.errors import ConfigError
from trio_lb.sim.faults.record import (
    check_span,
    read_instant,
    read_kind,
    read_target,
    refuse_missing,
    unwrap,
)
from trio_lb.sim.faults.schedule import At, During, Entry, Every, Schedule
from trio_lb.sim.faults.shape import FaultKind, Lasts

WHEN: Final = ("at", "every", "during")
KEYS: Final = (*WHEN, "kind", "target", "until", "for", "start", "stop", "args")

# What says more about the time goes only with one way to say it.
_GOES_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "until": ("at",),
    "for": ("at", "every"),
    "start": ("every",),
    "stop": ("every",),
}


def read_schedule(path: str | Path) -> Schedule:
    """Return the schedule in a YAML or JSON file.

    Raises:
      ConfigError: it cannot be read, or with every problem, each with file, line and path.
    """
    try:
        text = Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    return read_text(text, name=str(path))


def read_text(text: str, *, name: str) -> Schedule:
    """Return the schedule in a text; ``name`` is what problems call it."""
    findings = Findings()
    value = read_yaml(text, name, findings)
    findings.origins.setdefault((), Origin(name))
    unwrap(findings)
    return _read(Node([] if value is None else value, (), findings), ordered=True)


def read_data(data: object, *, ordered: bool = True) -> Schedule:
    """Return the schedule in plain data; ``ordered`` refuses an ``at`` before the one above."""
    return _read(Node(data, (), Findings()), ordered=ordered)


def _read(root: Node, *, ordered: bool) -> Schedule:
    node = _listed(root)
    items = [] if node is None else node.items(f"a list of faults{_SHAPES}")
    entries = [_read_entry(item) for item in items]
    if ordered and node is not None and entries:
        _refuse_back(node, entries)
    unwrap(root.findings)
    return Schedule(tuple(entry for entry in entries if entry is not None))


_SHAPES: Final = "; a file holds a list, - {at: ..., kind: ..., target: ...}, or {faults: [...]}"


def _listed(root: Node) -> Node | None:
    """Return the list of entries, which may stand under ``faults``; one alone is no list."""
    if not isinstance(root.value, Mapping):
        return root
    fields = root.mapping()
    if "faults" not in fields and any(key in KEYS for key in fields):
        root.refuse(f"one fault, and not a list of faults{_SHAPES}")
        return None
    root.refuse_unknown(["faults"])
    refuse_missing(root, fields, ["faults"])
    return fields.get("faults")


def _refuse_back(node: Node, entries: list[Entry | None]) -> None:
    """A list is read from top to bottom: an instant that goes back is a slip of its writer."""
    latest = 0.0
    for item, entry in zip(node.items(), entries, strict=True):
        if entry is None or not isinstance(entry.when, At):
            continue
        at = entry.when.seconds
        if at < latest:
            item.mapping()["at"].refuse(f"{at:g} s goes back: an entry above is at {latest:g} s")
        latest = max(latest, at)


def _read_entry(node: Node) -> Entry | None:
    fields = node.mapping()
    node.refuse_unknown(KEYS)
    refuse_missing(node, fields, ("kind", "target"))
    kind = read_kind(fields["kind"]) if "kind" in fields else None
    way = _way_of(node, fields)
    when = None if way is None else _read_when(way, fields)
    lasts = _read_length(fields["for"]) if "for" in fields else None
    if kind is None or "target" not in fields:
        return None
    aim = read_target(fields["target"], kind)
    args = kind.read_args(fields.get("args", node.child("args", {})))
    if when is not None:
        _check_end(node, fields, kind, when, lasts)
    if aim is None or when is None or not node.findings.is_sound(node.path):
        return None
    origin = node.findings.origin(node.path)
    return Entry(when, kind.name, aim, lasts, args, origin=origin)


def _way_of(node: Node, fields: Mapping[str, Node]) -> str | None:
    """Return which of the three ways to say when was taken, if exactly one was."""
    ways = [way for way in WHEN if way in fields]
    if len(ways) != 1:
        if isinstance(node.value, Mapping):
            seen = " and ".join(ways) or "none"
            node.refuse(f"one of {', '.join(WHEN)} says when; here is {seen}")
        return None
    for key, with_ways in _GOES_WITH.items():
        if key in fields and ways[0] not in with_ways:
            fields[key].refuse(f"goes with {' or '.join(with_ways)}, not with {ways[0]}")
    if "until" in fields and "for" in fields:
        fields["for"].refuse("says how long, and until says it already")
    return ways[0]


def _read_when(way: str, fields: Mapping[str, Node]) -> At | During | Every | None:
    match way:
        case "at":
            return _read_at(fields)
        case "during":
            return _read_during(fields["during"])
    return _read_every(fields)


def _read_at(fields: Mapping[str, Node]) -> At | None:
    at = read_instant(fields["at"])
    until = read_instant(fields["until"]) if "until" in fields else None
    return None if at is None else At(at, until)


def _read_during(node: Node) -> During | None:
    items = node.items("a list of two instants")
    if len(items) != 2:
        if isinstance(node.value, list | tuple):
            node.refuse(f"two instants are wanted, from and until; here are {len(items)}")
        return None
    begin, end = map(read_instant, items)
    return None if begin is None or end is None else During(begin, end)


def _read_every(fields: Mapping[str, Node]) -> Every | None:
    node = fields["every"]
    poisson = isinstance(node.value, Mapping)
    if poisson:
        node.refuse_unknown(["poisson"])
        if "poisson" not in node.mapping():
            node.refuse("an interval, or {poisson: MEAN} is wanted")
            return None
        node = node.mapping()["poisson"]
    seconds = _read_length(node)
    start = read_instant(fields["start"]) if "start" in fields else 0.0
    stop = read_instant(fields["stop"]) if "stop" in fields else None
    if stop is not None and start is not None and stop <= start:
        fields["stop"].refuse(f"{show(fields['stop'].value)} is not after the start, {start:g} s")
    return None if seconds is None or start is None else Every(seconds, poisson, start, stop)


def _check_end(
    node: Node,
    fields: Mapping[str, Node],
    kind: FaultKind,
    when: At | During | Every,
    lasts: float | None,
) -> None:
    """An entry that says ``for`` ends, wherever it begins."""
    place = next((fields[key] for key in ("until", "for", "during") if key in fields), node)
    if "until" in fields and when.until is None:
        return  # Refused as an instant; that it is missing, too, would be wrong.
    if lasts is not None:
        check_span(place, kind, 0.0, lasts)
    elif isinstance(when, Every):
        if kind.lasts is not Lasts.INSTANT:
            node.refuse(f"{kind.name} comes again and again: say for how long each time")
    else:
        begin = when.seconds if isinstance(when, At) else when.begin
        check_span(place, kind, begin, when.until)


def _read_length(node: Node) -> float | None:
    try:
        return SECONDS.read(node.value)
    except Refused as error:
        node.complain(error)
        return None
