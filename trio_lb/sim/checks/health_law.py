"""The law of health: verdicts alternate, and none is better than the probes that made it."""

from collections.abc import Mapping

import attrs

from trio_lb.sim.checks.breaker_law import MANUAL
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.standing import CONFIG_UPDATED
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What


@attrs.define(slots=True)
class _Known:
    is_healthy: bool
    since: float


class HealthLegal(Check):
    """HEALTH alternates for each server; who rises again has answered a probe well since it fell.

    The second law holds for servers whose probes are heard of: a probe that only connects
    is no request, and leaves no PROBE.
    """

    name = "health_legal"

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, dict[tuple[str, str], _Known]] = {}
        self._good_probe_at: dict[str, float] = {}
        self._rebirth = Rebirth(self._known.pop)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        gone = dict.fromkeys((What.ADD, What.REMOVE), self._unknown)
        return {
            What.HEALTH: self._changed,
            What.PROBE: self._probed,
            **gone,
            What.INJECT: self._rebirth.ears[What.INJECT],
            What.NEWS: self._news,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._rebirth.begin(world)

    def _probed(self, happening: Happening) -> None:
        is_good = int(happening.values[0]) < 400
        if is_good or happening.entity not in self._good_probe_at:
            self._good_probe_at[happening.entity] = happening.at if is_good else float("-inf")

    def _changed(self, happening: Happening) -> None:
        server, pool, verdict, reason = happening.values
        here = self._known.setdefault(happening.entity, {})
        known = here.get((str(pool), str(server)))
        is_healthy = bool(verdict)
        if known is not None and known.is_healthy is is_healthy:
            word = "healthy" if is_healthy else "unhealthy"
            self.object(
                happening, f"{server} became {word}, which it was since {known.since:.6f} s"
            )
        elif known is not None and is_healthy and reason != MANUAL:
            self._judge_rise(happening, known.since)
        here[str(pool), str(server)] = _Known(is_healthy, happening.at)

    def _judge_rise(self, happening: Happening, fell_at: float) -> None:
        server = str(happening.values[0])
        good_at = self._good_probe_at.get(server)
        if good_at is not None and good_at < fell_at:
            self.object(
                happening,
                f"{server} became healthy, but answered no probe well since {fell_at:.6f} s",
            )

    def _unknown(self, happening: Happening) -> None:
        server, pool = str(happening.values[0]), str(happening.values[1])
        self._known.get(happening.entity, {}).pop((pool, server), None)

    def _news(self, happening: Happening) -> None:
        self._rebirth.ears[What.NEWS](happening)
        if happening.values[0] == CONFIG_UPDATED:
            self._known.pop(happening.entity, None)
