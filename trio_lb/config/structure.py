"""From written values to frozen ones: a walk over the schema's own fields.

``read_value`` serves one field, ``read_section`` one schema class. Neither stops at
a problem: what can't be read keeps the value it had before, so that the rest is
still looked at, and the findings decide in the end whether anything is returned.
"""

import enum
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path as FilePath
from typing import Any, Final, TypeVar

import attrs

from trio_lb.config.choices import FLAG
from trio_lb.config.kinds import File, Kind, Maybe, Refused, show
from trio_lb.config.knobs import (
    ListOf,
    MapOf,
    OptionalSection,
    Section,
    Shape,
    knobs_of,
    spellings,
)
from trio_lb.config.later import later_keys, refuse_later
from trio_lb.config.nodes import Node
from trio_lb.config.rules import remarks
from trio_lb.config.schema import (
    AccessLogConfig,
    BreakerConfig,
    CertificateConfig,
    HealthCheckConfig,
    ProbeConfig,
)
from trio_lb.config.values import Loose

T = TypeVar("T", bound=attrs.AttrsInstance)


class Bad(enum.Enum):
    """Stands for a value that could not be read; its problem is taken down."""

    BAD = "bad"


BAD: Final = Bad.BAD


def read_value(node: Node, shape: Shape, before: object = BAD) -> object:
    """Return what ``node`` stands for, or ``BAD``; a section starts from ``before``."""
    match shape:
        case OptionalSection(cls=cls):
            return _read_optional(node, before if isinstance(before, cls) else cls())
        case ListOf(item=item):
            return tuple(_good(_read_item(each, item) for each in node.items()))
        case MapOf():
            return _read_map(node, shape)
        case Section(cls=cls):
            return read_section(node, before if isinstance(before, cls) else cls())
    return read_kind(node, shape)


def _read_item(node: Node, shape: Shape, before: object = BAD) -> object:
    """An empty section says nothing where it has a name; in a list it is a slip."""
    if node.value is None and isinstance(shape, Section):
        node.refuse("null is not a mapping")
        return BAD
    return read_value(node, shape, before)


def read_kind(node: Node, kind: Kind) -> object:
    """Return the value of a single field, or ``BAD``."""
    try:
        value = kind.read(node.value)
    except Refused as error:
        node.complain(error)
        return BAD
    if isinstance(kind.kind if isinstance(kind, Maybe) else kind, File) and value:
        return _at_home(node, str(value))
    return value


def _at_home(node: Node, path: str) -> str:
    """A file that is not here may well be where the configuration will run: only a warning."""
    file = node.findings.folder / path
    reason = _unreadable(file)
    if reason:
        node.warn_of_absent(str(file), reason)
    return str(file)


def _unreadable(file: FilePath) -> str:
    try:
        if file.is_dir():
            return "Is a directory"
        file.stat()
    except OSError as error:
        return error.strerror or str(error)
    except ValueError:
        return "no file can be called so"
    return "" if os.access(file, os.R_OK) else "Permission denied"


def _read_optional(node: Node, base: attrs.AttrsInstance) -> object:
    """Null and false are none, unless "off" is something that can be said of the section."""
    off = node.value is False or (isinstance(node.value, Loose) and node.value in ("", "false"))
    if node.value is None or (off and "enabled" not in knobs_of(type(base))):
        return None
    return read_section(node, base)


def read_section(node: Node, base: T) -> T:
    """Return ``base`` with everything that ``node`` says.

    A section with an ``enabled`` field may be just true or false, and writing any
    of it turns it on. An empty one (``timeouts:`` and nothing below) says nothing.
    """
    cls = type(base)
    switch = "enabled" in knobs_of(cls)
    if node.value is None:
        return base
    if switch and isinstance(node.value, bool | Loose):
        on = read_kind(node, FLAG)
        return base if on is BAD else evolved(base, {"enabled": on})
    if not isinstance(node.value, Mapping):
        node.refuse(f"{show(node.value)} is not {'true, false or ' if switch else ''}a mapping")
        return base
    if switch:
        base = evolved(base, {"enabled": True})
    check_keys(node, cls)
    made = fill(node, base)
    finish = _FINISH.get(cls)
    made = made if finish is None else finish(node, made)
    tell(node, made)
    return made


def tell(node: Node, made: attrs.AttrsInstance) -> None:
    """Take down what the rules say of a section, unless it was misread anyway."""
    if not isinstance(node.value, Mapping) or not node.findings.is_sound(node.path):
        return
    written = fields_of(node, type(made))
    for remark in remarks(made):
        remark.told(written.get(remark.field, node), remark.message)


def check_keys(node: Node, cls: type[attrs.AttrsInstance], *, more: Collection[str] = ()) -> None:
    """Refuse every key that ``cls`` does not know, now or later; ``more`` are known too."""
    later = later_keys(cls)
    refuse_later(node, later)
    node.refuse_unknown([*spellings(cls), *more], later=later)


