"""What a single value of the configuration may be: one small class for each kind.

``read`` takes what a file or a dict holds and returns the value that ``Config``
keeps; it knows spellings (``10s``, ``32KiB``, ``round-robin``). ``check`` takes a
value that a program put into ``Config`` itself. Both raise ``Refused`` with the
whole sentence: what was seen against what is allowed. ``allowed`` is the same rule
for the reference.

Nothing is ever guessed: true is no number, '80' is no port, a number is no text.
The exception is ``Loose`` text, which never had a chance to be anything else.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import attrs

from trio_lb.config.values import Loose

NOT_YET: Final = "not supported in this version"
YEAR_SECONDS: Final = 365 * 86400.0


class Refused(ValueError):
    """A value that its field can't take; the text says seen against allowed."""


class NotYet(Refused):
    """A value that the documentation knows and this version can't do."""


class Kind(Protocol):
    """What one field accepts."""

    @property
    def allowed(self) -> str:
        """The rule in a few words."""
        ...

    def read(self, raw: object) -> object:
        """Return the value that ``raw`` stands for, or raise ``Refused``."""
        ...

    def check(self, value: object) -> None:
        """Raise ``Refused`` unless ``value`` may stand in a ``Config``."""
        ...


def show(value: object) -> str:
    """Return ``value`` as its writer would know it, short enough for one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return (
                f"'{value}'" if len(value) <= 60 and value.isprintable() else f"{value[:60]!r}..."
            )
        case int():
            return str(value) if value.bit_length() <= 128 else "a huge number"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
    return repr(value)[:60]


@attrs.frozen(slots=True)
class Number:
    """A number with bounds; ``parse`` reads its spellings, such as ``10s``.

    ``low`` itself is allowed unless ``above`` says that the value must exceed it.
    ``span`` is how the bounds are named where both of them matter.
    """

    form: str
    low: float
    high: float
    above: bool = False
    whole: bool = False
    unit: str = ""
    span: str = ""
    parse: Callable[[str], float] | None = None

    @property
    def allowed(self) -> str:
        # Examples of the form are for messages; the reference gives them once.
        return f"{self.form.partition(' (')[0]}, {self.span or self._lower}"

    @property
    def _lower(self) -> str:
        return f"{'>' if self.above else '>='} {self.low:g}"

    def read(self, raw: object) -> float:
        number = self._parsed(raw) if isinstance(raw, str) else self._typed(raw)
        self._bound(number, raw)
        return int(number) if self.whole else float(number)

    def check(self, value: object) -> None:
        self._bound(self._typed(value), value)

    def _parsed(self, raw: str) -> float:
        """Of a text: by its own spelling; a bare number only where the text is loose."""
        try:
            if self.parse is not None:
                return self.parse(raw)
            if isinstance(raw, Loose):
                return int(raw) if self.whole else float(raw)
        except ValueError:
            pass
        quoted = "; write it without quotes" if re.fullmatch(r"[\d.]+", raw) else ""
        raise Refused(f"{show(raw)} is not {self.form}{quoted}")

    def _typed(self, raw: object) -> float:
        number = isinstance(raw, int) if self.whole else isinstance(raw, int | float)
        if isinstance(raw, bool) or not number:
            raise Refused(f"{show(raw)} is not {self.form}")
        assert isinstance(raw, int | float)
        return raw

    def _bound(self, number: float, raw: object) -> None:
        """Written so that nan fails: it is not above anything."""
        unit = f" ({self.unit})" if self.unit else ""
        fits_low = number > self.low if self.above else number >= self.low
        if not fits_low:
            raise Refused(f"{show(raw)} is not {self.span or self._lower}{unit}")
        if not number <= self.high:
            raise Refused(f"{show(raw)} is not {self.span or f'<= {self.high:.15g}'}{unit}")


@attrs.frozen(slots=True)
class Flag:
    """true or false, and nothing that merely looks like it."""

    allowed: str = "true or false"

    def read(self, raw: object) -> bool:
        if isinstance(raw, Loose) and raw in ("true", "false"):
            return raw == "true"
        self.check(raw)
        return bool(raw)

    def check(self, value: object) -> None:
        if not isinstance(value, bool):
            raise Refused(f"{show(value)} is not true or false")


@attrs.frozen(slots=True)
class Text:
    """Text that matches ``pattern`` as a whole; ``form`` says what that means.

    ``secret`` keeps the value itself out of every message.
    """

    form: str = "text"
    pattern: str = r"[^\x00-\x1f\x7f]*"
    secret: bool = False

    @property
    def allowed(self) -> str:
        return self.form

    def read(self, raw: object) -> str:
        self.check(raw)
        return str(raw)

    def check(self, value: object) -> None:
        seen = "the value" if self.secret else show(value)
        if not isinstance(value, str):
            quotes = " (put it in quotes)" if isinstance(value, int | float) else ""
            raise Refused(f"{seen} is not text{quotes}")
        if not re.fullmatch(self.pattern, value):
            raise Refused(f"{seen} is not {self.form}")


@attrs.frozen(slots=True)
class Choice:
    """One of a few names; hyphens, capitals and camelCase are read as snake_case.

    ``names`` is a function where the list belongs to a module that is loaded late.
    ``later`` holds the names that exist on paper only.
    """

    noun: str
    names: Callable[[], tuple[str, ...]]
    aliases: Mapping[str, str] = attrs.field(factory=dict)
    later: frozenset[str] = frozenset()
    plain: Mapping[str, str] = attrs.field(factory=dict)
    """What true, false or a number without quotes stands for, where it stands for anything."""

    @property
    def allowed(self) -> str:
        return ", ".join(self.names())

    def read(self, raw: object) -> str:
        # `format: off` is false for a YAML 1.1 writer and in JSON.
        raw = "off" if raw is False and "off" in self.names() else raw
        raw = self.spelt(raw)
        name = _snake(raw) if isinstance(raw, str) else raw
        name = self.aliases.get(name, name) if isinstance(name, str) else name
        self._among(name, raw)
        return str(name)

    def spelt(self, raw: object) -> object:
        """Return the name for what is plainly true, false or a number, else ``raw``."""
        if not isinstance(raw, bool | float | Loose):
            return raw
        return self.plain.get(raw if isinstance(raw, str) else show(raw), raw)

    def check(self, value: object) -> None:
        self._among(value, value)

    def _among(self, name: object, raw: object) -> None:
        if name in self.names():
            return
        if isinstance(name, str) and name in self.later:
            raise NotYet(f"{self.noun} {show(raw)} is {NOT_YET}; there is {self.allowed}")
        hint = suggestion(name, self.names()) if isinstance(name, str) else ""
        raise Refused(f"{show(raw)} is no {self.noun}{hint or f'; allowed: {self.allowed}'}")


@attrs.frozen(slots=True)
class File(Text):
    """A path. One that is relative begins at the folder of the configuration."""

    form: str = "a path"
    pattern: str = r"[^\x00-\x1f\x7f]+"


@attrs.frozen(slots=True)
class Code:
    """Something that can be called, which only a program can give."""

    allowed: str = "a callable; only a program can give it"

    def read(self, raw: object) -> object:
        self.check(raw)
        return raw

    def check(self, value: object) -> None:
        if not callable(value):
            raise Refused(f"{show(value)} is not {self.allowed}")


_ENTRY: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@attrs.frozen(slots=True)
class CodeOrName:
    """Code, or where it is imported from; that is tried when the balancer opens, not here."""

    allowed: str = "a callable, or its name (package.module:name)"

    def read(self, raw: object) -> object:
        self.check(raw)
        return str(raw) if isinstance(raw, str) else raw

    def check(self, value: object) -> None:
        named = isinstance(value, str) and _ENTRY.fullmatch(value) is not None
        if not named and not callable(value):
            raise Refused(f"{show(value)} is not {self.allowed}")


@attrs.frozen(slots=True)
class Anything:
    """A mapping that is kept as it is, for the people who wrote it."""

    allowed: str = "a mapping"

    def read(self, raw: object) -> object:
        self.check(raw)
        return _plain(raw)

    def check(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise Refused(f"{show(value)} is not a mapping")


@attrs.frozen(slots=True)
class Maybe:
    """Another kind, or null for "none"."""

    kind: Kind

    @property
    def allowed(self) -> str:
        return f"{self.kind.allowed}; or null"

    def read(self, raw: object) -> object:
        return None if raw is None or (isinstance(raw, Loose) and not raw) else self.kind.read(raw)

    def check(self, value: object) -> None:
        if value is not None:
            self.kind.check(value)


def suggestion(name: str, known: tuple[str, ...]) -> str:
    """Return ``; did you mean 'weight'?``, or nothing when no known name is near."""
    import difflib

    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def _snake(name: str) -> str:
    """round-robin, roundRobin and 'Round Robin' are round_robin."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[-_\s]+", "_", apart).lower()


def _plain(raw: object) -> object:
    """Copied, with loose text made plain."""
    match raw:
        case Mapping():
            return {str(key): _plain(value) for key, value in raw.items()}
        case list() | tuple():
            return [_plain(value) for value in raw]
        case str():
            return str(raw)
    return raw
