"""How one attempt at one server ended: a value that policies eat."""

import enum

import attrs


class OutcomeKind(enum.Enum):
    """The ways in which an attempt can end, from the proxy's side of the wire."""

    ANSWERED = "answered"
    """A complete response head arrived, whatever its status."""
    CONNECT_REFUSED = "connect refused"
    CONNECT_TIMEOUT = "connect timed out"
    CONNECT_FAILED = "connect failed"
    """No route, no name: never reached the server's port."""
    EXHAUSTED = "no descriptor left"
    """This process could not even try, for want of a descriptor or of memory: the server
    was not asked, so this says nothing of it."""
    STALE = "stale connection"
    """A reused connection died before one byte of the answer (RFC 9112 section 9.3.1)."""
    RESET = "connection reset"
    CLOSED = "closed without an answer"
    TIMEOUT = "no answer in time"
    BAD_RESPONSE = "malformed response"
    TRUNCATED = "response cut short"
    """The head was good and relayed; the body ended early, visibly for the client."""
    ABANDONED = "abandoned"
    """The proxy's own doing: the client left or spoiled its body, or the request's time was up
    soon after it came here; says nothing of the server."""


CONNECT_KINDS = frozenset(
    {OutcomeKind.CONNECT_REFUSED, OutcomeKind.CONNECT_TIMEOUT, OutcomeKind.CONNECT_FAILED}
)

SILENT_KINDS = frozenset({OutcomeKind.STALE, OutcomeKind.ABANDONED, OutcomeKind.EXHAUSTED})
"""They say nothing of the server."""


@attrs.frozen(slots=True)
class Outcome:
    """How one attempt ended.

    ``status`` is the response's, when there was one. ``sent`` says that a byte of
    the request may have reached the server. ``detail`` is for logs only.
    """

    kind: OutcomeKind
    status: int | None = None
    sent: bool = True
    detail: str = ""

    @property
    def is_connect_failure(self) -> bool:
        """Whether the server was never reached: safe to try elsewhere, whatever the method."""
        return self.kind in CONNECT_KINDS

    @property
    def is_server_failure(self) -> bool:
        """Whether the outcome counts against the server (5xx, reset, timeout, ...).

        What says nothing of the server's health does not: a stale connection, an abandoned
        attempt, one that this process could not make. 4xx are the client's.
        """
        if self.kind is OutcomeKind.ANSWERED:
            return self.status is not None and self.status >= 500
        return self.kind not in SILENT_KINDS
