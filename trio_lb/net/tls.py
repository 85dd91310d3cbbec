"""A TLS stream over any other stream: a socket, one in memory, a virtual one.

``trio.SSLStream`` has no send that doesn't wait, no staleness and no reset, and costs a
lock and two checkpoints an operation. Here the engine (``tls_engine``) does the TLS and
this class moves its bytes. No task runs for it: whoever sends or receives moves them.

Three rules keep the promises of ``Stream`` where TLS is not like TCP:

1. A record can't be taken back. When the transport takes only part of the ciphertext, the
   last byte of plaintext is reported as not taken until the rest has left. So a send
   that reports all has handed all over, and closing or parking the stream loses nothing.
2. An orderly end is the peer's ``close_notify``; an end without one raises ``TlsCut``.
3. Receiving may have to send (an alert, the answer to a key update). It does so if nobody
   is sending; otherwise the sender takes it along. It never waits.
"""

import contextlib
import math
from types import TracebackType
from typing import Final, Self

import trio
from trio.lowlevel import checkpoint

from trio_lb.net.certificates import ClientTls, ServerTls
from trio_lb.net.env import Stream
from trio_lb.net.half import Act, Half, after
from trio_lb.net.tls_engine import RECORD_BYTES, RECORD_OVERHEAD, State, TlsEngine
from trio_lb.net.tls_faults import TlsError as TlsError
from trio_lb.net.tls_faults import TlsFault as TlsFault

_LARGEST_PIECE: Final = 64 * 1024
"""Plaintext encrypted before the transport is asked again, four records; it begins with one.
What a full transport leaves with us is one such piece at most."""

_LARGEST_READ: Final = 256 * 1024
_MOST_CHATTER: Final = 4
"""Reads without a byte of data, after which an idle connection is called stale."""

_MOST_UNSENT: Final = 2 * _LARGEST_PIECE
"""More ciphertext than a send leaves: a peer that makes us answer and reads no answer."""


class TlsCut(trio.BrokenResourceError):
    """The transport ended, in good order, before the peer's TLS did: a cut, or a rude goodbye."""


