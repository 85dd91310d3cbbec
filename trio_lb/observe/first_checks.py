"""Notices a start into the void: every first check of a pool failed.

A balancer starts all the same, because servers often come up after it. But a wrong
address looks the same, so it says once, in one line, what it looked for and where.
"""

from collections.abc import Sequence

from trio_lb.model.events import ServerHealthChanged
from trio_lb.policy.health import HealthState
from trio_lb.state.server import Server


class FirstChecks:
    """Decides once a pool; pure."""

    def __init__(self) -> None:
        self._decided: set[str] = set()

    def observe(self, event: ServerHealthChanged, servers: Sequence[Server]) -> str | None:
        """Return the sentence at the moment at which the last of a pool's servers has failed.

        ``servers`` are those of all pools. A pool of which any server was ever healthy
        is never spoken of.
        """
        if event.pool in self._decided:
            return None
        if event.is_healthy:
            self._decided.add(event.pool)
            return None
        members = [server for server in servers if server.pool == event.pool]
        if not all(map(_failed, members)):
            return None
        self._decided.add(event.pool)
        return _sentence(event.pool, members)


def _failed(server: Server) -> bool:
    return server.health is not None and server.health.state is HealthState.UNHEALTHY


def _sentence(pool: str, members: Sequence[Server]) -> str:
    found = "; ".join(f"{each.id}: {_error(each)}" for each in members)
    return (
        f"pool '{pool}': none of its servers ({len(members)}) passed the first check ({found}); "
        "requests are answered 503 until one passes"
    )


def _error(server: Server) -> str:
    assert server.health is not None, "only a checked server fails"
    return server.health.last_error or "failed"
