"""A tunnel: bytes both ways after a 101, a half-close carried over, and one idle clock."""

import trio

from trio_lb.net.connection_pool import UpstreamConnection
from trio_lb.net.env import Stream
from trio_lb.net.inbox import LARGEST_READ, Inbox
from trio_lb.net.relay import Stalled, send_all
from trio_lb.proxy.exchange import Exchange

HALF_CLOSED_SECONDS = 30.0
"""How long the open direction may be silent once the other one ended."""

_SLOW_PIECE = 16 * 1024


class _Tunnel:
    """Two directions, one clock: any byte either way keeps both alive."""

    def __init__(self, exchange: Exchange, scope: trio.CancelScope) -> None:
        self._exchange = exchange
        self._timeouts = exchange.timeouts
        self._scope = scope
        self._open = 2
        self._is_broken = False
        self._moved()

    @property
    def is_orderly(self) -> bool:
        """Whether nothing broke and a side has ended: the other may be left with an end, too.

        A side that never ends is closed, not reset: what it was sent may still be under way.
        """
        return self._open < 2 and not self._is_broken

    def _moved(self) -> None:
        idle = self._timeouts.tunnel_idle
        if self._open < 2:
            idle = min(idle, HALF_CLOSED_SECONDS)
        self._scope.deadline = trio.current_time() + idle

    async def carry(self, source: Inbox, sink: Stream, *, down: bool) -> None:
        """Move bytes until the source ends; a broken side ends both directions."""
        try:
            while source.data or await source.fill():
                piece = source.take(LARGEST_READ)
                await self._send(sink, piece)
                self._exchange.bytes_out += len(piece) * down
            self._open -= 1
            self._moved()
            await sink.send_eof()
            if not self._open:
                self._scope.cancel()
        except (trio.BrokenResourceError, Stalled):
            self._is_broken = True
            self._scope.cancel()

    async def _send(self, sink: Stream, piece: bytes) -> None:
        """Send, piece by piece if the sink is slow: each byte taken is a move."""
        sent = sink.send_nowait(piece)
        self._moved()
        while sent < len(piece):
            piece = piece[sent:]
            part = piece[:_SLOW_PIECE]
            await send_all(sink, part, self._timeouts.write_stall)
            sent = len(part)
            self._moved()


async def tunnel(exchange: Exchange, connection: UpstreamConnection) -> bool:
    """Carry bytes both ways until both sides ended, one broke, or nothing moved for long.

    Returns whether it ended in good order. If not, the client is cut with a reset, and the
    server should be too: what it was told may lack its end. What either side had sent
    early, right behind its head, goes first.
    """
    client = exchange.client
    client.take_time()
    async with trio.open_nursery() as nursery:
        both = _Tunnel(exchange, nursery.cancel_scope)
        nursery.start_soon(_up, both, client.inbox, connection.stream)
        await both.carry(connection.inbox, client.stream, down=True)
    exchange.cut = not both.is_orderly
    return both.is_orderly


async def _up(both: _Tunnel, source: Inbox, sink: Stream) -> None:
    await both.carry(source, sink, down=False)
