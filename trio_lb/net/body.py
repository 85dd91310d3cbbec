"""Bodies as they are read: one class a framing, one method, pieces ready to be sent on.

A source is read from an ``Inbox`` and yields bytes in the shape in which the next
hop wants them. Whoever writes asks ``frame_for`` once and then only moves bytes:

    source framing      next hop takes        pieces               tail
    Length              Length                raw                  none
    Chunked             Chunked               the peer's coding    last chunk + trailers
    UntilClose          Chunked               one chunk each       last chunk
    Chunked/UntilClose  the end of the stream payload              none
"""

from trio_lb.model.message import Field, Framing, Length, Reject, Unsized
from trio_lb.net.chunked import ChunkedReader
from trio_lb.net.inbox import CROWD_READ, LARGEST_READ, Inbox

_TINY_CHUNK = 128

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


class BodySource:
    """A body being read from ``inbox``. The base class is the body of a message without one.

    ``size`` counts payload bytes. Every method may be cancelled at any wait and
    called again without losing a byte.
    """

    __slots__ = ("_ended", "_inbox", "size")

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._ended = False
        self.size = 0

    def at_end(self) -> bool:
        """Whether it was read to its end; the inbox then stands behind it."""
        return self._ended

    def take(self) -> bytes:
        """Return what is here already, b"" when that is nothing.

        Raises:
          BodyRefused: the framing is malformed.
        """
        return b""

    def tail(self) -> bytes:
        """What the next hop needs to see behind the last piece."""
        return b""

    async def receive(self) -> bytes:
        """Wait for the next piece; b"" only at the end.

        Raises:
          BodyCut: the stream ended too early.
          BodyRefused: the framing is malformed.
          trio.BrokenResourceError: the stream was reset.
        """
        while not self.at_end():
            if piece := self.take():
                return piece
            if not self.at_end() and not await self._inbox.fill():
                self._cut()
        return b""

    def _cut(self) -> None:
        raise BodyCut("the stream ended before the body")


class NoBody(BodySource):
    """The body of a message that has none."""

    __slots__ = ()

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(inbox)
        self._ended = True


class LengthBody(BodySource):
    """Exactly ``length`` bytes, passed on as they come."""

    __slots__ = ("_left",)

    def __init__(self, inbox: Inbox, length: int) -> None:
        super().__init__(inbox)
        self._left = length
        inbox.expect(length - len(inbox.data))

    def take(self) -> bytes:
        """See ``BodySource``."""
        inbox = self._inbox
        if not inbox.data:
            return b""
        piece = inbox.take(self._left)
        self._left -= len(piece)
        self.size += len(piece)
        self._ended = not self._left
        return piece


class ChunkedBody(BodySource):
    """Chunked coding, passed on as chunked coding or as bare payload."""

    __slots__ = ("_nominated", "_reader")

    def __init__(self, inbox: Inbox, *, wire: bool, nominated: frozenset[bytes]) -> None:
        super().__init__(inbox)
        self._reader = ChunkedReader(wire=wire)
        self._nominated = nominated

    def take(self) -> bytes:
        """See ``BodySource``; sizes and extensions alone yield nothing."""
        inbox = self._inbox
        if not inbox.data:
            return b""
        reader = self._reader
        data, chunks = inbox.take(LARGEST_READ), reader.chunks
        pieces = reader.feed(data)
        if isinstance(pieces, Reject):
            raise BodyRefused(pieces)
        if (reader.chunks - chunks) * _TINY_CHUNK > len(data):
            # Each chunk costs as much as some hundred bytes: others want a turn meanwhile.
            inbox.slow_down(CROWD_READ)
        self.size = reader.payload
        if reader.done:
            self._ended = True
            inbox.data = reader.rest + inbox.data
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def tail(self) -> bytes:
        """The last chunk with the trailers that may be passed on."""
        if not self._reader.wire:
            return b""
        kept = [field for field in self._reader.trailers if self._may_trail(field)]
        if not kept:
            return LAST_CHUNK
        lines = b"".join(name + b": " + value + b"\r\n" for _, name, value in kept)
        return b"0\r\n" + lines + b"\r\n"

    def _may_trail(self, field: Field) -> bool:
        lower = field[0]
        return not (
            lower in _FORBIDDEN_TRAILERS
            or lower in self._nominated
            or lower.startswith(b"x-forwarded-")
        )


class UntilCloseBody(BodySource):
    """Everything up to the end of the stream, passed on in chunks or bare."""

    __slots__ = ("_wire",)

    def __init__(self, inbox: Inbox, *, wire: bool) -> None:
        super().__init__(inbox)
        self._wire = wire

    def take(self) -> bytes:
        """See ``BodySource``."""
        piece = self._inbox.take(LARGEST_READ)
        self.size += len(piece)
        if piece and self._wire:
            return b"%x\r\n%b\r\n" % (len(piece), piece)
        return piece

    def tail(self) -> bytes:
        """The last chunk, if chunks it is."""
        return LAST_CHUNK if self._wire else b""

    def _cut(self) -> None:
        self._ended = True


def open_body(
    inbox: Inbox, framing: Framing, *, wire: bool = True, nominated: frozenset[bytes] = frozenset()
) -> BodySource:
    """Read the body that ``framing`` announces from ``inbox``.

    ``wire`` False asks for bare payload, for a next hop that knows no chunks.
    ``nominated`` are the head's connection options: trailers of those names stay here.
    """
    if isinstance(framing, Length):
        return LengthBody(inbox, framing.size)
    if framing is Unsized.CHUNKED:
        return ChunkedBody(inbox, wire=wire, nominated=nominated)
    if framing is Unsized.UNTIL_CLOSE:
        return UntilCloseBody(inbox, wire=wire)
    return NoBody(inbox)
