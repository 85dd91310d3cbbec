"""A reader of HTTP/1.1 messages for tests, written apart from the product and from h11.

It is no judge of syntax: it splits at CRLF and trusts the rest, so that a test sees
what really came over the wire.
"""

from collections.abc import Awaitable, Callable

import attrs

Until = Callable[[bytes], Awaitable[bytes]]
"""Read up to and with a mark."""


@attrs.frozen(slots=True)
class Message:
    """A request or response. Header names keep their case; ``body`` is without chunk framing."""

    start: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = attrs.field(factory=list)

    @property
    def status(self) -> int:
        """The status code of a response."""
        return int(self.start.split(" ", 2)[1])

    @property
    def method(self) -> str:
        """The method of a request."""
        return self.start.split(" ", 1)[0]

    @property
    def target(self) -> str:
        """The target of a request."""
        return self.start.split(" ", 2)[1]

    def all(self, name: str) -> list[str]:
        """The values of every header of that name, in any case."""
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The one value of a header, or None; twice the same header fails."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None


def parse_head(data: bytes) -> Message:
    """Split a head that ends in an empty line."""
    start, *lines = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    return Message(start, [_header(line) for line in lines])


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip(" \t")


def has_no_body(response: Message, to_method: str) -> bool:
    """Whether a response ends with its head, whatever its headers say (RFC 9112, 6.3)."""
    return to_method == "HEAD" or response.status in (204, 304) or response.status < 200


def is_chunked(message: Message) -> bool:
    """Whether the body comes in chunks."""
    return any("chunked" in value.lower() for value in message.all("transfer-encoding"))
