"""HTTP/1.1 heads and body framing as values; bytes on the wire stay bytes here."""

import enum
from collections.abc import Sequence

import attrs

Field = tuple[bytes, bytes, bytes]
"""One header line: (name in lower case, name as it was sent, value without outer space)."""


class Unsized(enum.Enum):
    """Framings that carry no number."""

    NO_BODY = "no body"
    CHUNKED = "chunked"
    UNTIL_CLOSE = "until close"


@attrs.frozen(slots=True)
class Length:
    """A body of exactly ``size`` > 0 bytes."""

    size: int


Framing = Length | Unsized
"""How a body's end is found (RFC 9112 section 6.3)."""


@attrs.frozen(slots=True)
class Reject:
    """A message that is refused: the status to answer with, a code and what was seen.

    On the request side ``status`` is the client's answer; on the response side it
    is always 502. ``message`` names the rule, never an address of ours.
    """

    status: int
    code: str
    message: str


@attrs.frozen(slots=True)
class LocalAnswer:
    """A whole answer that needs no server: a redirect, or what stands in for absent servers.

    ``fields`` are names and values that are known to be good; ``body`` has text/plain
    unless they say otherwise. ``error`` is its code in the books, None for none.
    """

    status: int
    fields: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    error: str | None = None


@attrs.frozen(slots=True)
class RequestHead:
    """A request head that passed every check, before anything was changed.

    ``target`` is what goes upstream (origin form or ``*``), byte for byte as sent
    except that absolute form lost its scheme and authority; ``host`` is the
    authority that counts (absolute form wins over Host, RFC 9112 section 3.2.2),
    empty only for HTTP/1.0 without Host. ``minor`` is the HTTP/1.x version's x.
    ``connection`` holds the lower-case options of Connection. ``upgrade`` is the
    protocol asked for, when it may be relayed.
    """

    method: bytes
    target: bytes
    minor: int
    fields: list[Field]
    host: bytes
    framing: Framing
    connection: frozenset[bytes]
    upgrade: bytes | None = None
    expects_continue: bool = False
    max_forwards: int | None = None

    @property
    def keep_alive(self) -> bool:
        """Whether the client may send another request; never for HTTP/1.0 (RFC 9112 C.2.2)."""
        return self.minor > 0 and b"close" not in self.connection

    def get(self, name: bytes) -> bytes | None:
        """Return the first value of the field called ``name`` (lower case), or None."""
        for lower, _, value in self.fields:
            if lower == name:
                return value
        return None


@attrs.frozen(slots=True)
class ResponseHead:
    """A response head that passed every check.

    ``framing`` already counts in the request's method (HEAD has no body);
    ``declared`` is what Content-Length said, body or not; ``speaks_of_body`` tells that a
    head whose message has none by rule (HEAD, 304) announces one all the same. An
    interim response (1xx) has ``status < 200`` and NO_BODY. ``upgrade`` is the protocol that
    a 101 chose, or those that a 426 asks for.
    """

    status: int
    reason: bytes
    minor: int
    fields: list[Field]
    framing: Framing
    connection: frozenset[bytes]
    declared: int | None = None
    upgrade: bytes | None = None
    speaks_of_body: bool = False

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request after the body.

        Not when a body was announced where there is none: a server that wrongly sends
        it would have it read as the answer to the next request, of another client.
        """
        return (
            self.minor > 0
            and not self.speaks_of_body
            and b"close" not in self.connection
            and self.framing is not Unsized.UNTIL_CLOSE
        )
