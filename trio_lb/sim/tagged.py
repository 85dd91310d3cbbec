"""Values that are written as a mapping of one key, which says what kind of value follows.

    {"lognormal": {"p50": 0.012, "p99": "80ms"}}
    {"poisson": 15}

A kind is a frozen attrs class whose fields carry the knobs of the configuration, so that a value
made by hand and one from a file obey the same bounds. Where the first field is all that must be
said, it may stand alone instead of the mapping of fields.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from trio_lb.config.kinds import Kind, Refused, show, suggestion
from trio_lb.config.knobs import described, fits, knobs_of
from trio_lb.config.nodes import Findings, Node
from trio_lb.config.structure import BAD, read_value
from trio_lb.model.errors import ConfigError, Problem

Table = Mapping[str, type[Any]]
"""The kinds of value that may be written, by the key that stands for each."""


def must(shape: Any, says: str) -> Any:
    """Return an attrs field that has no default: whoever writes the value must say it."""
    return attrs.field(validator=fits, metadata=described(shape, says))


@attrs.frozen(slots=True)
class Nested:
    """A column that holds a tagged value itself."""

    allowed: str
    read_node: Callable[[Node], object]
    check: Callable[[object], None]


@attrs.frozen(slots=True)
class Rows:
    """A list of short lists, ``[[0, 10], ["5m", 90]]``; kept as a tuple of tuples."""

    columns: Mapping[str, Kind | Nested]

    @property
    def allowed(self) -> str:
        """The rule in a few words."""
        return f"a list of [{', '.join(self.columns)}]"

    def check(self, value: object) -> None:
        """Raise ``Refused`` unless ``value`` may be kept."""
        if not isinstance(value, tuple) or not value:
            raise Refused(f"{show(value) if value != () else 'nothing'} is not {self.allowed}")
        for row in value:
            if not isinstance(row, tuple) or len(row) != len(self.columns):
                raise Refused(f"{row!r} is not [{', '.join(self.columns)}]")
            for cell, column in zip(row, self.columns.values(), strict=True):
                column.check(cell)

    def read_node(self, node: Node) -> object:
        """Return the rows that were written; what is wrong with them is taken down."""
        return tuple(self._read_row(row) for row in node.items(self.allowed))

    def _read_row(self, node: Node) -> tuple[object, ...]:
        cells = node.items(f"[{', '.join(self.columns)}]")
        if isinstance(node.value, list | tuple) and len(cells) != len(self.columns):
            node.refuse(f"{len(cells)} values where [{', '.join(self.columns)}] is allowed")
            return ()
        columns = self.columns.values()
        return tuple(_read(cell, each) for cell, each in zip(cells, columns, strict=False))


def rows(value: Any) -> Any:
    """Convert what a program may give as rows to a tuple of tuples; the check does the rest."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value
    return tuple(tuple(row) if isinstance(row, list | tuple) else row for row in value)


def _read(node: Node, shape: Any) -> object:
    return shape.read_node(node) if isinstance(shape, Nested | Rows) else read_value(node, shape)


def read_tagged(node: Node, table: Table, noun: str) -> object:
    """Return the value that ``node`` stands for, or ``BAD`` with its problems taken down."""
    allowed = f"one of {', '.join(table)}"
    forms = node.mapping(f"a {noun} ({allowed}, with its values)")
    if len(forms) != 1:
        if isinstance(node.value, Mapping) and len(node.value) != 1:
            node.refuse(f"{len(node.value)} keys where a {noun} has one: {allowed}")
        return BAD
    ((key, child),) = forms.items()
    if key not in table:
        child.refuse(f"unknown {noun}{suggestion(key, tuple(table)) or f'; allowed: {allowed}'}")
        return BAD
    return _read_fields(child, table[key])


def _read_fields(node: Node, cls: type[Any]) -> object:
    knobs, written = knobs_of(cls), _written(node, cls)
    if written is None:
        return BAD
    for name, field in attrs.fields_dict(cls).items():
        if name in knobs and field.default is attrs.NOTHING and name not in written:
            node.refuse(f"'{name}' is missing; it is {knobs[name].shape.allowed}")
    read = {name: _read(child, knobs[name].shape) for name, child in written.items()}
    if not node.findings.is_sound(node.path):
        return BAD
    try:
        return cls(**read)
    except ConfigError as error:
        for problem in error.problems:
            node.refuse(problem.message)
        return BAD


def _written(node: Node, cls: type[Any]) -> dict[str, Node] | None:
    """The node of each field; all of it is the first field's where that may stand alone."""
    names = tuple(knobs_of(cls))
    alone = _alone(cls)
    if not isinstance(node.value, Mapping):
        if alone is None:
            node.refuse(f"{show(node.value)} is not a mapping of {', '.join(names)}")
        return None if alone is None else {alone: node}
    written = node.mapping()
    node.refuse_unknown(names)
    return {name: child for name, child in written.items() if name in names}


def _alone(cls: type[Any]) -> str | None:
    """Return the first field's name if no other has to be said."""
    first, *others = (each for each in attrs.fields(cls) if each.name in knobs_of(cls))
    sufficient = all(each.default is not attrs.NOTHING for each in others)
    return first.name if sufficient else None


def to_tagged(value: Any, table: Table, nested: Callable[[Any], object]) -> dict[str, object]:
    """Return ``value`` as plain data that ``read_tagged`` takes; the short form where it says all.

    ``nested`` writes the tagged values inside of it.
    """
    cls = type(value)
    name = next(name for name, each in table.items() if each is cls)
    said = {field: _plain(getattr(value, field), nested) for field in knobs_of(cls)}
    alone = _alone(cls)
    if alone is not None and cls(getattr(value, alone)) == value:
        return {name: said[alone]}
    return {name: said}


def _plain(value: object, nested: Callable[[Any], object]) -> object:
    if isinstance(value, tuple):
        return [_plain(each, nested) for each in value]
    return nested(value) if attrs.has(type(value)) else value


def read_whole(value: object, path: str, read: Callable[[Node], object]) -> Any:
    """Return what ``read`` makes of ``value``, which stands at ``path``.

    Raises:
      ConfigError: with every problem, each with its path.
    """
    node = Node(value, (), Findings())
    made = read(node)
    if node.findings.has_errors:
        error = ConfigError(node.findings.problems)
        raise error.below(path) if path else error
    return made


def refuse(cls: object, field: str, message: str) -> ConfigError:
    """Return the error of a rule between two fields, for a value made by hand."""
    return ConfigError([Problem(f"{type(cls).__name__}.{field}", message)])
