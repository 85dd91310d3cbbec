"""Carried: clients whose requests no balancer reads, since a tcp listener takes their bytes along.

What a server says there reaches the client as it is. Under a fault that makes a server say what
it should not, that is nobody else's doing: a law on what clients hear has no say then.
"""

from collections.abc import Mapping

from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What


class Carried:
    """Whose requests balancers read; who has it hears its ``ears`` as well."""

    __slots__ = ("_is_faulty", "_read", "_tried")

    def __init__(self) -> None:
        self._is_faulty = False
        self._read: set[str] = set()
        self._tried: dict[int, str] = {}  # By whom, of those whom no balancer has read yet.

    @property
    def ears(self) -> Mapping[What, Ear]:
        """For the check that has it."""
        return {What.TRY: self._asked, What.START: self._started, What.INJECT: self._injected}

    def excuses(self, client: str, world: World) -> bool:
        """Whether what came to ``client`` may be its server's own word, spoilt by a fault.

        Without a balancer nothing is carried: there a program answers for what it says.
        """
        return self._is_faulty and client not in self._read and len(world.balancers) > 0

    def _asked(self, happening: Happening) -> None:
        if happening.entity not in self._read:
            self._tried[happening.req] = happening.entity

    def _started(self, happening: Happening) -> None:
        if self._tried:
            client = self._tried.pop(happening.req, "")
            if client:
                self._read.add(client)
                self._tried = {req: of for req, of in self._tried.items() if of != client}

    def _injected(self, happening: Happening) -> None:
        self._is_faulty = True
