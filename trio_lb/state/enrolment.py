"""How a server enters a pool's books, and how its health is fitted to a changed plan."""

from trio_lb.config.schema import HealthCheckConfig, PoolConfig, ServerConfig
from trio_lb.policy.health import HealthMachine, HealthState, HealthThresholds
from trio_lb.state.server import Server


def probing_of(pool: PoolConfig, config: ServerConfig) -> HealthCheckConfig:
    """Return how a server of the plan is probed: as it says itself, else as its pool says."""
    return config.health_check or pool.health_check


def new_server(pool: PoolConfig, config: ServerConfig, now: float = 0.0) -> Server:
    """Make a server that was added ``now``; where it is probed, nothing is known of it yet."""
    probing = probing_of(pool, config)
    thresholds = _thresholds(probing)
    machine = HealthMachine(pool.name, config.id, thresholds, initial=HealthState.UNKNOWN)
    return Server(pool.name, config, machine if probing.enabled else None, added_at=now)


def new_health(pool: PoolConfig, server_id: str, initial: HealthState) -> HealthMachine:
    """Make a health machine with the pool's thresholds."""
    return HealthMachine(pool.name, server_id, _thresholds(pool.health_check), initial=initial)


def fit_health(pool: PoolConfig, server: Server) -> HealthMachine | None:
    """Return the machine that the plan asks for; a server in service stays in service.

    Probes that are switched on find it healthy and must prove otherwise; switched off,
    only a person's word remains.
    """
    old, probing = server.health, probing_of(pool, server.config)
    if probing.enabled:
        machine = old or new_health(pool, server.id, HealthState.HEALTHY)
        machine.config = _thresholds(probing)
        return machine
    if old is None or not old.is_overridden:
        return None
    fresh = new_health(pool, server.id, HealthState.HEALTHY)
    fresh.restore({"override": old.snapshot()["override"]})
    return fresh


def _thresholds(config: HealthCheckConfig) -> HealthThresholds:
    return HealthThresholds(rise=config.healthy_threshold, fall=config.unhealthy_threshold)
