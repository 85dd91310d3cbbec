"""What is known of one server's health, as a value for people, REST and programs."""

from collections.abc import Mapping

import attrs

from trio_lb.net.env import Env
from trio_lb.policy.health import HealthMachine
from trio_lb.state.server import Server, ServerState


@attrs.frozen(slots=True, kw_only=True)
class HealthStatus:
    """A server's health at one instant.

    ``healthy`` is the effective verdict, a person's word included; a server that nobody
    probes is taken for healthy. ``state`` tells healthy, unhealthy and unknown apart.
    ``last_check`` is wall time (seconds since 1970), None before the first check.
    ``average_latency_seconds`` is the mean of the good ones among the last 20 checks.
    ``details`` are what the last check's own probe told.
    """

    healthy: bool
    state: str
    overridden: bool
    last_check: float | None
    consecutive_successes: int
    consecutive_failures: int
    average_latency_seconds: float | None
    last_error: str | None
    details: Mapping[str, object]


def status_of(server: Server, env: Env) -> HealthStatus:
    """Say how ``server`` is; whether it is draining or disabled is another matter."""
    machine = server.health
    if machine is None:
        return _NOT_PROBED
    known = machine.statistics()
    return HealthStatus(
        healthy=machine.is_usable,
        state=known.state.value,
        overridden=known.overridden,
        last_check=_wall(known.last_check_at, env),
        consecutive_successes=known.consecutive_successes,
        consecutive_failures=known.consecutive_failures,
        average_latency_seconds=known.average_latency_seconds,
        last_error=known.last_error,
        details=_last_details(machine),
    )


_NOT_PROBED = HealthStatus(
    healthy=True,
    state=ServerState.HEALTHY.value,
    overridden=False,
    last_check=None,
    consecutive_successes=0,
    consecutive_failures=0,
    average_latency_seconds=None,
    last_error=None,
    details={},
)


def _wall(at: float | None, env: Env) -> float | None:
    return None if at is None else env.wall() - (env.now() - at)


def _last_details(machine: HealthMachine) -> Mapping[str, object]:
    return machine.history[-1].result.details if machine.history else {}
