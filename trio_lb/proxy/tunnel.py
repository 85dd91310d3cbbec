"""A tunnel: bytes both ways after a 101, a half-close carried over, and one idle clock."""

import trio

from trio_lb.net.connection_pool import UpstreamConnection
from trio_lb.net.env import Stream
from trio_lb.net.inbox import LARGEST_READ, Inbox
from trio_lb.net.relay import Stalled, send_all
from trio_lb.proxy.exchange import Exchange

HALF_CLOSED_SECONDS = 30.0
"""How long the open direction may be silent once the other one ended."""


class _Tunnel:
    """Two directions, one clock: any byte either way keeps both alive."""

    def __init__(self, exchange: Exchange, scope: trio.CancelScope) -> None:
        self._exchange = exchange
        self._timeouts = exchange.context.timeouts
        self._scope = scope
        self._open = 2
        self._is_broken = False
        self._moved()

    @property
    def is_complete(self) -> bool:
        """Whether both sides ended in good order."""
        return not self._open and not self._is_broken

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
                await send_all(sink, piece, self._timeouts.write_stall)
                self._exchange.bytes_out += len(piece) * down
                self._moved()
            self._open -= 1
            self._moved()
            await sink.send_eof()
            if not self._open:
                self._scope.cancel()
        except (trio.BrokenResourceError, Stalled):
            self._is_broken = True
            self._scope.cancel()


async def tunnel(exchange: Exchange, connection: UpstreamConnection) -> bool:
    """Carry bytes both ways until both sides ended, one broke, or nothing moved for long.

    Returns whether both ended. If not, the client is cut with a reset, and the server
    should be too: what it was told may lack its end. What either side had sent early,
    right behind its head, goes first.
    """
    client = exchange.client
    async with trio.open_nursery() as nursery:
        both = _Tunnel(exchange, nursery.cancel_scope)
        nursery.start_soon(_up, both, client.inbox, connection.stream)
        await both.carry(connection.inbox, client.stream, down=True)
    exchange.cut = not both.is_complete
    return both.is_complete


async def _up(both: _Tunnel, source: Inbox, sink: Stream) -> None:
    await both.carry(source, sink, down=False)
