"""A balancer without listeners, whose two servers nobody reaches, and all that it told."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import attrs

from tests.support.world import World
from trio_lb.app import LoadBalancer, open_load_balancer
from trio_lb.model.events import Event

E = TypeVar("E", bound=Event)

LB: Final[dict[str, Any]] = {
    "servers": [
        {"id": "s1", "address": "10.0.9.9:1"},
        {"id": "s2", "address": "10.0.9.9:2"},
    ]
}


@attrs.frozen
class At:
    """The balancer and its news."""

    lb: LoadBalancer
    news: list[Event]

    def told(self, kind: type[E]) -> list[E]:
        """The events of one kind, oldest first."""
        return [event for event in self.news if isinstance(event, kind)]


@asynccontextmanager
async def open_lb(world: World, **settings: Any) -> AsyncGenerator[At, None]:
    """Open it; ``settings`` stand beside the servers, or in their place."""
    async with open_load_balancer({**LB, **settings}, env=world.env) as lb:
        news: list[Event] = []
        lb.on(Event, news.append)
        yield At(lb, news)