def fill(node: Node, base: T, *, own: Collection[str] = ()) -> T:
    """Return ``base`` with the fields that ``node`` gives, save those the caller reads itself."""
    shapes = {name: each.shape for name, each in knobs_of(type(base)).items()}
    read = {
        name: read_value(child, shapes[name], getattr(base, name))
        for name, child in fields_of(node, type(base)).items()
        if name not in own
    }
    return evolved(base, {name: value for name, value in read.items() if value is not BAD})


def evolved(base: T, changes: Mapping[str, object]) -> T:
    """Return ``base`` with ``changes``: attrs.evolve for a class that mypy can't name."""
    whole: Any = base
    made: T = attrs.evolve(whole, **changes)
    return made


def fields_of(node: Node, cls: type[attrs.AttrsInstance]) -> dict[str, Node]:
    """Return the node of each field that is written, whichever of its names was used."""
    names, found = spellings(cls), dict[str, Node]()
    for key, child in node.mapping().items():
        name = names.get(key)
        if name is None:
            continue
        if name in found:
            child.refuse(f"given twice: '{found[name].path[-1]}' means the same")
        else:
            found[name] = child
    return found


def _read_map(node: Node, shape: MapOf) -> object:
    """A key that is refused takes its value with it."""
    made = {}
    for key, child in node.mapping().items():
        try:
            name = shape.key.read(key)
        except Refused as error:
            child.refuse(f"the key {error}")
            continue
        made[name] = read_value(child, shape.item)
    return {key: value for key, value in made.items() if value is not BAD}


def _good(values: Any) -> list[object]:
    return [value for value in values if value is not BAD]


def _finish_access(node: Node, made: Any) -> Any:
    """A log that is given a file is wanted: its form is then nginx's usual one."""
    written = fields_of(node, AccessLogConfig)
    if "file" in written and "format" not in written:
        return attrs.evolve(made, format="combined")
    return made


def _finish_breaker(node: Node, made: Any) -> Any:
    """Of the two forms, the one that alone was written."""
    written = fields_of(node, BreakerConfig)
    by_count = "failure_threshold" in written
    by_share = "threshold" in written or "min_requests" in written
    if by_count and not by_share:
        return attrs.evolve(made, threshold=None)
    if by_share and not by_count:
        return attrs.evolve(made, failure_threshold=None)
    return made


def _finish_certificate(node: Node, made: Any) -> Any:
    return made if made.private_key else attrs.evolve(made, private_key=made.certificate)


def _finish_probe(node: Node, made: Any) -> Any:
    """A type that is not written follows from what is: ``check``, or what only HTTP asks."""
    written = fields_of(node, type(made))
    if "type" in written:
        made = made if made.type == "custom" or "check" in written else _without_check(made)
        _warn_of_unasked(written, made)
    elif "check" in written:
        made = attrs.evolve(made, type="http" if made.check is None else "custom")
    elif made.type != "websocket" and not _ONLY_HTTP.isdisjoint(written):
        made = attrs.evolve(_without_check(made), type="http")
    return made


def _without_check(made: Any) -> Any:
    """One that was inherited is not what this section asks for."""
    return attrs.evolve(made, check=None)


def _warn_of_unasked(written: Mapping[str, Node], made: Any) -> None:
    if made.type == "tcp":
        for name in sorted(_ONLY_HTTP & written.keys()):
            written[name].warn("says nothing to a tcp probe, which only connects")


def _finish_health(node: Node, made: Any) -> Any:
    """Each of several probes starts from what the section says of one.

    A section that asks a question of its own does not ask those that it would inherit.
    """
    made = _finish_probe(node, made)
    written = fields_of(node, HealthCheckConfig)
    if "interval" in written:
        made = within_interval(made, spared=written)
    if "probes" not in written:
        own = not written.keys().isdisjoint(knobs_of(ProbeConfig))
        return attrs.evolve(made, probes=()) if own else made
    if written["probes"].value is None:
        return made
    base = ProbeConfig(**{name: getattr(made, name) for name in knobs_of(ProbeConfig)})
    items = written["probes"].items()
    read = tuple(_good(_read_item(each, Section(ProbeConfig), base) for each in items))
    return attrs.evolve(made, probes=read)


def within_interval(check: HealthCheckConfig, *, spared: Collection[str]) -> HealthCheckConfig:
    """Shorten what is longer than the interval, and not among the ``spared`` fields.

    Who only says how often asks for an answer by then, as in HAProxy; a timeout that nobody
    wrote must neither delay the next probe nor be warned of.
    """
    longer = [
        name
        for name in ("timeout", "fast_interval")
        if name not in spared and getattr(check, name) > check.interval
    ]
    return evolved(check, dict.fromkeys(longer, check.interval))


_ONLY_HTTP: Final = frozenset({"path", "method", "headers", "expected_status", "expected_body"})

_FINISH: Final[Mapping[type, Callable[[Node, Any], Any]]] = {
    AccessLogConfig: _finish_access,
    BreakerConfig: _finish_breaker,
    CertificateConfig: _finish_certificate,
    HealthCheckConfig: _finish_health,
    ProbeConfig: _finish_probe,
}
