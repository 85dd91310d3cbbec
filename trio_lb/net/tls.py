"""A TLS stream over any other stream: a socket, one in memory, a virtual one.

``trio.SSLStream`` has no send that doesn't wait, no staleness and no reset, and costs a
lock and two checkpoints an operation. Here the engine does the TLS (``tls_engine``), the
outbox sends whole records (``tls_outbox``), and this class moves bytes between them and
the transport. No task runs for it: whoever sends or receives does the moving.

Two rules keep the promises of ``Stream`` where TLS is not like TCP:

1. An orderly end is the peer's ``close_notify``; an end without one raises ``TlsCut``.
2. Receiving may have to send (an alert, the answer to a key update), and never waits for it.
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
from trio_lb.net.tls_outbox import TlsOutbox

_SMALLEST_READ: Final = RECORD_BYTES + RECORD_OVERHEAD
_LARGEST_READ: Final = 256 * 1024

_MOST_CHATTER: Final = 4
"""Reads without a byte of data, after which an idle connection is called stale."""


class TlsCut(trio.BrokenResourceError):
    """The transport ended, in good order, before the peer's TLS did: a cut, or a rude goodbye."""


class TlsStream:
    """TLS over ``transport``, which it owns from the end of the handshake on.

    Made by ``accept`` and ``connect``. ``send_eof`` sends a close_notify and leaves the
    transport open both ways: the peer may go on sending, as on TCP (RFC 8446, section 6.1).
    """

    __slots__ = ("_engine", "_half", "_is_receiving", "_outbox", "_transport", "local", "peer")

    def __init__(self, transport: Stream, engine: TlsEngine) -> None:
        self._transport = transport
        self._engine = engine
        self._outbox = TlsOutbox(transport, engine)
        self._half = Half.OPEN
        self._is_receiving = False
        self.peer = transport.peer
        self.local = transport.local

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
            await self._outbox.flush()
            ciphertext = await self._transport.receive_some(RECORD_BYTES)
            if not ciphertext:
                raise engine.cut()
            engine.feed(ciphertext)
        await self._outbox.flush()

    def _shake_once(self) -> bool:
        try:
            return self._engine.shake()
        except TlsError:
            self._outbox.answer()  # The alert, as far as it fits: who erred may learn why.
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
            size = min(max_bytes + RECORD_OVERHEAD, _LARGEST_READ)
            while True:
                self._feed(await self._transport.receive_some(max(size, _SMALLEST_READ)))
                if (data := self._take(max_bytes)) is not None:
                    return data
        finally:
            self._is_receiving = False

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """See ``Stream``; after a few records without data it also says that nothing has come."""
        for _ in range(_MOST_CHATTER):
            if self._engine.has_more and (data := self._take(max_bytes)) is not None:
                return data
            ciphertext = self._transport.receive_nowait(_SMALLEST_READ)
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
                self._outbox.answer()

    def is_stale(self) -> bool:
        """See ``Stream``. Session tickets and key updates are taken in and make nothing stale."""
        if self._half is Half.CLOSED or self._outbox.unsent:
            return True
        if not self._engine.has_more and not self._transport.is_stale():
            return False
        # A task that waits for bytes must not have them taken away from under it.
        return self._is_receiving or self._pump()

    def _pump(self) -> bool:
        """Take in what has arrived, and return whether a receiver would see any of it."""
        for _ in range(_MOST_CHATTER):
            if self._engine.look():
                return True
            try:
                ciphertext = self._transport.receive_nowait(_SMALLEST_READ)
            except trio.BrokenResourceError:
                return True
            if ciphertext is None:
                return False
            self._feed(ciphertext)
        return True

    # Sending.

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``; who was told less than all goes on with the rest, or ends the stream."""
        self._check_may_send()
        return self._outbox.send_nowait(data)

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``: waits until what was sent before has left, then sends all that fits."""
        while True:
            self._check_may_send()
            if self._outbox.unsent:
                await self._outbox.flush()
            else:
                await checkpoint()
            sent = self.send_nowait(data)
            if sent or not len(data):
                return sent

    async def send_eof(self) -> None:
        """Send a close_notify behind all that was sent; receiving goes on."""
        await checkpoint()
        if self._half is Half.FINISHED:
            return
        self._check_may_send()
        await self._outbox.flush()
        self._check_may_send()
        self._half = after(self._half, Act.FINISH)
        self._engine.finish()
        await self._outbox.flush()

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
                self._outbox.push()
        self._half = after(self._half, Act.CLOSE)
        self._transport.close()

    def _is_cut_short(self) -> bool:
        """Whether data would be lost, theirs or ours."""
        try:
            if self._outbox.is_cut_short:
                return True
        except trio.BrokenResourceError:
            return False  # Nothing is left to be cut.
        if not self._is_receiving and self._engine.state is State.FLOWING:
            self._pump()  # Else a ticket that nobody read would make a reset of the close.
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
        half, state = self._half.value, self._engine.state.value
        return f"<TlsStream {half}, {state}, over {self._transport!r}>"
