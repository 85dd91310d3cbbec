"""The sending side of TLS: plaintext becomes records, and no record is left behind.

TCP takes as many bytes as fit, and a stream reports just those. A record can't be taken
back like that: once it is encrypted it must leave whole, before anything else. So when
the transport takes only a part of one::

    plaintext   [............16 KiB............]      encrypted
    ciphertext  [....taken....|.....unsent.....]      transport is full
    reported     all of it but the last byte          "come again with the rest"

Whoever sends comes again with that byte, and by then the unsent part has left. A send that
reported everything has handed over everything: the stream may be closed or parked, and
nobody has to flush it. Who gives a send up half-way must end the stream, as on TCP
anyone must whose message was cut.
"""

from typing import Final

import trio

from trio_lb.net.env import Stream
from trio_lb.net.tls_engine import RECORD_BYTES, TlsEngine
from trio_lb.net.tls_faults import TlsError

_LARGEST_PIECE: Final = 64 * 1024
"""Plaintext that is encrypted before the transport is asked again. A send begins with one
record, so that a full transport leaves little with us, and doubles it while all is taken."""

_MOST_UNSENT: Final = 2 * _LARGEST_PIECE
"""More than a send leaves: a peer that makes us answer, and reads no answer."""


class TlsOutbox:
    """Encrypts and sends; one task at a time waits in it.

    ``unsent`` is ciphertext that the transport did not take.
    """

    __slots__ = ("_engine", "_is_waiting", "_owed", "_transport", "unsent")

    def __init__(self, transport: Stream, engine: TlsEngine) -> None:
        self._transport = transport
        self._engine = engine
        self._is_waiting = False
        self._owed = b""  # The last byte that was encrypted, reported as not taken.
        self.unsent: bytes | memoryview = b""

    @property
    def is_cut_short(self) -> bool:
        """Whether closing now would cut a record, although the transport was asked again."""
        return self._is_waiting or (len(self.unsent) > 0 and not self.push())

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """Encrypt and send what the transport takes; return how much may be called taken."""
        if not len(data) or self._is_waiting or (self.unsent and not self.push()):
            return 0
        if self._owed or len(data) > RECORD_BYTES:
            return self._send_pieces(memoryview(data))
        return self._send_piece(data, is_last=True)

    def _send_pieces(self, data: memoryview) -> int:
        sent, limit = self._settle(data), RECORD_BYTES
        while sent < len(data):
            piece = data[sent : sent + limit]
            sent += self._send_piece(piece, is_last=sent + len(piece) == len(data))
            if self.unsent:
                break
            limit = min(2 * limit, _LARGEST_PIECE)
        return sent

    def _settle(self, data: memoryview) -> int:
        """Return 1 if ``data`` goes on with the byte that is owed to its sender, else 0."""
        owed, self._owed = self._owed, b""
        return int(bool(owed) and data[:1] == owed)

    def _send_piece(self, piece: bytes | bytearray | memoryview, *, is_last: bool) -> int:
        try:
            ciphertext = self._engine.encrypt(piece)
        except TlsError as error:
            raise trio.BrokenResourceError(f"send to {self._transport.peer}: {error}") from error
        sent = self._transport.send_nowait(ciphertext)
        if sent < len(ciphertext):
            self.unsent = memoryview(ciphertext)[sent:]
            if is_last:
                self._owed = bytes(piece[-1:])
                return len(piece) - 1
        return len(piece)

    def push(self) -> bool:
        """Offer the transport what it did not take before, and what else is due.

        Returns whether all of it has left.
        """
        due: bytes | memoryview = self._engine.ciphertext()
        if self.unsent:
            due = b"".join((self.unsent, due)) if due else self.unsent
        sent = self._transport.send_nowait(due)
        self.unsent = memoryview(due)[sent:] or b""
        return not self.unsent

    def answer(self) -> None:
        """Send what receiving brought about, as far as it fits: an alert, a key update.

        It never waits. If a task is waiting to send, that one takes it along.

        Raises:
          trio.BrokenResourceError: the peer goes on asking and reads no answer.
        """
        if not self._is_waiting:
            try:
                self.push()
            except trio.BrokenResourceError:
                return  # Whoever sends or receives next is told.
        if len(self.unsent) + self._engine.output_bytes > _MOST_UNSENT:
            raise trio.BrokenResourceError(f"{self._transport.peer} reads no answers")

    async def flush(self) -> None:
        """Wait until the transport has all ciphertext there is. Cancelled, it keeps the rest."""
        if self._is_waiting:
            raise trio.BusyResourceError("another task is already sending to this stream")
        self._is_waiting = True
        try:
            while due := self.unsent or self._engine.ciphertext():
                self.unsent = due
                sent = await self._transport.send_some(due)
                self.unsent = memoryview(due)[sent:] or b""
        finally:
            self._is_waiting = False
