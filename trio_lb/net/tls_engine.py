"""TLS without I/O: ciphertext goes in and out, plaintext comes out and goes in.

What has come of the peer's half::

    SHAKING --SHAKEN--> FLOWING --END--> ENDED
       |                   |
       '-------BREAK-------+--BREAK--> BROKEN

Rule 1: the state changes only in ``_take_signal``, only as TRANSITIONS says.
Rule 2: an end is the peer's ``close_notify`` and nothing else. Whoever sees the transport
end calls ``cut``, and what was cut stays BROKEN: a truncated body never looks whole.
Rule 3: nothing is buffered without a bound. What was fed is either taken as plaintext or
less than one record; the caller feeds only when ``take`` found nothing.
"""

import ssl
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

from trio_lb.model.errors import IllegalTransition
from trio_lb.net.tls_faults import TlsError, TlsFault, tls_error

RECORD_BYTES: Final = 16 * 1024
"""The most plaintext in one record (RFC 8446, section 5.1)."""

RECORD_OVERHEAD: Final = 256 + 5
"""The most that a record's ciphertext is longer than its plaintext, header included."""

_SLICE: Final = RECORD_BYTES + RECORD_OVERHEAD
"""How much OpenSSL is given at once: its buffers grow with that, and never shrink again."""

_NOTHING: Final = memoryview(b"")
"""An empty rest of a view would keep all of what it is the rest of."""


class State(Enum):
    """How far the peer's half has come."""

    SHAKING = "shaking hands"
    FLOWING = "flowing"
    ENDED = "ended"
    BROKEN = "broken"


class Signal(Enum):
    """What was seen of it."""

    SHAKEN = "shaken"
    END = "end"
    BREAK = "break"


TRANSITIONS: Final[Mapping[State, Mapping[Signal, State]]] = {
    State.SHAKING: {Signal.SHAKEN: State.FLOWING, Signal.BREAK: State.BROKEN},
    State.FLOWING: {Signal.END: State.ENDED, Signal.BREAK: State.BROKEN},
    State.ENDED: {},
    State.BROKEN: {},
}


class Session(ssl.SSLObject):
    """OpenSSL's session, with the name that the client asked for (SNI), if it did."""

    asked_name: str | None = None


