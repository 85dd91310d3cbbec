"""Request accounting: every request that was accepted ends exactly once, as one of two.

A request counts once, whatever its attempts. It failed when its final answer was a
server's status >= 500, when the answer was an error of ours, or when the client was
gone before the end; else it was successful, also when only a retry saved it. Probes
and admin calls never come here.

The law, at every instant: accepted == successful + failed + active. It holds by
construction, because `active` is what the other three leave over.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from trio_lb.model.errors import IllegalTransition
from trio_lb.state.server import Server

NEVER_SENT: Final = 0
"""The status of a request whose client was gone, or cut, before a status was sent."""


@attrs.frozen(slots=True, kw_only=True)
class ServerStatistics:
    """One server's counts at an instant.

    ``requests`` and ``failures`` are attempts; ``responses`` the requests that ended
    with this server's answer, which took ``response_time_sum_seconds`` together.
    """

    pool: str
    server_id: str
    requests: int
    failures: int
    responses: int
    response_time_sum_seconds: float
    active_connections: int

    @property
    def success_rate(self) -> float:
        """The share of attempts that did not count against the server; 1.0 before the first."""
        return 1.0 - self.failures / self.requests if self.requests else 1.0

    @property
    def average_response_time_seconds(self) -> float:
        """The mean over its responses; 0.0 before the first."""
        return self.response_time_sum_seconds / self.responses if self.responses else 0.0

    def merge(self, other: "ServerStatistics") -> "ServerStatistics":
        """Add what another process counted for the same server."""
        return attrs.evolve(
            self,
            requests=self.requests + other.requests,
            failures=self.failures + other.failures,
            responses=self.responses + other.responses,
            response_time_sum_seconds=(
                self.response_time_sum_seconds + other.response_time_sum_seconds
            ),
            active_connections=self.active_connections + other.active_connections,
        )


@attrs.frozen(slots=True, kw_only=True)
class Statistics:
    """The balancer's counts at an instant: a value, to be merged over processes.

    ``active_connections`` counts requests and tunnels that have not ended. It keeps
    sums rather than means, so that merging loses nothing.
    """

    total_requests: int = 0
    successful_requests: int = 0
    failed_requests: int = 0
    active_connections: int = 0
    response_time_sum_seconds: float = 0.0
    server_stats: tuple[ServerStatistics, ...] = ()

    @property
    def average_response_time_seconds(self) -> float:
        """The mean from head read to last byte sent, over ended requests; 0.0 before the first.

        A tunnel's last byte is that of its 101: how long it stands is no response time.
        """
        ended = self.successful_requests + self.failed_requests
        return self.response_time_sum_seconds / ended if ended else 0.0

    def merge(self, other: "Statistics") -> "Statistics":
        """Add what another process counted; servers are the same by pool and id."""
        return Statistics(
            total_requests=self.total_requests + other.total_requests,
            successful_requests=self.successful_requests + other.successful_requests,
            failed_requests=self.failed_requests + other.failed_requests,
            active_connections=self.active_connections + other.active_connections,
            response_time_sum_seconds=(
                self.response_time_sum_seconds + other.response_time_sum_seconds
            ),
            server_stats=_merged(self.server_stats, other.server_stats),
        )


class Ledger:
    """Counts requests. Synchronous, in whole numbers; one for each balancer."""

    __slots__ = ("failed", "response_time_sum", "successful", "total")

    def __init__(self) -> None:
        self.total = 0
        self.successful = 0
        self.failed = 0
        self.response_time_sum = 0.0

    @property
    def active(self) -> int:
        """Requests that were accepted and have not ended."""
        return self.total - self.successful - self.failed

    def accepted(self) -> None:
        """A request's head was read, or refused with an answer: it will end exactly once."""
        self.total += 1

    def ended(
        self, status: int, error: str | None, seconds: float, server: Server | None = None
    ) -> None:
        """A request ended: with ``status`` (NEVER_SENT if none), after ``seconds`` in all.

        ``error`` is the record's short code, None for a relayed answer; ``server`` is
        the one whose answer was relayed, None when the answer was ours.

        Raises:
          IllegalTransition: nothing was active.
        """
        if error is None and NEVER_SENT < status < 500:
            self.successful += 1
        else:
            self.failed += 1
        self.response_time_sum += seconds
        if server is not None:
            server.responses += 1
            server.response_time_sum += seconds
        if self.successful + self.failed > self.total:
            raise IllegalTransition("more requests ended than were accepted")

    def statistics(self, servers: Iterable[Server] = ()) -> Statistics:
        """Return the present counts, with those of ``servers``."""
        return Statistics(
            total_requests=self.total,
            successful_requests=self.successful,
            failed_requests=self.failed,
            active_connections=self.active,
            response_time_sum_seconds=self.response_time_sum,
            server_stats=tuple(map(_statistics_of, servers)),
        )


def _statistics_of(server: Server) -> ServerStatistics:
    return ServerStatistics(
        pool=server.pool,
        server_id=server.id,
        requests=server.requests,
        failures=server.failures,
        responses=server.responses,
        response_time_sum_seconds=server.response_time_sum,
        active_connections=server.active_connections,
    )


def _merged(
    ours: Sequence[ServerStatistics], theirs: Sequence[ServerStatistics]
) -> tuple[ServerStatistics, ...]:
    """One entry a server, in the order of first mention."""
    merged: dict[tuple[str, str], ServerStatistics] = {}
    for each in (*ours, *theirs):
        key = each.pool, each.server_id
        merged[key] = merged[key].merge(each) if key in merged else each
    return tuple(merged.values())
