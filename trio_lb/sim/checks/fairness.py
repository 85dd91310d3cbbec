"""Fairness: whoever may serve serves its share."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from trio_lb.config.schema import PoolConfig
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.standing import Standings
from trio_lb.sim.checks.world import World, name_of, pool_config
from trio_lb.sim.happening import Ear, Happening, What

FEWEST_A_SERVER = 50
"""Fewer picks a server are not judged: chance alone makes them differ."""
UNWEIGHED: Final = ("round_robin", "random")
"""Algorithms that give everybody the same, whatever the weights."""


def jain(loads: Sequence[float]) -> float:
    """Return Jain's index: 1 if all loads are equal, 1/n if one has all (Jain, Chiu, Hawe 1984)."""
    squares = sum(load * load for load in loads)
    return sum(loads) ** 2 / (len(loads) * squares) if squares else 1.0


@attrs.frozen
class _Period:
    """A time in which a pool's servers are the same, and how often each was picked."""

    config: PoolConfig
    picks: dict[str, int] = attrs.field(factory=dict)


class Fair(Check):
    """Over the run, the most loaded server of a pool has at most ``most`` times the mean load.

    A load is the picks of a server for its weight, while nobody of the pool was excluded:
    who is out gets nothing, rightly. Each time between two changes of the pool's servers is
    judged by itself. ``index`` is the least that Jain's index may be.
    Not for hashing and sticky pools, nor for tiers: there unequal shares are the purpose.
    """

    name = "fair"

    def __init__(self, most: float = 1.5, index: float = 0.9) -> None:
        super().__init__()
        self._most = most
        self._index = index
        self._standings = Standings()
        self._periods: dict[tuple[str, str], list[_Period]] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {**self._standings.ears, What.SELECT: self._selected}

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._standings.begin(world)

    def _selected(self, happening: Happening) -> None:
        server, pool = str(happening.values[0]), str(happening.values[1])
        self._standings.selected(happening)
        members = self._standings.pool(happening.entity, pool)
        if all(each.is_clear for each in members.values()):
            picks = self._period(happening.entity, pool).picks
            picks[server] = picks.get(server, 0) + 1

    def _period(self, balancer: str, pool: str) -> "_Period":
        """Return the one that goes on, or begin one: with other servers the shares are others."""
        config = pool_config(self.world, balancer, pool)
        periods = self._periods.setdefault((balancer, pool), [])
        if not periods or periods[-1].config.servers != config.servers:
            periods.append(_Period(config))
        return periods[-1]

    def quiet(self, world: World) -> None:
        """See ``Check``."""
        now = world.clock.current_time()
        for (balancer, pool), periods in self._periods.items():
            for period in periods:
                loads = self._loads(balancer, pool, period)
                if len(loads) > 1 and sum(period.picks.values()) >= FEWEST_A_SERVER * len(loads):
                    self._judge(now, balancer, pool, loads)

    def _judge(self, now: float, balancer: str, pool: str, loads: Mapping[str, float]) -> None:
        mean = sum(loads.values()) / len(loads)
        top = max(loads, key=lambda name: loads[name])
        ratio, index = loads[top] / mean, jain(list(loads.values()))
        if ratio > self._most:
            text = f"{top} of {pool} has {ratio:.2f} times the mean load, allowed is {self._most:g}"
            self.object_at(now, text, entity=balancer)
        elif index < self._index:
            text = f"Jain's index of {pool} is {index:.3f}, at least {self._index:g} is asked for"
            self.object_at(now, text, entity=balancer)

    def _loads(self, balancer: str, pool: str, period: "_Period") -> dict[str, float]:
        """Who was never picked counts too: that is the worst share."""
        config, picks = period.config, period.picks
        is_weighed = config.algorithm not in UNWEIGHED
        weights = {
            name_of(self.world, balancer, pool, each.id): each.weight if is_weighed else 1
            for each in config.servers
        }
        weights = weights or dict.fromkeys(picks, 1)
        return {name: picks.get(name, 0) / weight for name, weight in weights.items() if weight > 0}
