"""Health as programs see it: what is known, checks on demand, a person's word."""

from collections.abc import Mapping

from trio_lb.app.household import Household
from trio_lb.control.health_status import HealthStatus
from trio_lb.model.probe_result import ProbeResult
from trio_lb.policy.health import CheckResult
from trio_lb.state.server import Server


class HealthFace:
    """``lb.health``. A server is named by its id, or by ``pool/id`` where that is not unique."""

    def __init__(self, household: Household) -> None:
        self._household = household

    def status(self) -> Mapping[str, HealthStatus]:
        """Return what is known of each server, in configured order."""
        known = self._household.checks.status()
        names = self._names(list(known))
        return {names[server]: status for server, status in known.items()}

    async def check_server(self, server_id: str) -> ProbeResult:
        """Check one server now, and let the result count.

        Raises:
          UnknownServer: there is none of that name.
          AmbiguousServer: the id stands in several pools.
        """
        server = self._household.registry.find_server(server_id)
        return _told(await self._household.checks.check(server))

    async def check_all(self) -> Mapping[str, ProbeResult]:
        """Check every server now, many at a time, and let the results count."""
        results = await self._household.checks.check_all()
        names = self._names(list(results))
        return {names[server]: _told(result) for server, result in results.items()}

    def set(self, server_id: str, *, healthy: bool | None) -> None:
        """Overrule the probes of a server until ``healthy=None`` takes that back.

        Raises:
          UnknownServer, AmbiguousServer: as ``check_server``.
        """
        household = self._household
        server = household.registry.find_server(server_id)
        pool = household.registry.pool(server.pool)
        household.follow(pool.health_override(server.id, healthy, household.now()))

    def _names(self, servers: list[Server]) -> dict[Server, str]:
        """By id alone where that says which."""
        ids = [server.id for server in servers]
        return {
            server: server.id if ids.count(server.id) == 1 else f"{server.pool}/{server.id}"
            for server in servers
        }


def _told(result: CheckResult) -> ProbeResult:
    return ProbeResult(
        result.ok, result.latency_seconds, result.details, None if result.ok else result.detail
    )