class TlsStream:
    """TLS over ``transport``, which it owns from the end of the handshake on.

    Made by ``accept`` and ``connect``. ``send_eof`` sends a close_notify and leaves the
    transport open both ways: the peer may go on sending, as on TCP (RFC 8446, section 6.1).
    """

    __slots__ = (
        "_engine",
        "_half",
        "_is_receiving",
        "_is_sending",
        "_owed",
        "_transport",
        "_unsent",
        "local",
        "peer",
    )

    def __init__(self, transport: Stream, engine: TlsEngine) -> None:
        self._transport = transport
        self._engine = engine
        self.peer = transport.peer
        self.local = transport.local
        self._half = Half.OPEN
        self._is_receiving = False
        self._is_sending = False
        self._unsent: bytes | memoryview = b""  # Ciphertext that the transport did not take.
        self._owed = b""  # The byte that left, or will, and was reported as not taken.

    @classmethod
    async def accept(
        cls, transport: Stream, tls: ServerTls, *, deadline: float = math.inf
    ) -> "TlsStream":
        """Shake hands as the server, until ``deadline`` on trio's clock.

        Raises:
          TlsError: it failed, or was not done in time; ``transport`` is still the caller's.
        """
        stream = cls(transport, tls.engine())
        await stream._shake_until(deadline)
        return stream

    @classmethod
    async def connect(
        cls,
        transport: Stream,
        tls: ClientTls,
        server_name: str | None,
        *,
        deadline: float = math.inf,
    ) -> "TlsStream":
        """Shake hands as the client, and ask for ``server_name``: a name or an IP address.

        Raises:
          TlsError: it failed, or was not done in time; ``transport`` is still the caller's.
        """
        stream = cls(transport, tls.engine(server_name))
        await stream._shake_until(deadline)
        return stream

    # The handshake.

    async def _shake_until(self, deadline: float) -> None:
        with trio.CancelScope(deadline=deadline) as scope:
            try:
                await self._shake()
            except trio.BrokenResourceError as error:
                raise TlsError(TlsFault.CUT, f"the connection broke: {error}") from error
        if scope.cancelled_caught:
            raise TlsError(TlsFault.TIMEOUT, "the handshake was not done in time")

    async def _shake(self) -> None:
        engine = self._engine
        while not self._shake_once():
            await self._flush()
            ciphertext = await self._transport.receive_some(RECORD_BYTES)
            if not ciphertext:
                raise engine.cut()
            engine.feed(ciphertext)
        await self._flush()

    def _shake_once(self) -> bool:
        try:
            return self._engine.shake()
        except TlsError:
            self._answer()  # The alert, as far as it fits: who erred may learn why.
            raise

    @property
    def server_name(self) -> str | None:
        """The name that the client asked for (SNI): on the server's side only."""
        return self._engine.asked_name

    @property
    def version(self) -> str:
        """The version of TLS that is spoken, ``TLSv1.3``."""
        return self._engine.session.version() or ""

    @property
    def cipher(self) -> str:
        """The cipher's name, as OpenSSL has it."""
        cipher = self._engine.session.cipher()
        return cipher[0] if cipher else ""

    # Receiving.

    async def receive_some(self, max_bytes: int) -> bytes:
        """See ``Stream``: what was decrypted, all that fits.

        Raises:
          TlsCut: the transport ended and no close_notify came before.
          trio.BrokenResourceError: it was reset, or what came is no TLS.
        """
        if self._is_receiving:
            raise trio.BusyResourceError("another task is already receiving from this stream")
        self._is_receiving = True
        try:
            if self._engine.has_more:
                await checkpoint()
                if (data := self._take(max_bytes)) is not None:
                    return data
            size = min(max(max_bytes, RECORD_BYTES), _LARGEST_READ) + RECORD_OVERHEAD
            while True:
                self._feed(await self._transport.receive_some(size))
                if (data := self._take(max_bytes)) is not None:
                    return data
        finally:
            self._is_receiving = False

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """See ``Stream``; after a few records without data it also says that nothing has come."""
        for _ in range(_MOST_CHATTER):
            if self._engine.has_more and (data := self._take(max_bytes)) is not None:
                return data
            ciphertext = self._transport.receive_nowait(RECORD_BYTES + RECORD_OVERHEAD)
            if ciphertext is None:
                break
            self._feed(ciphertext)
        return None

    def _feed(self, ciphertext: bytes) -> None:
        if ciphertext:
            self._engine.feed(ciphertext)
        else:
            self._engine.cut()

    def _take(self, max_bytes: int) -> bytes | None:
        engine = self._engine
        if self._half is Half.CLOSED:
            raise trio.ClosedResourceError("this stream was closed")
        try:
            return engine.take(max_bytes)
        except TlsError as error:
            broken = TlsCut if error.kind is TlsFault.CUT else trio.BrokenResourceError
            raise broken(f"receive from {self.peer}: {error}") from error
        finally:
            if engine.output_bytes:
                self._answer()

    def _answer(self) -> None:
        """Send what receiving brought about, as far as it fits, unless somebody is sending."""
        if not self._is_sending:
            with contextlib.suppress(trio.BrokenResourceError):
                self._push()
        if len(self._unsent) + self._engine.output_bytes > _MOST_UNSENT:
            raise trio.BrokenResourceError(f"{self.peer} asks for answers and reads none")

    def is_stale(self) -> bool:
        """See ``Stream``. Session tickets and key updates are taken in and make nothing stale."""
        if self._half is Half.CLOSED or self._unsent or self._engine.has_more:
            return True
        if not self._transport.is_stale():
            return False
        # A task that waits for bytes must not have them taken away from under it.
        return self._is_receiving or self._pump()

    def _pump(self) -> bool:
        """Take in what has arrived, and return whether a receiver would see any of it."""
        engine = self._engine
        for _ in range(_MOST_CHATTER):
            if engine.look():
                return True
            try:
                ciphertext = self._transport.receive_nowait(RECORD_BYTES + RECORD_OVERHEAD)
            except trio.BrokenResourceError:
                return True
            if ciphertext is None:
                return False
            self._feed(ciphertext)
        return True

    # Sending.

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``, and rule 1: what is not taken must be sent again, or the stream closed."""
        self._check_may_send()
        if self._is_sending or (self._unsent and not self._push()):
            return 0
        if self._owed or len(data) > RECORD_BYTES:
            return self._send_pieces(data)
        if not data:
            return 0
        return self._encrypt(data, is_last=True)

    def _send_pieces(self, data: bytes | bytearray | memoryview) -> int:
        """Encrypt and send in growing pieces, until the transport is full."""
        view, size = memoryview(data), len(data)
        sent, limit = self._settle(view), RECORD_BYTES
        while sent < size:
            piece = view[sent : sent + limit]
            sent += self._encrypt(piece, is_last=sent + len(piece) == size)
            if self._unsent:
                break
            limit = min(2 * limit, _LARGEST_PIECE)
        return sent

    def _settle(self, data: memoryview) -> int:
        """Return 1 if ``data`` goes on with the byte that is owed to its sender, else 0."""
        owed, self._owed = self._owed, b""
        return int(bool(owed) and data[:1] == owed)

    def _encrypt(self, piece: bytes | bytearray | memoryview, *, is_last: bool) -> int:
        try:
            self._engine.put(piece)
        except TlsError as error:
            raise trio.BrokenResourceError(f"send to {self.peer}: {error}") from error
        if self._push() or not is_last:
            return len(piece)
        self._owed = bytes(piece[-1:])
        return len(piece) - 1

    def _push(self) -> bool:
        """Offer the transport all ciphertext there is; whether it took it."""
        ciphertext: bytes | memoryview = self._engine.ciphertext()
        if self._unsent:
            ciphertext = b"".join((self._unsent, ciphertext)) if ciphertext else self._unsent
        sent = self._transport.send_nowait(ciphertext)
        if sent == len(ciphertext):
            self._unsent = b""
            return True
        self._unsent = memoryview(ciphertext)[sent:]
        return False

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``: waits until what was sent before has left, then sends all that fits."""
        while True:
            self._check_may_send()
            if self._unsent:
                await self._flush()
            else:
                await checkpoint()
            sent = self.send_nowait(data)
            if sent or not len(data):
                return sent

    async def _flush(self) -> None:
        """Wait until the transport has all ciphertext there is. Cancelled, it keeps the rest."""
        if self._is_sending:
            raise trio.BusyResourceError("another task is already sending to this stream")
        self._is_sending = True
        try:
            while unsent := self._unsent or self._engine.ciphertext():
                self._unsent = unsent
                sent = await self._transport.send_some(unsent)
                self._unsent = memoryview(unsent)[sent:]
        finally:
            self._is_sending = False

    async def send_eof(self) -> None:
        """Send a close_notify behind all that was sent; receiving goes on."""
        await checkpoint()
        if self._half is Half.FINISHED:
            return
        self._check_may_send()
        if self._unsent:
            await self._flush()
            self._check_may_send()
        self._half = after(self._half, Act.FINISH)
        self._engine.finish()
        await self._flush()

    def _check_may_send(self) -> None:
        if self._half is Half.CLOSED:
            raise trio.ClosedResourceError("this stream was closed")
        if self._half is Half.FINISHED:
            raise trio.BrokenResourceError(f"send to {self.peer}: its end was sent before")

    # The end of it.

    async def aclose(self) -> None:
        """See ``Stream``: ``close``, then a checkpoint."""
        self.close()
        await checkpoint()

    def close(self) -> None:
        """See ``Stream``: a close_notify if it fits, and FIN.

        With data unread, as on a socket, or with a record half sent, it is a reset.
        """
        if self._half is Half.CLOSED:
            return
        if self._is_cut_short():
            self.abort()
            return
        if self._half is Half.OPEN:
            self._engine.finish()
            with contextlib.suppress(trio.BrokenResourceError):
                self._push()
        self._half = after(self._half, Act.CLOSE)
        self._transport.close()

    def _is_cut_short(self) -> bool:
        """Whether data would be lost, theirs or ours."""
        try:
            if self._is_sending or (self._unsent and not self._push()):
                return True
        except trio.BrokenResourceError:
            return False  # Nothing is left to be cut.
        if not self._is_receiving and self._engine.state is State.FLOWING:
            self._pump()
        return self._engine.holds_data

    def abort(self) -> None:
        """See ``Stream``: a reset, and no close_notify, so that the peer sees a cut."""
        if self._half is not Half.CLOSED:
            self._half = after(self._half, Act.CLOSE)
        self._transport.abort()

    async def __aenter__(self) -> Self:
        """Own the stream for a block."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the stream, without a checkpoint."""
        self.close()

    def __repr__(self) -> str:
        return (
            f"<TlsStream {self._half.value}, {self._engine.state.value}, over {self._transport!r}>"
        )
