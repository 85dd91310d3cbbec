"""A WebSocket probe: a handshake, a ping that must come back, and a goodbye.

A server that answers 101 and then hangs passes no ping; one that closes at once passes
none either. The protocol is trio-websocket's, over a stream of ours. That library waits
for ever when the peer hangs up before the handshake or the pong, so the stream tells us
about its end itself (``_Line``).
"""

import re
from collections.abc import Callable
from typing import Final

import trio
from trio_websocket import WebSocketConnection, wrap_client_stream

from trio_lb.config.schema import ProbeConfig
from trio_lb.control.http_probe import headers_of
from trio_lb.model.address import Address
from trio_lb.model.probe_result import ProbeResult
from trio_lb.net.env import Stream
from trio_lb.net.trio_stream import TrioStream

PAYLOAD: Final = b"trio-lb"
"""What the ping carries and the pong must carry back (RFC 6455 section 5.5.3)."""
GOODBYE_SECONDS: Final = 0.5
"""How long the server may take to answer our Close; the verdict does not wait for it."""
_HANDSHAKE: Final = frozenset({"host", "connection", "upgrade", "content-length"})
"""Fields that the handshake itself says, or that must not stand in one."""
_HTTP: Final = b"HTTP/1."
_FINAL: Final = re.compile(rb"HTTP/1\.\d ([2-9]\d\d)")
_STATUS_BYTES: Final = len(b"HTTP/1.1 200")


async def ask(
    stream: Stream, address: Address, config: ProbeConfig, *, started_at: float
) -> ProbeResult:
    """Shake hands for ``config.path`` and ping; whatever the server does is a result.

    ``latency_seconds`` runs from ``started_at`` to the pong: the goodbye is not in it.
    """
    return await _Asking(stream, address, config, started_at).run()


class _Line(TrioStream):
    """A stream that calls ``on_end`` as soon as nothing more is to be hoped of it."""

    def __init__(self, stream: Stream, on_end: Callable[[str], None]) -> None:
        super().__init__(stream)
        self._on_end = on_end
        self._start = b""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """See ``TrioStream``. A refusal ends it, too: the library would read its whole body."""
        try:
            data = await super().receive_some(max_bytes)
        except trio.BrokenResourceError:
            self._on_end("connection reset")
            raise
        if not data:
            self._on_end("closed in mid-talk" if self._start else "closed without an answer")
        if len(self._start) < _STATUS_BYTES:
            self._start = (self._start + data)[:_STATUS_BYTES]
            self._look_at_start()
        return data

    def _look_at_start(self) -> None:
        if not self._start.startswith(_HTTP[: len(self._start)]):
            self._on_end("not HTTP")
        elif refusal := _FINAL.match(self._start):
            self._on_end(f"status {refusal[1].decode()}")

    async def aclose(self) -> None:
        """Close it. The library does so in the middle when it can't make sense of what came."""
        self._on_end("not a WebSocket")
        await super().aclose()


class _Asking:
    """One probe. ``_result`` is set once, by whatever decides first."""

    def __init__(
        self, stream: Stream, address: Address, config: ProbeConfig, started_at: float
    ) -> None:
        self._started_at = started_at
        self._address = address
        self._config = config
        self._line = _Line(stream, self._fail)
        self._scope = trio.CancelScope()
        self._result: ProbeResult | None = None

    async def run(self) -> ProbeResult:
        with self._scope:
            try:
                async with trio.open_nursery() as nursery:
                    await self._talk(nursery)
                    nursery.cancel_scope.cancel()
            except* Exception:
                # What the library raises on bytes that make no sense to it is no fixed list
                # (wsproto's errors, h11's); no server may end our task with any of them.
                self._fail("not a WebSocket")
        assert self._result is not None
        return self._result

    async def _talk(self, nursery: trio.Nursery) -> None:
        websocket = await wrap_client_stream(
            nursery,
            self._line,  # type: ignore[arg-type] # It takes any trio.abc.Stream, says its text.
            headers_of(self._address, self._config)["host"][1],
            self._config.path,
            extra_headers=self._extra_headers(),
        )
        await websocket.ping(PAYLOAD)
        self._decide(ProbeResult(True, trio.current_time() - self._started_at))
        await _part(websocket)

    def _extra_headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (name.encode("ascii"), value.encode("latin-1"))
            for lower, (name, value) in headers_of(self._address, self._config).items()
            if lower not in _HANDSHAKE and not lower.startswith("sec-websocket-")
        ]

    def _fail(self, wrong: str) -> None:
        """Name what is wrong, unless the verdict stands; then nothing is left to wait for."""
        self._decide(ProbeResult(False, error=wrong))
        self._scope.cancel()

    def _decide(self, result: ProbeResult) -> None:
        self._result = self._result or result


async def _part(websocket: WebSocketConnection) -> None:
    """Say goodbye and wait a little for the answer: never so long that the check times out."""
    now = trio.current_time()
    left_seconds = trio.current_effective_deadline() - now
    with trio.move_on_at(now + min(GOODBYE_SECONDS, left_seconds / 2)):
        await websocket.aclose()
