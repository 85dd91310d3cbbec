"""Kinds of values that end up inside a request: nothing here may break its framing."""

import re
from collections.abc import Iterator
from typing import Final

import attrs

from trio_lb.config.kinds import Refused, Text, show

TARGET: Final = Text(
    "a path that begins with / and has no space, # or control character",
    r"/[!\x22\x24-\x7e]*",
)
"""A request target in origin form (RFC 9112 section 3.2.1); bytes above ASCII are escaped."""

METHOD: Final = Text("a method (GET, HEAD, OPTIONS, ...)", r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_NAME: Final = Text("a header name", r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE: Final = Text(
    "a header value (no control character, nothing beyond Latin-1)",
    r"[\t\x20-\x7e\xa0-\xff]*",
    secret=True,
)
"""RFC 9110 section 5.5; a probe's header may hold a credential, so it is never shown."""

_RANGE: Final = re.compile(r"([1-5]\d\d)-([1-5]\d\d)", re.ASCII)


@attrs.frozen(slots=True)
class Statuses:
    """A status, a range of them, or a list of both; kept as a sorted tuple."""

    allowed: str = "a status (200), a range ('200-299') or a list of both"

    def read(self, raw: object) -> tuple[int, ...]:
        items = raw if isinstance(raw, list | tuple) else (raw,)
        if not items:
            raise Refused("an empty list: no status would ever be good")
        statuses, wrong = set[int](), list[str]()
        for item in items:
            try:
                statuses.update(self._expand(item))
            except Refused as error:
                wrong.append(str(error))
        if wrong:
            raise Refused("; ".join(wrong))
        return tuple(sorted(statuses))

    def check(self, value: object) -> None:
        if not isinstance(value, tuple) or not value:
            raise Refused(f"{show(value)} is not a tuple of statuses")
        for status in value:
            self._one(status)

    def _expand(self, item: object) -> Iterator[int]:
        span = _RANGE.fullmatch(item) if isinstance(item, str) else None
        if span is None:
            yield self._one(item)
        elif span[1] > span[2]:
            raise Refused(f"{show(item)} is a range that ends before it begins")
        else:
            yield from range(int(span[1]), int(span[2]) + 1)

    def _one(self, item: object) -> int:
        if not isinstance(item, int) or isinstance(item, bool):
            raise Refused(f"{show(item)} is not {self.allowed}")
        if not 100 <= item <= 599:
            raise Refused(f"{show(item)} is not in 100..599")
        return item
