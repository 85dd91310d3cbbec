"""TLS for actors: no task, and none of the product's code, whose judge it is to be.

    actor --plaintext--> [ OpenSSL ] --ciphertext--> virtual stream

The handshake goes on whenever somebody looks for what has arrived; what is sent before it is
over waits for it. An end of file without a ``close_notify`` is a cut, and raises as a reset does.
"""

import contextlib
import math
import ssl
from collections.abc import Callable
from typing import Final, NoReturn

import trio

from trio_lb.sim.actors.end import Distrusted
from trio_lb.sim.stream import VirtualStream
from trio_lb.sim.watch import Watch

_PIECE_BYTES: Final = 65536
_RECORD_BYTES: Final = 16384

OnShaken = Callable[["TlsEnd"], object]
Objection = Callable[[str], str]
"""What speaks against a certificate with this serial number; "" if nothing does."""


class TlsEnd:
    """An ``End`` that speaks TLS over ``transport``; it begins to shake hands at once.

    ``on_shaken`` hears when the handshake is over; then ``shown`` is the serial number of the
    other side's certificate, in hexadecimal ("": it showed none). What OpenSSL would believe may
    still meet with an ``objection``: then the handshake is left before its last message.
    """

    def __init__(
        self,
        transport: VirtualStream,
        context: ssl.SSLContext,
        *,
        server_side: bool = False,
        server_name: str | None = None,
        on_shaken: OnShaken = lambda end: None,
        objection: Objection = lambda shown: "",
    ) -> None:
        self.shown = ""
        self._transport = transport
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name
        )
        self._is_shaken = False
        self._fault: ssl.SSLError | None = None
        self._on_shaken = on_shaken
        self._objection = objection
        self._early = b""  # Plaintext that was taken before the handshake was over.
        self._unsent = memoryview(b"")  # Ciphertext that waits for room.
        self._room: Watch | None = None
        self._sender: Watch | None = None
        self._shake()

    @property
    def serial(self) -> int:
        """See ``End``."""
        return self._transport.serial

    @property
    def is_closed(self) -> bool:
        """See ``End``."""
        return self._transport.is_closed

    def is_stale(self) -> bool:
        """See ``End``: nobody issues tickets here, so whatever comes unasked is no good sign."""
        return self._session.pending() > 0 or self._transport.is_stale()

    # ------------------------------------------------------------------ the handshake

    def _shake(self) -> None:
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as error:
            self._fault = error
            self._flush()  # The alert.
            return
        certificate = self._session.getpeercert() or {}
        self.shown = str(certificate.get("serialNumber", ""))
        if why := self._objection(self.shown):
            self._fault = ssl.SSLCertVerificationError(why)
            return
        self._is_shaken = True
        self._on_shaken(self)
        self._flush()
        self._send_early()

    def _send_early(self) -> None:
        if self._early and self._is_shaken:
            self._early = self._early[self._encrypt(self._early) :]

    # ------------------------------------------------------------------ in

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """See ``End``."""
        if self.is_closed:
            raise trio.ClosedResourceError("this end was closed")
        while True:
            if self._is_shaken and (data := self._decrypted(max_bytes)) is not None:
                return data
            if self._fault is not None:
                self._complain(self._fault)
            piece = self._transport.receive_nowait(_PIECE_BYTES)
            if piece is None:
                return None
            if not piece:
                raise trio.BrokenResourceError("TLS: cut without a close_notify")
            self._incoming.write(piece)
            if not self._is_shaken:
                self._shake()

    def _complain(self, fault: ssl.SSLError) -> NoReturn:
        kind = trio.BrokenResourceError
        if isinstance(fault, ssl.SSLCertVerificationError):
            kind = Distrusted
        raise kind(f"TLS: {fault}")

    def _decrypted(self, max_bytes: int) -> bytes | None:
        try:
            return self._session.read(max_bytes)
        except ssl.SSLWantReadError:
            self._flush()
            return None
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLError as error:
            self._fault = error
            return None

    def watch_arrivals(self, look: Callable[[], object]) -> Watch:
        """See ``End``: plaintext that was left is news, too."""
        watch = Watch(self._news_at, look)
        self._transport.watch_arrivals(watch.wake)
        watch.arm()
        return watch

    def _news_at(self) -> float:
        if self._is_shaken and self._session.pending():
            return -math.inf
        return self._transport.next_news()

    # ------------------------------------------------------------------ out

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """See ``End``: what was taken leaves by itself, as soon as it can."""
        if self.is_closed:
            raise trio.ClosedResourceError("this end was closed")
        if self._fault is not None:
            raise trio.BrokenResourceError(f"TLS: {self._fault}")
        if not self._is_shaken or self._early:
            self._early += bytes(data)
            return len(data)
        return self._encrypt(data)

    def _encrypt(self, data: bytes | bytearray | memoryview) -> int:
        taken = 0
        while taken < len(data) and not self._unsent:
            taken += self._session.write(memoryview(data)[taken : taken + _RECORD_BYTES])
            self._flush()
        return taken

    def _flush(self) -> None:
        """Send what is encrypted; what finds no room is sent when there is some."""
        due = bytes(self._unsent) + self._outgoing.read()
        if not due:
            return
        try:
            self._unsent = memoryview(due)[self._transport.send_nowait(due) :]
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._unsent = memoryview(b"")
            return  # What the other side had to say before it left is still to be read.
        if self._unsent and self._room is None:
            self._room = self._transport.watch_room(self._go_on)
        elif self._unsent and self._room is not None:
            self._room.arm()

    def _go_on(self) -> None:
        self._flush()
        self._send_early()
        if self._sender is not None:
            self._sender.wake()

    def watch_room(self, look: Callable[[], object]) -> Watch:
        """See ``End``."""
        self._sender = Watch(self._room_at, look)
        self._sender.arm()
        return self._sender

    def _room_at(self) -> float:
        """Whoever was told to wait left ciphertext behind: once that has gone there is room."""
        return math.inf if self._unsent or self._early else -math.inf

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """See ``End``: a close_notify, as far as it fits, and FIN."""
        if self._is_shaken and not self.is_closed and not self._unsent and not self._early:
            with contextlib.suppress(ssl.SSLError):  # The other side's own is not waited for.
                self._session.unwrap()
            self._flush()
        self._transport.close()
        self._rest()

    def abort(self) -> None:
        """See ``End``."""
        self._transport.abort()
        self._rest()

    def _rest(self) -> None:
        if self._room is not None:
            self._room.end()
