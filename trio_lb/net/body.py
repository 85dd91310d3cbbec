"""Bodies as they are read: one class a framing, one method, pieces ready to be sent on.

A source is read from an ``Inbox`` and yields bytes in the shape in which the next
hop wants them. Whoever writes asks ``frame_for`` once and then only moves bytes:

    source framing      next hop takes        pieces               tail
    Length              Length                raw                  none
    Chunked             Chunked               the peer's coding    last chunk + trailers
    UntilClose          Chunked               one chunk each       last chunk
    Chunked/UntilClose  the end of the stream payload              none
"""

from typing import Protocol

from trio_lb.model.message import Field, Framing, Length, Reject, Unsized
from trio_lb.net.chunked import ChunkedReader
from trio_lb.net.inbox import LARGEST_READ, Inbox

LAST_CHUNK = b"0\r\n\r\n"

_FORBIDDEN_TRAILERS = frozenset(
    {
        b"transfer-encoding", b"content-length", b"host", b"connection", b"keep-alive",
        b"proxy-connection", b"te", b"trailer", b"upgrade", b"via", b"forwarded",
        b"content-encoding", b"content-type", b"content-range", b"range", b"expect",
        b"max-forwards", b"cache-control", b"pragma", b"authorization", b"set-cookie",
        b"cookie", b"proxy-authorization", b"proxy-authenticate", b"www-authenticate",
        b"age", b"date", b"expires", b"location", b"retry-after", b"vary", b"warning",
        b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range",
        b"x-real-ip", b"x-request-id", b"http2-settings", b"proxy",
    }
)  # fmt: skip
"""Fields that steer framing, routing, authentication, caching or conditions have no place in a
trailer section (RFC 9110 section 6.5.1); neither has anything that the proxy vouches for."""


class BodyCut(Exception):
    """The stream ended or broke before the body did."""


class BodyRefused(Exception):
    """The body breaks the rules of its framing; ``reject`` says how."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(reject.message)
        self.reject = reject


class BodySource(Protocol):
    """A body being read.

    ``receive`` may be cancelled at any wait and called again without losing a byte.
    """

    ended: bool
    """Whether the body was read to its end; the inbox then stands behind it."""
    size: int
    """Payload bytes so far."""

    async def receive(self) -> bytes:
        """Return the next piece, never empty, or b"" at the end.

        Raises:
          BodyCut: the stream ended (or was reset) too early.
          BodyRefused: the framing is malformed.
        """
        ...

    def tail(self) -> bytes:
        """What the next hop needs to see behind the last piece."""
        ...


class NoBody:
    """The body of a message that has none."""

    ended = True
    size = 0

    async def receive(self) -> bytes:
        """The end, at once."""
        return b""

    def tail(self) -> bytes:
        """Nothing."""
        return b""


class LengthBody:
    """Exactly ``left`` bytes, passed on as they come."""

    __slots__ = ("_inbox", "_left", "ended", "size")

    def __init__(self, inbox: Inbox, length: int) -> None:
        self._inbox = inbox
        self._left = length
        self.ended = False
        self.size = 0

    async def receive(self) -> bytes:
        """See ``BodySource``."""
        if self.ended:
            return b""
        inbox = self._inbox
        if not inbox.data and not await inbox.fill():
            raise BodyCut(f"{self._left} bytes of the body are missing")
        piece = inbox.take(self._left)
        self._left -= len(piece)
        self.size += len(piece)
        self.ended = not self._left
        return piece

    def tail(self) -> bytes:
        """Nothing: the length said it all."""
        return b""


class ChunkedBody:
    """Chunked coding, passed on as chunked coding or as bare payload."""

    __slots__ = ("_inbox", "_reader", "ended")

    def __init__(self, inbox: Inbox, *, wire: bool) -> None:
        self._inbox = inbox
        self._reader = ChunkedReader(wire=wire)
        self.ended = False

    @property
    def size(self) -> int:
        """Payload bytes announced so far."""
        return self._reader.payload

    async def receive(self) -> bytes:
        """See ``BodySource``."""
        inbox = self._inbox
        while not self.ended:
            if not inbox.data and not await inbox.fill():
                raise BodyCut("the last chunk is missing")
            pieces = self._reader.feed(inbox.take(LARGEST_READ))
            if isinstance(pieces, Reject):
                raise BodyRefused(pieces)
            if self._reader.done:
                self.ended = True
                inbox.data = self._reader.rest + inbox.data
            if pieces:
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return b""

    def tail(self) -> bytes:
        """The last chunk with the trailers that may be passed on."""
        if not self._reader.wire:
            return b""
        kept = [field for field in self._reader.trailers if _may_trail(field)]
        if not kept:
            return LAST_CHUNK
        lines = b"".join(name + b": " + value + b"\r\n" for _, name, value in kept)
        return b"0\r\n" + lines + b"\r\n"


class UntilCloseBody:
    """Everything up to the end of the stream, passed on in chunks or bare."""

    __slots__ = ("_inbox", "_wire", "ended", "size")

    def __init__(self, inbox: Inbox, *, wire: bool) -> None:
        self._inbox = inbox
        self._wire = wire
        self.ended = False
        self.size = 0

    async def receive(self) -> bytes:
        """See ``BodySource``; a reset raises ``trio.BrokenResourceError`` as it comes."""
        if self.ended:
            return b""
        inbox = self._inbox
        if not inbox.data and not await inbox.fill():
            self.ended = True
            return b""
        piece = inbox.take(LARGEST_READ)
        self.size += len(piece)
        return b"%x\r\n%b\r\n" % (len(piece), piece) if self._wire else piece

    def tail(self) -> bytes:
        """The last chunk, if chunks it is."""
        return LAST_CHUNK if self._wire else b""


def open_body(inbox: Inbox, framing: Framing, *, wire: bool = True) -> BodySource:
    """Read the body that ``framing`` announces from ``inbox``.

    ``wire`` False asks for bare payload, for a next hop that knows no chunks.
    """
    if isinstance(framing, Length):
        return LengthBody(inbox, framing.size)
    if framing is Unsized.CHUNKED:
        return ChunkedBody(inbox, wire=wire)
    if framing is Unsized.UNTIL_CLOSE:
        return UntilCloseBody(inbox, wire=wire)
    return _NO_BODY


def _may_trail(field: Field) -> bool:
    return field[0] not in _FORBIDDEN_TRAILERS and not field[0].startswith(b"x-forwarded-")


_NO_BODY = NoBody()
