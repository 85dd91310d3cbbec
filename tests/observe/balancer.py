"""A running balancer without listeners, to publish events on."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from trio_lb.app import LoadBalancer, Service, open_load_balancer
from trio_lb.sim.env import SimEnv

CONFIG = {
    "listeners": [{"bind": "127.0.0.1:8000"}],
    "servers": [{"id": "s1", "address": "127.0.0.1:9001"}],
}


@asynccontextmanager
async def serving(env: SimEnv, *services: Service) -> AsyncGenerator[LoadBalancer, None]:
    """The balancer with its services."""
    async with open_load_balancer(CONFIG, env=env, services=services) as lb:
        yield lb
