"""The statistics block of requirement 004: what stands on standard output now and then.

Pure formatting. A server's number in brackets is its place in the configuration.
"""

from collections.abc import Sequence

from trio_lb.state.ledger import ServerStatistics, Statistics
from trio_lb.state.server import Server, ServerState

_TITLE = "=== Load Balancer Stats ==="
_END = "=" * 28


def format_block(statistics: Statistics, servers: Sequence[Server]) -> str:
    """Return the block, each line with its end.

    ``servers`` are those that ``statistics`` speaks of, in the same order.
    """
    counted = zip(servers, statistics.server_stats, strict=True)
    lines = [
        _TITLE,
        f"Total Active Connections: {statistics.active_connections}",
        *(_line(index, server, stats) for index, (server, stats) in enumerate(counted)),
        _END,
    ]
    return "".join(f"{line}\n" for line in lines)


def _line(index: int, server: Server, stats: ServerStatistics) -> str:
    """Total counts requests sent (attempts), not probes; Failed those that went wrong there."""
    return (
        f"Backend[{index}] {server.address}: Status={_status(server)}, "
        f"Active={stats.active_connections}, Total={stats.requests}, Failed={stats.failures}"
    )


def _status(server: Server) -> str:
    """An ejected server may pass its probes and still get nothing: here that is unhealthy."""
    if server.state is ServerState.HEALTHY and not server.is_usable:
        return ServerState.UNHEALTHY.upper()
    return server.state.upper()
