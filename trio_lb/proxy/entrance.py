"""What a connection passes before its protocol begins: a PROXY header, a TLS handshake.

    accept -> [PROXY header] -> [TLS handshake] -> HTTP or TCP

A listener that wants neither has no entrance, and its connections pay for none.
Whoever fails here is told nothing (nothing that it would understand was agreed on):
the connection is closed, counted and logged at a throttle, before a byte of it
could reach a server.
"""

import logging
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Final, Protocol

import trio

from trio_lb.net.env import Stream
from trio_lb.net.haste import hurried
from trio_lb.net.proxy_header import Version
from trio_lb.net.relay import linger
from trio_lb.proxy.answer_out import error_answer
from trio_lb.proxy.context import ProxyContext

if TYPE_CHECKING:
    from trio_lb.net.certificates import ServerTls

_LOG_PAUSE_SECONDS: Final = 1.0
_LAST_WORDS_SECONDS: Final = 1.0

_log = logging.getLogger("trio_lb.listener")


class Believes(Protocol):
    """Whether the peer with this literal address may speak for its clients."""

    def covers(self, host: str) -> bool:
        """Whether it is trusted."""
        ...


class NotAdmitted(Exception):
    """A connection that failed in the entrance; ``code`` is short and counted."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Entrance:
    """One listener's entrance. ``refused`` counts who failed, by code."""

    def __init__(
        self,
        context: ProxyContext,
        *,
        versions: Collection[Version] = (),
        believes: Believes | None = None,
        tls: "ServerTls | None" = None,
    ) -> None:
        """Ask for a PROXY header of these ``versions`` (none: do not), then for TLS.

        ``believes`` None takes the header of every peer.
        """
        self._context = context
        self._versions = versions
        self._believes = believes
        self._tls = tls
        self.refused: Counter[str] = Counter()
        self._quiet_until = 0.0
        self._unsaid = 0

    @property
    def asks_who(self) -> bool:
        """Whether only a PROXY header says who a client is."""
        return bool(self._versions)

    @property
    def is_encrypted(self) -> bool:
        """Whether nothing can be said to a client before its TLS handshake."""
        return self._tls is not None

    async def pass_through(self, stream: Stream) -> Stream | None:
        """Return the stream as the protocol sees it, or None: it was refused and is closed."""
        peer = stream.peer
        try:
            if self._versions:
                stream = await self._identify(stream)
            if self._tls is not None:
                stream = await self._encrypt(stream, self._tls)
        except NotAdmitted as error:
            stream.abort()
            self._tell(str(peer), error)
            return None
        except trio.BrokenResourceError:
            stream.close()
            self.refused["left"] += 1
            return None
        except BaseException:
            stream.abort()
            raise
        return stream

    async def _identify(self, stream: Stream) -> Stream:
        from trio_lb.net.proxy_protocol import HeaderRefused, read_proxy_header

        if self._believes is not None and not self._believes.covers(stream.peer.host):
            raise NotAdmitted("untrusted_peer", "it may not send a PROXY header")
        with trio.move_on_after(self._context.timeouts.client_head):
            try:
                return await read_proxy_header(stream, self._versions)
            except HeaderRefused as error:
                raise NotAdmitted("proxy_header", str(error)) from error
        seconds = self._context.timeouts.client_head
        raise NotAdmitted("proxy_header_timeout", f"no whole PROXY header within {seconds:g} s")

    async def _encrypt(self, stream: Stream, tls: "ServerTls") -> Stream:
        from trio_lb.net.tls import TlsStream  # Only who speaks TLS loads it.
        from trio_lb.net.tls_faults import TlsError, TlsFault

        deadline = trio.current_time() + self._context.timeouts.tls_handshake
        try:
            in_time = hurried(self._context.env, "tls_handshake", deadline)
            return await TlsStream.accept(stream, tls, deadline=in_time)
        except TlsError as error:
            fault = error
        if fault.kind is TlsFault.HTTP_REQUEST:
            await self._say_it_is_tls(stream)
        raise NotAdmitted(f"tls_{fault.kind.value}", str(fault)) from fault

    async def _say_it_is_tls(self, stream: Stream) -> None:
        """Answer plain HTTP where TLS is spoken: nothing was sent, so it will be understood."""
        context = self._context
        answer = error_answer(
            400,
            "tls_expected",
            "this port speaks TLS: ask with https://",
            request_id=context.env.token(16),
            date=context.date_line(),
        )
        stream.send_nowait(answer)
        await linger(stream, _LAST_WORDS_SECONDS)

    def _tell(self, peer: str, error: NotAdmitted) -> None:
        """Log at most one line a second: a scan must not fill the disk."""
        self.refused[error.code] += 1
        now = self._context.env.now()
        if now < self._quiet_until:
            self._unsaid += 1
            return
        more = f" (and {self._unsaid} more)" if self._unsaid else ""
        _log.info("connection from %s refused: %s: %s%s", peer, error.code, error, more)
        self._quiet_until, self._unsaid = now + _LOG_PAUSE_SECONDS, 0
