"""When a balancer dies: what a check knows of it is void, since the next one begins anew."""

from collections.abc import Callable, Mapping
from typing import Final

from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What

DEADLY: Final = frozenset(("crash", "restart"))
"""Kinds of fault at which a host's program ends at once, whatever it was doing."""
OPENED: Final = "listener_opened"
"""The first news of a balancer that lives (again)."""


class Rebirth:
    """Calls ``forget(balancer, None)`` when one is killed by a fault, and when it lives again.

    (The second argument is ``dict.pop``'s default, so that this method can be given.)
    """

    __slots__ = ("_forget", "_lives", "_world", "ears")

    def __init__(self, forget: Callable[[str, None], object]) -> None:
        self._forget = forget
        self._lives: dict[str, int] = {}
        self._world: World | None = None
        # For the check that has it, which may put an ear of its own before one of these.
        self.ears: Mapping[What, Ear] = {What.INJECT: self._hit, What.NEWS: self._news}

    def begin(self, world: World) -> None:
        """Take the world: it knows balancers, and how often each has lived."""
        self._world = world

    def _news(self, happening: Happening) -> None:
        if happening.values[0] != OPENED or self._world is None:
            return
        balancer = self._world.balancers.get(happening.entity)
        # A reload may open a listener, too; then it is the same life.
        if balancer is not None and self._lives.get(happening.entity) != balancer.lives:
            self._lives[happening.entity] = balancer.lives
            self._forget(happening.entity, None)

    def _hit(self, happening: Happening) -> None:
        name = None if self._world is None else balancer_hit(happening, self._world)
        if name is not None:
            self._forget(name, None)


def balancer_hit(injected: Happening, world: World) -> str | None:
    """Return the balancer that a fault kills, if it does."""
    if injected.values[0] not in DEADLY:
        return None
    # The target is a name, or a sort and a name: ``lb``, ``host:lb``.
    name = injected.entity.rpartition(":")[2]
    return name if name in world.balancers else None
