"""What stands behind a field of the schema: its kind, its meaning, where its default comes from.

``knob`` makes an attrs field that checks itself, so that a ``Config`` built by hand
obeys the same bounds as one from a file, and carries a ``Knob`` that the loader and
the reference read. One description, three readers.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from trio_lb.config import values
from trio_lb.config.kinds import YEAR_SECONDS, Choice, Kind, Maybe, Number, Refused, Text, show
from trio_lb.model.errors import ConfigError, Problem

_KEY: Final = "knob"


@attrs.frozen(slots=True)
class ListOf:
    """A list, each item of one kind; kept as a tuple."""

    item: "Kind | Section"

    @property
    def allowed(self) -> str:
        return f"a list, each {self.item.allowed}"

    def check(self, value: object) -> None:
        if not isinstance(value, tuple):
            raise Refused(f"{show(value)} is not a tuple")
        for item in value:
            self.item.check(item)


@attrs.frozen(slots=True)
class MapOf:
    """A mapping of text to values of one kind."""

    key: Text
    item: "Kind | Section"

    @property
    def allowed(self) -> str:
        return f"a mapping of {self.key.form} to {self.item.allowed}"

    def check(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise Refused(f"{show(value)} is not a mapping")
        for key, item in value.items():
            self.key.check(key)
            self.item.check(item)


@attrs.frozen(slots=True)
class Section:
    """A mapping that is a schema class of its own."""

    cls: type[attrs.AttrsInstance]

    @property
    def allowed(self) -> str:
        return "a section"

    def check(self, value: object) -> None:
        if not isinstance(value, self.cls):
            raise Refused(f"{show(value)} is not a {self.cls.__name__}")


@attrs.frozen(slots=True)
class OptionalSection(Section):
    """The same, or null where there is none."""

    @property
    def allowed(self) -> str:
        return "a section; or null"

    def check(self, value: object) -> None:
        if value is not None and not isinstance(value, self.cls):
            raise Refused(f"{show(value)} is not a {self.cls.__name__}")


Shape = Kind | ListOf | MapOf | Section


@attrs.frozen(slots=True)
class Knob:
    """One field: what it takes, what it is for, other spellings, whose default it has."""

    shape: Shape
    says: str
    source: str = ""
    aliases: tuple[str, ...] = ()


def fits(instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """Validate one field of a config built by hand.

    Raises:
      ConfigError: naming class, field, what was seen and what is allowed.
    """
    try:
        attribute.metadata[_KEY].shape.check(value)
    except Refused as error:
        place = f"{type(instance).__name__}.{attribute.name}"
        raise ConfigError([Problem(place, str(error))]) from None


def described(
    shape: Shape, says: str, *, source: str = "", aliases: tuple[str, ...] = ()
) -> dict[str, object]:
    """Return the metadata of a field that has no default."""
    return {_KEY: Knob(shape, says, source, aliases)}


def knob(
    default: object, shape: Shape, says: str, *, source: str = "", aliases: tuple[str, ...] = ()
) -> Any:
    """Return an attrs field with a default; ``source`` says whose default that is.

    Where true and false stand for names, a program may give them too: ``fail_open=False``.
    """
    metadata = described(shape, says, source=source, aliases=aliases)
    converter = shape.spelt if isinstance(shape, Choice) and shape.plain else None
    return attrs.field(default=default, converter=converter, validator=fits, metadata=metadata)


def section(cls: type[attrs.AttrsInstance], says: str, **off: object) -> Any:
    """Return an attrs field that holds another schema class, with that class's defaults."""
    metadata = described(Section(cls), says)
    return attrs.field(default=cls(**off), validator=fits, metadata=metadata)


def knobs_of(cls: type[attrs.AttrsInstance]) -> dict[str, Knob]:
    """Return the knobs of a schema class by field name; a field without one is not written."""
    return {
        field.name: field.metadata[_KEY] for field in attrs.fields(cls) if _KEY in field.metadata
    }


def spellings(cls: type[attrs.AttrsInstance]) -> dict[str, str]:
    """Return every key that may be written for a class, with the field that it means."""
    return {key: name for name, each in knobs_of(cls).items() for key in (name, *each.aliases)}


def _duration(*, above: bool) -> Number:
    """A year is the most: what is longer was meant in another unit, or means "never"."""
    return Number(
        values.DURATION_FORM,
        0,
        YEAR_SECONDS,
        above=above,
        unit="seconds",
        parse=values.duration,
    )


SECONDS: Final = _duration(above=True)
SECONDS_OR_OFF: Final = _duration(above=False)
FRACTION: Final = Number("a fraction", 0, 1, span="in [0, 1]")
SHARE: Final = Number("a fraction", 0, 1, above=True, span="in (0, 1]")
RATE: Final = Number("a number", 0, 1e9, unit="a second")
PORT: Final = Number("a port", 1, 65535, whole=True, span="in 1..65535")
BIND_PORT: Final = Number("a port", 0, 65535, whole=True, span="in 1..65535 (0 = any free)")
MOST: Final = 2**31 - 1


def count(low: int = 1, high: int = MOST) -> Number:
    """A whole number of things."""
    span = "" if high == MOST else f"in {low}..{high}"
    return Number("a whole number", low, high, whole=True, span=span)


def size_from(low: int, high: int = 2**50) -> Number:
    """A number of bytes."""
    return Number(values.SIZE_FORM, low, high, whole=True, unit="bytes", parse=_whole_size)


def _whole_size(text: str) -> float:
    return values.size(text)


def maybe(kind: Kind) -> Maybe:
    """That kind, or null."""
    return Maybe(kind)
