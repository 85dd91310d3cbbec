"""Stops: a balancer that is asked to stop leaves whoever is being served the time that it has."""

import json
import math
from collections.abc import Mapping
from typing import Final

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What

CUT: Final = "cancelled"
"""The code of a request that its balancer itself has ended."""
SWITCHED: Final = 101
"""The status of a WebSocket."""


class StopsGently(Check):
    """A balancer that stops cuts no request before its grace is over.

    And no WebSocket at its end: whoever talks is told in time that it is over, and goes.
    Asked to stop is who is drained by a fault. The end of that fault lets it come back when it
    has stopped; one that is killed meanwhile keeps no promise.
    """

    name = "stops_gently"

    def __init__(self) -> None:
        super().__init__()
        self._grace: dict[str, tuple[float, float]] = {}
        self._rebirth = Rebirth(self._grace.pop)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            **self._rebirth.ears,
            What.INJECT: self._injected,
            What.ERROR: self._failed,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._rebirth.begin(world)

    def _injected(self, happening: Happening) -> None:
        self._rebirth.ears[What.INJECT](happening)
        name = happening.entity.rpartition(":")[2]
        if happening.values[0] == "drain" and name in self.world.balancers:
            seconds = float(json.loads(str(happening.values[2]))["grace"])
            began, until = self._grace.get(name, (happening.at, math.inf))
            self._grace[name] = (began, min(until, happening.at + seconds))

    def _failed(self, happening: Happening) -> None:
        began, until = self._grace.get(happening.entity, (0.0, 0.0))
        if happening.values[5] != CUT or not until:
            return
        if happening.at < until:
            self.object(
                happening,
                f"it was cut {happening.at - began:.6f} s after a stop began that gives"
                f" {until - began:g} s",
            )
        elif happening.values[2] == SWITCHED:
            self.object(
                happening, f"its WebSocket was told nothing in {until - began:g} s of grace"
            )
