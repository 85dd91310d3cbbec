"""A running balancer without listeners, to publish events on."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from trio_lb.app import LoadBalancer, Service, open_load_balancer
from trio_lb.sim.env import SimEnv

CONFIG = {
    "servers": [{"id": "s1", "address": "127.0.0.1:9001"}],
}


@asynccontextmanager
async def serving(
    env: SimEnv, *services: Service, protocol: str = "http"
) -> AsyncGenerator[LoadBalancer, None]:
    """The balancer with its services."""
    listener = {"bind": "127.0.0.1:8000", "protocol": protocol}
    plan = {**CONFIG, "listeners": [listener]}
    async with open_load_balancer(plan, env=env, services=services) as lb:
        yield lb
