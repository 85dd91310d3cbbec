"""Short ways to watch one pool in a play."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from trio_lb.control.health_checks import HealthChecks, open_health_checks
from trio_lb.control.supervisor import Supervisor
from trio_lb.model.events import Event
from trio_lb.net.env import Env
from trio_lb.state.pool import Pool


@asynccontextmanager
async def open_watch(
    pool: Pool,
    env: Env,
    publish: Callable[[Event], None],
    *,
    supervisor: Supervisor | None = None,
) -> AsyncGenerator[HealthChecks, None]:
    """Probe the pool's servers for as long as the block runs."""
    async with open_health_checks(env, publish, supervisor=supervisor) as checks:
        checks.watch(pool)
        yield checks
