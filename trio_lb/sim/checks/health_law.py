"""The law of health: verdicts alternate, and none is better than the probes that made it."""

from collections import deque
from collections.abc import Mapping
from typing import Final

import attrs

from trio_lb.sim.checks.breaker_law import MANUAL
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.standing import CONFIG_UPDATED, Standings
from trio_lb.sim.checks.world import World, pool_config
from trio_lb.sim.happening import Ear, Happening, What

MOST_PROBES: Final = 64
"""So many good probes of a server are remembered."""


@attrs.define(slots=True)
class _Known:
    is_healthy: bool
    since: float


class HealthLegal(Check):
    """HEALTH alternates for each server; who rises again has answered probes well since it fell.

    As many as ``healthy_threshold`` says; one is enough while nobody else serves. The second
    law holds for servers whose probes are heard of: a probe that only connects is no request,
    and leaves no PROBE.
    """

    name = "health_legal"

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, dict[tuple[str, str], _Known]] = {}
        self._good_probes_at: dict[str, deque[float]] = {}
        self._standings = Standings()
        self._rebirth = Rebirth(self._known.pop)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        gone = dict.fromkeys((What.ADD, What.REMOVE), self._unknown)
        own = {
            What.HEALTH: self._changed,
            What.PROBE: self._probed,
            **gone,
            What.INJECT: self._rebirth.ears[What.INJECT],
            What.NEWS: self._news,
        }
        # What was so before a change is judged, so the standings hear of it after the law.
        then = self._standings.ears
        return then | {what: _in_turn(ear, then.get(what)) for what, ear in own.items()}

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._rebirth.begin(world)
        self._standings.begin(world)

    def _probed(self, happening: Happening) -> None:
        good_at = self._good_probes_at.setdefault(happening.entity, deque(maxlen=MOST_PROBES))
        if int(happening.values[0]) < 400:
            good_at.append(happening.at)

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
        server, pool = str(happening.values[0]), str(happening.values[1])
        good_at = self._good_probes_at.get(server)
        if good_at is None:
            return
        good = sum(at >= fell_at for at in good_at)
        wanted = self._wanted(happening.entity, pool, server)
        if good < wanted:
            self.object(
                happening,
                f"{server} became healthy, but answered {good} probes well since"
                f" {fell_at:.6f} s; {wanted} are asked for",
            )

    def _wanted(self, balancer: str, pool: str, server: str) -> int:
        """Return how many good probes it takes: one where nobody else surely serves."""
        others = [
            each for name, each in self._standings.pool(balancer, pool).items() if name != server
        ]
        if not any(each.is_good and each.is_clear for each in others):
            return 1
        config = pool_config(self.world, balancer, pool)
        own = [each.health_check for each in config.servers if each.health_check is not None]
        return min(MOST_PROBES, *(each.healthy_threshold for each in (config.health_check, *own)))

    def _unknown(self, happening: Happening) -> None:
        server, pool = str(happening.values[0]), str(happening.values[1])
        self._known.get(happening.entity, {}).pop((pool, server), None)

    def _news(self, happening: Happening) -> None:
        self._rebirth.ears[What.NEWS](happening)
        if happening.values[0] == CONFIG_UPDATED:
            self._known.pop(happening.entity, None)


def _in_turn(first: Ear, then: Ear | None) -> Ear:
    """Return one that lets both hear."""

    def heard(happening: Happening) -> None:
        first(happening)
        if then is not None:
            then(happening)

    return heard
