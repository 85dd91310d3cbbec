"""Short ways to say what plays about pools need: plans, outcomes, checks."""

from collections.abc import Sequence
from random import Random
from typing import Any

from trio_lb.config.schema import HealthCheckConfig, PoolConfig, ServerConfig
from trio_lb.model.address import Address
from trio_lb.model.events import Event, ServerEvent
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.policy.balance.base import Context
from trio_lb.policy.health import CheckResult
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server

GOOD = CheckResult(ok=True, latency_seconds=0.002)
BAD = CheckResult(ok=False, detail="connect refused", refused=True)
ILL = CheckResult(ok=False, detail="status 500")

OK = Outcome(OutcomeKind.ANSWERED, 200)
NOT_FOUND = Outcome(OutcomeKind.ANSWERED, 404)
ERROR = Outcome(OutcomeKind.ANSWERED, 500)
REFUSED = Outcome(OutcomeKind.CONNECT_REFUSED, sent=False)
TIMEOUT = Outcome(OutcomeKind.TIMEOUT)
STALE = Outcome(OutcomeKind.STALE)
ABANDONED = Outcome(OutcomeKind.ABANDONED)


def server(number: int, **knobs: Any) -> ServerConfig:
    """Server ``s1`` is at 10.0.0.1:80, and so on."""
    knobs.setdefault("id", f"s{number}")
    knobs.setdefault("address", Address(f"10.0.0.{number}", 80))
    return ServerConfig(**knobs)


def plan(count: int = 3, *, probes: bool = False, **knobs: Any) -> PoolConfig:
    """A plan of the pool ``api``."""
    knobs.setdefault("name", "api")
    knobs.setdefault("servers", tuple(map(server, range(1, count + 1))))
    knobs.setdefault("health_check", HealthCheckConfig(enabled=probes))
    return PoolConfig(**knobs)


def pool_of(config: PoolConfig) -> Pool:
    """A pool at instant 0, with probed servers not checked yet."""
    pool = Pool(config.name)
    pool.apply(config, 0.0)
    return pool


def probed_pool(count: int = 3, **knobs: Any) -> Pool:
    """A pool whose servers all passed their first check at instant 0."""
    pool = pool_of(plan(count, probes=True, **knobs))
    for each in pool.servers():
        pool.checked(each, GOOD, 0.0)
    return pool


def member(pool: Pool, server_id: str) -> Server:
    """The server of that id, which must be there."""
    found = pool.get_server(server_id)
    assert found is not None
    return found


def picks(pool: Pool, seed: int = 0) -> list[str]:
    """The whole order of one request."""
    return [each.id for each in pool.order(Context(), Random(seed))]


def usable(pool: Pool) -> list[str]:
    """Ids of the servers that take requests, first tier first."""
    return [each.id for each in pool.usable]


def brief(told: Sequence[Event]) -> list[str]:
    """Events as ``name id`` or ``name``."""
    return [f"{e.name} {e.server_id}" if isinstance(e, ServerEvent) else e.name for e in told]


def eject(pool: Pool, server_id: str, now: float) -> Sequence[Event]:
    """Let one server fail five times between two successes of each other one."""
    victim = member(pool, server_id)
    told = list(pool.observe(victim, ERROR, now))
    for other in pool.usable:
        if other is not victim:
            pool.observe(other, OK, now)
    for _ in range(4):
        told += pool.observe(victim, ERROR, now)
    return told
