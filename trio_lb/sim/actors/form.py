"""Forms: how a value with fields is written as data, and read again with all that is wrong with it.

    {"service": {"lognormal": {...}}, "queue": 512}  <--Form.read / Form.write-->  ServerSettings(...)

A form names the keys, and for each the attribute that it stands for. Keys that are not written
keep the value's own default; what equals the default is not written. ``Nested`` puts one form
into another, ``OneOf`` is a mapping of one key that says which form follows.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import attrs

from trio_lb.config.kinds import Kind, Maybe, suggestion
from trio_lb.config.nodes import Node
from trio_lb.config.structure import BAD, read_kind
from trio_lb.sim.tagged import read_whole

T = TypeVar("T")


def _same(value: Any) -> object:
    return value


@attrs.frozen(slots=True)
class Key:
    """One key: the attribute that it stands for, how it is read and how it is written."""

    attribute: str
    read: Callable[[Node], object]
    write: Callable[[Any], object] = _same


def kind(attribute: str, kind: Kind) -> Key:
    """Return the key of something plain."""
    return Key(attribute, lambda node: read_kind(node, kind))


def whole(attribute: str, kind: Kind) -> Key:
    """Return the key of a whole number, which a ``Kind`` hands on as a float."""
    return Key(attribute, lambda node: _unless_bad(int, read_kind(node, kind)))


def or_never(attribute: str, kind: Kind) -> Key:
    """Return the key of a duration that may be infinite: null."""
    maybe = Maybe(kind)

    def read(node: Node) -> object:
        value = read_kind(node, maybe)
        return math.inf if value is None else value

    return Key(attribute, read, lambda value: None if value == math.inf else value)


def list_of(attribute: str, item: Key) -> Key:
    """Return the key of a list; kept as a tuple."""

    def read(node: Node) -> object:
        return tuple(item.read(each) for each in node.items("a list"))

    return Key(attribute, read, lambda value: [item.write(each) for each in value])


def _unless_bad(make: Callable[[Any], object], value: object) -> object:
    return BAD if value is BAD else make(value)


@attrs.frozen(slots=True)
class Form:
    """A class and its keys. ``alone``: the first key's value may stand for the whole mapping."""

    make: type[Any]
    keys: Mapping[str, Key]
    alone: bool = False

    def read(self, node: Node) -> object:
        """Return the value, or ``BAD`` with its problems taken down."""
        if self.alone and not isinstance(node.value, Mapping):
            return self.made(node, {next(iter(self.keys)): node})
        fields = node.mapping(f"a mapping of {', '.join(self.keys)}")
        node.refuse_unknown(list(self.keys))
        return self.made(node, {key: fields[key] for key in self.keys if key in fields})

    def made(self, node: Node, fields: Mapping[str, Node]) -> object:
        """Return the value of these fields, which stand at ``node``."""
        read = {self.keys[key].attribute: self.keys[key].read(each) for key, each in fields.items()}
        if not node.findings.is_sound(node.path):
            return BAD
        needed = {each.name for each in attrs.fields(self.make) if each.default is attrs.NOTHING}
        for key, each in self.keys.items():
            if each.attribute in needed and each.attribute not in read:
                node.refuse(f"'{key}' is missing")
                return BAD
        return self.make(**read)

    def write(self, value: Any) -> object:
        """Return plain data that ``read`` makes an equal value of."""
        defaults = {each.name: each.default for each in attrs.fields(self.make)}
        written = {
            key: each.write(getattr(value, each.attribute))
            for key, each in self.keys.items()
            if getattr(value, each.attribute) != defaults[each.attribute]
        }
        first = next(iter(self.keys), "")
        return written[first] if self.alone and [*written] == [first] else written


@attrs.frozen(slots=True)
class Bare:
    """A class of one attribute, which is written as that attribute is."""

    make: type[Any]
    key: Key

    def read(self, node: Node) -> object:
        """Return the value, or ``BAD`` with its problems taken down."""
        inner = self.key.read(node)
        sound = inner is not BAD and node.findings.is_sound(node.path)
        return self.make(**{self.key.attribute: inner}) if sound else BAD

    def write(self, value: Any) -> object:
        """Return plain data that ``read`` makes an equal value of."""
        return self.key.write(getattr(value, self.key.attribute))


@attrs.frozen(slots=True)
class OneOf:
    """A mapping of one key: which form follows. One with nothing to say may be its name alone."""

    noun: str
    forms: Mapping[str, Form | Bare]

    def read(self, node: Node) -> object:
        """Return the value, or ``BAD`` with its problems taken down."""
        allowed = f"one of {', '.join(self.forms)}"
        if isinstance(node.value, str) and node.value in self.forms:
            return self.forms[node.value].read(node.child(node.value, {}))
        fields = node.mapping(f"a {self.noun} ({allowed}, with its values)")
        if len(fields) != 1:
            if isinstance(node.value, Mapping):
                node.refuse(f"{len(fields)} keys where a {self.noun} has one: {allowed}")
            return BAD
        ((key, child),) = fields.items()
        if key not in self.forms:
            hint = suggestion(key, tuple(self.forms)) or f"; allowed: {allowed}"
            child.refuse(f"unknown {self.noun}{hint}")
            return BAD
        return self.forms[key].read(child)

    def write(self, value: Any) -> object:
        """Return plain data that ``read`` makes an equal value of."""
        cls = type(value)
        key = next(key for key, form in self.forms.items() if form.make is cls)
        return {key: self.forms[key].write(value)}


def nested(attribute: str, form: Form | OneOf, *, optional: bool = False) -> Key:
    """Return the key of a value that has a form itself; ``optional``: or null."""

    def read(node: Node) -> object:
        return None if optional and node.value is None else form.read(node)

    def write(value: Any) -> object:
        return None if value is None else form.write(value)

    return Key(attribute, read, write)


def read_named(value: object, path: str, form: Form, noun: str) -> dict[str, Any]:
    """Return a mapping of names to what is written for each.

    Raises:
      ConfigError: with every problem: its path, what was seen, what is allowed.
    """

    def read(node: Node) -> object:
        return {
            name: form.read(each) for name, each in node.mapping(f"{noun} by their names").items()
        }

    return cast(dict[str, Any], read_whole(value, path, read))