class TlsEngine:
    """One connection's TLS. ``has_more`` says that ``take`` may find something unfed.

    Two buffers in memory stand where OpenSSL expects a socket. ``early`` plaintext was
    decrypted before somebody wanted it: by a ``look``, or to end our half.
    """

    __slots__ = (
        "_early",
        "_fault",
        "_fed",
        "_incoming",
        "_outgoing",
        "has_more",
        "session",
        "state",
    )

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_name: str | None = None,
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.session = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name
        )
        self.state = State.SHAKING
        self.has_more = False
        self._early = _NOTHING
        self._fed = _NOTHING
        self._fault = TlsError(TlsFault.CUT, "the connection ended without a close_notify")

    def _take_signal(self, signal: Signal) -> None:
        after = TRANSITIONS[self.state].get(signal)
        if after is None:
            raise IllegalTransition(f"{signal.value} is no news when TLS has {self.state.value}")
        self.state = after

    # Ciphertext.

    def feed(self, ciphertext: bytes) -> None:
        """Give what the transport received."""
        self.has_more = True
        if self._fed:
            ciphertext = bytes(self._fed) + ciphertext
        self._fed = memoryview(ciphertext)
        self._pour()

    def _pour(self) -> None:
        """Keep a whole record within OpenSSL's reach, and little more."""
        if self._incoming.pending < _SLICE:
            self._incoming.write(self._fed[:_SLICE])
            self._fed = self._fed[_SLICE:] or _NOTHING

    @property
    def output_bytes(self) -> int:
        """How much waits to be sent: data, an alert, a part of a handshake."""
        return self._outgoing.pending

    @property
    def asked_name(self) -> str | None:
        """The name that the client asked for (SNI), as the server heard it."""
        return self.session.asked_name if isinstance(self.session, Session) else None

    @property
    def holds_data(self) -> bool:
        """Whether plaintext was decrypted that nobody took."""
        return bool(self._early)

    def ciphertext(self) -> bytes:
        """Take what is to be sent; b"" if there is nothing."""
        return self._outgoing.read()

    def cut(self) -> TlsError:
        """Say that the transport ended, and return why that is a fault."""
        if self.state is State.SHAKING:
            self._fault = TlsError(TlsFault.CUT, "the connection ended amid the handshake")
        self._take_signal(Signal.BREAK)
        self.has_more = True
        return self._fault.again()

    # The handshake.

    def shake(self) -> bool:
        """Go on with the handshake; True when it is done.

        Raises:
          TlsError: it failed; an alert to the peer may wait to be sent.
        """
        try:
            self.session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise self._break(error) from error
        self._take_signal(Signal.SHAKEN)
        self.has_more = self._incoming.pending > 0
        return True

    # Plaintext.

    def take(self, max_bytes: int) -> bytes | None:
        """Return 1..``max_bytes`` that were decrypted, b"" at the peer's end, None: feed more.

        Everything that was fed is decrypted at once if it fits: one record, or sixteen.

        Raises:
          TlsError: what came was no TLS, or an alert; it is the same error ever after.
        """
        if self._early:
            return self._take_early(max_bytes)
        data = self._read(max_bytes)
        if data is None or not self.has_more or len(data) == max_bytes:
            return data
        return data + self._read_all(max_bytes - len(data)) if data else data

    def _read_all(self, max_bytes: int) -> bytes:
        """What more was fed, up to the end or a fault, which stay to be told by themselves."""
        parts = []
        try:
            while max_bytes and self.has_more and (part := self._read(max_bytes)):
                parts.append(part)
                max_bytes -= len(part)
        except TlsError:
            pass  # ``state`` keeps it.
        return b"".join(parts)

    def _take_early(self, max_bytes: int) -> bytes:
        taken = bytes(self._early[:max_bytes])
        self._early = self._early[max_bytes:] or _NOTHING
        self.has_more = bool(self._early) or self._holds_input()
        return taken

    def _read(self, max_bytes: int) -> bytes | None:
        """One record, or what is left of one."""
        if self.state is not State.FLOWING:
            return self._read_no_more()
        if self._fed:
            self._pour()
        size = min(max_bytes, RECORD_BYTES)  # OpenSSL's buffer is as large as what is asked for.
        try:
            data = self.session.read(size)
        except ssl.SSLWantReadError:
            self.has_more = False
            return None
        except ssl.SSLZeroReturnError:
            data = b""
        except ssl.SSLError as error:
            raise self._break(error) from error
        if not data:
            self._take_signal(Signal.END)
        more = bool(self._fed) or self._incoming.pending > 0
        self.has_more = more or not data or len(data) == size
        return data

    def _read_no_more(self) -> bytes:
        self.has_more = True
        if self.state is State.BROKEN:
            raise self._fault.again()
        return b""

    def _holds_input(self) -> bool:
        return bool(self._fed) or self._incoming.pending > 0 or self.session.pending() > 0

    def look(self) -> bool:
        """Whether ``take`` would return or raise something; it stays there to be taken."""
        if not self._early and self.state is State.FLOWING:
            try:
                self._early = memoryview(self._read(RECORD_BYTES) or b"")
            except TlsError:
                return True
            self.has_more = self.has_more or bool(self._early)
        return bool(self._early) or self.state is not State.FLOWING

    def encrypt(self, data: bytes | bytearray | memoryview) -> bytes:
        """Encrypt all of ``data``, and return all ciphertext that is to be sent.

        Raises:
          TlsError: this connection's TLS has failed before.
        """
        try:
            if len(data) <= RECORD_BYTES:
                self.session.write(data)
                return self._outgoing.read()
            return b"".join(self._records(memoryview(data)))
        except ssl.SSLError as error:
            raise tls_error(error) from error

    def _records(self, data: memoryview) -> Iterator[bytes]:
        for begin in range(0, len(data), RECORD_BYTES):
            self.session.write(data[begin : begin + RECORD_BYTES])
            yield self._outgoing.read()

    def finish(self) -> None:
        """Say with a close_notify that we send no more. Without a good handshake: nothing."""
        if self.state is State.SHAKING or self.state is State.BROKEN:
            return
        self._decrypt_all()
        try:
            self.session.unwrap()
        except ssl.SSLError:
            return  # It is said; OpenSSL would only like to hear the same from the peer.
        if self.state is State.FLOWING:
            self._take_signal(Signal.END)

    def _decrypt_all(self) -> None:
        """Keep data that came already: behind our close_notify OpenSSL would call it a fault."""
        self.has_more = True
        rest = self._read_all(sys.maxsize) if self.state is State.FLOWING else b""
        self._early = memoryview(bytes(self._early) + rest)
        self.has_more = bool(self._early) or self.state is not State.FLOWING

    def _break(self, error: ssl.SSLError) -> TlsError:
        self._fault = tls_error(error)
        self._take_signal(Signal.BREAK)
        self.has_more = True
        return self._fault.again()
