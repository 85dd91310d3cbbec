"""A tunnel: what an HTTP connection becomes after a 101, bytes both ways and one idle clock."""

from typing import Final

from trio_lb.net.bridge import CLIENT_KNOWS, SERVER_KNOWS, Bridge, State
from trio_lb.net.connection_pool import UpstreamConnection
from trio_lb.net.inbox import Inbox
from trio_lb.proxy.exchange import Exchange

HALF_CLOSED_SECONDS: Final = 30.0
"""How long the open direction may be silent once the other one ended."""


async def tunnel(exchange: Exchange, connection: UpstreamConnection) -> bool:
    """Carry bytes both ways until both sides ended, one broke, or nothing moved for long.

    Returns whether the server was told that the client ended; if not, it should be cut with
    a reset, as the client is that was not told of the server's end. What either side had
    sent early, right behind its head, goes first.
    """
    exchange.client.take_time()
    bridge = bridge_of(exchange, exchange.client.inbox, connection.inbox)
    try:
        state = await bridge.run()
    finally:
        exchange.bytes_out += bridge.bytes_down
    exchange.cut = state not in CLIENT_KNOWS
    return state in SERVER_KNOWS


def bridge_of(exchange: Exchange, client: Inbox, server: Inbox) -> Bridge:
    """Return the bridge for what both sides say, with the times that count for ``exchange``."""
    idle = exchange.timeouts.tunnel_idle
    half_closed = min(idle, HALF_CLOSED_SECONDS)
    return Bridge(
        client,
        server,
        silence={
            State.OPEN: idle,
            State.CLIENT_DONE: half_closed,
            State.SERVER_DONE: half_closed,
        },
        stall_seconds=exchange.timeouts.write_stall,
    )
