"""Header fields as programs handle them: text, in order, names in any case.

A name or value that could not be a header line is refused where it is put in, so that
no line break of a caller's can ever become a field, or a request, of its own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Final

HeaderSource = Mapping[str, str] | Iterable[tuple[str, str]]
"""What headers are made from: a mapping, or pairs, which may repeat a name."""

_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class Headers(MutableMapping[str, str]):
    """Header fields. A mapping whose values are those of one name, joined with commas.

    Iterating gives each name once, as it was first spelled. ``pairs`` and ``get_all`` know
    the single lines, which matter for Set-Cookie (RFC 9110 section 5.3). Setting a name
    replaces all of its lines; ``add`` adds one.
    """

    __slots__ = ("_pairs",)

    def __init__(self, source: HeaderSource = ()) -> None:
        """Copy ``source``.

        Raises:
          ValueError: a name or a value can't stand in a header line.
        """
        self._pairs: list[tuple[str, str]] = []
        if isinstance(source, Headers):
            self._pairs += source._pairs
            return
        for name, value in source.items() if isinstance(source, Mapping) else source:
            self.add(name, value)

    def pairs(self) -> list[tuple[str, str]]:
        """Every line, in order."""
        return list(self._pairs)

    def get_all(self, name: str) -> list[str]:
        """The values of every line of that name, in order."""
        wanted = name.lower()
        return [value for known, value in self._pairs if known.lower() == wanted]

    def add(self, name: str, value: str) -> None:
        """Append a line; others of the same name stay.

        Raises:
          ValueError: it can't stand in a header line.
        """
        self._pairs.append(_checked(name, value))

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __setitem__(self, name: str, value: str) -> None:
        pair = _checked(name, value)
        wanted = name.lower()
        places = [at for at, (known, _) in enumerate(self._pairs) if known.lower() == wanted]
        if not places:
            self._pairs.append(pair)
            return
        self._pairs[places[0]] = pair
        for at in reversed(places[1:]):
            del self._pairs[at]

    def __delitem__(self, name: str) -> None:
        kept = [pair for pair in self._pairs if pair[0].lower() != name.lower()]
        if len(kept) == len(self._pairs):
            raise KeyError(name)
        self._pairs = kept

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get_all(name))

    def __iter__(self) -> Iterator[str]:
        return iter({name.lower(): name for name, _ in reversed(self._pairs)}.values())

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self._pairs})

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same lines; the case of names does not matter."""
        if not isinstance(other, Headers):
            return NotImplemented
        return self._folded() == other._folded()

    def _folded(self) -> list[tuple[str, str]]:
        return [(name.lower(), value) for name, value in self._pairs]

    def __repr__(self) -> str:
        return f"Headers({self._pairs!r})"


def _checked(name: str, value: str) -> tuple[str, str]:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a header")
    value = value.strip(" \t")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"header {name}: {value!r} holds a line break, a control or non-Latin-1")
    return name, value
